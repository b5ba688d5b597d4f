"""Encoders: the plain features on real weights, whatever the batch, the thread and the device."""

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from c2fpl.extractors.backbones import MC3_18, Backbone
from c2fpl.extractors.cpu_encoder import CpuEncoder, clip_indices
from c2fpl.extractors.crops import FramesTooSmall
from c2fpl.extractors.cuda_encoder import BatchedNetwork, ClipCutter, fastest_clip_count
from c2fpl.extractors.encoder import (
    MissingDevice,
    UnsupportedPrecision,
    choose_precision,
    make_encoder,
)
from c2fpl.extractors.network import fast_form
from c2fpl.extractors.settings import Crops, ExtractionSettings, Precision
from plain import (
    TorchvisionFeatures,
    library_network,
    plain_features,
    relative_error,
    resized,
    with_lively_norms,
)

FP32_TOLERANCE = 1e-4
AUTO_TOLERANCE = 0.02
CPU = torch.device("cpu")
Frames: TypeAlias = NDArray[np.uint8]
Features: TypeAlias = NDArray[np.float32]


class TinyNetwork(nn.Module):
    """Two convolutions and a mean: every mechanism of the encoders at no cost."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(3, 8, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm3d(8)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv3d(8, 12, (1, 3, 3), stride=(1, 2, 2))
        self.pool = nn.AdaptiveAvgPool3d(1)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        last = self.conv2(self.relu(self.norm1(self.conv1(clips))))
        features: torch.Tensor = self.pool(last).flatten(1)
        return features


TINY = replace(
    MC3_18, build=TinyNetwork, dim=12, clip_frames=7, crop_pixels=16, short_side_pixels=20
)


@pytest.fixture(scope="module")
def tiny_network() -> nn.Module:
    torch.manual_seed(0)
    return with_lively_norms(TinyNetwork(), seed=0).eval()


def cpu_encoder(
    network: nn.Module, backbone: Backbone = TINY, *, crops: Crops = 10, bgr: bool = False
) -> CpuEncoder:
    fast = fast_form(with_copied_weights(network), backbone, torch.float32, bgr=bgr)
    return CpuEncoder(
        fast,
        backbone,
        crops,
        precision="fp32",
        weights_sha256="",
        threads=2,
        segments_per_batch=4,
    )


def with_copied_weights(network: nn.Module) -> nn.Module:
    copied = TinyNetwork()
    copied.load_state_dict(network.state_dict())
    return copied


def segments_of(
    count: int, sizes: Sequence[tuple[int, int]] = ((20, 27),), seed: int = 0
) -> list[Frames]:
    rng = np.random.default_rng(seed)
    shapes = itertools.islice(itertools.cycle(sizes), count)
    return [rng.integers(0, 256, (16, *size, 3), dtype=np.uint8) for size in shapes]


@pytest.mark.parametrize("crops", [10, 5, 1])
def test_features_are_those_of_the_plain_way_crop_by_crop(
    crops: Crops, tiny_network: nn.Module
) -> None:
    (frames,) = segments_of(1)
    found = cpu_encoder(tiny_network, crops=crops).encode([frames])
    assert found.shape == (1, crops, 12)
    assert found.dtype == np.float32
    expected = plain_features(tiny_network, TINY, frames, crops)
    np.testing.assert_allclose(found[0], expected, rtol=FP32_TOLERANCE, atol=1e-5)


def test_features_depend_on_no_other_segment_of_the_batch_bit_for_bit(
    tiny_network: nn.Module,
) -> None:
    segments = segments_of(5, sizes=((20, 27), (31, 20), (16, 16)))
    encoder = cpu_encoder(tiny_network)
    together = encoder.encode(segments)
    alone = np.concatenate([encoder.encode([segment]) for segment in segments])
    backwards = encoder.encode(segments[::-1])[::-1]
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(together, backwards)


def test_features_depend_on_no_other_thread_bit_for_bit(tiny_network: nn.Module) -> None:
    segments = segments_of(8)
    encoder = cpu_encoder(tiny_network)
    expected = encoder.encode(segments)
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda segment: encoder.encode([segment])[0], segments * 3))
    np.testing.assert_array_equal(np.stack(rows), np.concatenate([expected] * 3))


def test_crops_of_the_mirrored_video_change_places(tiny_network: nn.Module) -> None:
    (frames,) = segments_of(1)
    encoder = cpu_encoder(tiny_network)
    features = encoder.encode([frames])[0]
    mirrored = encoder.encode([np.ascontiguousarray(frames[:, :, ::-1])])[0]
    np.testing.assert_array_equal(mirrored[:5], features[5:])
    np.testing.assert_array_equal(mirrored[5:], features[:5])


def test_bgr_is_rgb_with_the_colours_reversed(tiny_network: nn.Module) -> None:
    grey = replace(TINY, mean=(0.45,) * 3, std=(0.225,) * 3)
    (frames,) = segments_of(1)
    found = cpu_encoder(tiny_network, grey, bgr=True).encode([frames])
    reversed_frames = np.ascontiguousarray(frames[..., ::-1])
    expected = cpu_encoder(tiny_network, grey).encode([reversed_frames])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_no_segments_give_no_features(tiny_network: nn.Module) -> None:
    assert cpu_encoder(tiny_network).encode([]).shape == (0, 10, 12)


def test_frames_that_may_not_be_written_are_taken_and_left_alone(tiny_network: nn.Module) -> None:
    (frames,) = segments_of(1)
    before = frames.copy()
    frames.setflags(write=False)
    encoder = cpu_encoder(tiny_network)
    np.testing.assert_array_equal(encoder.encode([frames]), encoder.encode([before]))
    np.testing.assert_array_equal(frames, before)


def test_frames_smaller_than_the_crop_are_refused(tiny_network: nn.Module) -> None:
    with pytest.raises(FramesTooSmall, match="frames of 27x15 are smaller than the crop of 16x16"):
        cpu_encoder(tiny_network).encode(segments_of(1, sizes=((15, 27),)))


def test_the_callers_thread_count_is_given_back(tiny_network: nn.Module) -> None:
    found = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        encoder = cpu_encoder(tiny_network)
        encoder.encode(segments_of(1))
        with pytest.raises(FramesTooSmall):
            encoder.encode(segments_of(1, sizes=((8, 8),)))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(found)


@pytest.mark.parametrize(("frames", "last"), [(7, 15), (13, 15), (16, 15)])
def test_a_clips_frames_are_spread_as_pytorchvideo_spreads_them(frames: int, last: int) -> None:
    indices = clip_indices(replace(TINY, clip_frames=frames))
    assert indices == np.linspace(0, 15, frames).astype(int).tolist()
    assert (indices[0], indices[-1]) == (0, last)


# --- precision and device -----------------------------------------------------------------------


def test_automatic_precision_is_the_fastest_inside_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert choose_precision("auto", CPU) == "bf16"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": False})
    assert choose_precision("auto", CPU) == "fp32"
    assert choose_precision("auto", torch.device("cuda")) == "fp16"
    with pytest.raises(UnsupportedPrecision, match="bf16 needs a CPU with AVX512_BF16 or AMX"):
        choose_precision("bf16", CPU)


def test_fp16_on_the_cpu_is_refused() -> None:
    with pytest.raises(UnsupportedPrecision, match="fp16 needs a GPU: use bf16 or fp32"):
        choose_precision("fp16", CPU)


def test_a_gpu_that_is_not_there_is_an_error_and_never_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(MissingDevice, match="no cuda: 0 CUDA devices here; use --device cpu"):
        make_encoder(ExtractionSettings(backbone="i3d"), device="cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(MissingDevice, match="no cuda:1: 1 CUDA devices here"):
        make_encoder(ExtractionSettings(backbone="mc3-18"), device="cuda:1")


# --- batches on a GPU, with the CPU in its place --------------------------------------------------


class ForgetfulNetwork(nn.Module):
    """Runs out of memory above so many clips, as a GPU does."""

    def __init__(self, network: nn.Module, *, room: int) -> None:
        super().__init__()
        self.network = network
        self.room = room
        self.batches: list[int] = []

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(clips))
        if len(clips) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        features: torch.Tensor = self.network(clips)
        return features


def cutter_of(segments: Sequence[Frames], crops: Crops = 10) -> ClipCutter:
    return ClipCutter(
        [torch.from_numpy(frames[clip_indices(TINY)]) for frames in segments],
        TINY,
        crops,
        torch.float32,
    )


@pytest.mark.parametrize("clips", [1, 7, 10, 64])
def test_batches_that_span_segments_give_the_features_of_each(
    clips: int, tiny_network: nn.Module
) -> None:
    segments = segments_of(3, sizes=((20, 27), (31, 20)))
    fast = fast_form(with_copied_weights(tiny_network), TINY, torch.float32)
    network = ForgetfulNetwork(fast, room=64)
    found = BatchedNetwork(network, clips=clips)(cutter_of(segments))
    expected = cpu_encoder(tiny_network).encode(segments).reshape(30, 12)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)
    assert set(network.batches) == {clips}


def test_out_of_memory_halves_the_batch_says_so_and_goes_on(
    tiny_network: nn.Module, caplog: pytest.LogCaptureFixture
) -> None:
    segments = segments_of(2)
    fast = fast_form(with_copied_weights(tiny_network), TINY, torch.float32)
    network = BatchedNetwork(ForgetfulNetwork(fast, room=5), clips=16)
    found = network(cutter_of(segments))
    expected = cpu_encoder(tiny_network).encode(segments).reshape(20, 12)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)
    assert network.clips == 4
    assert [record.getMessage() for record in caplog.records] == [
        "out of GPU memory: going on with 8 clips at a time",
        "out of GPU memory: going on with 4 clips at a time",
    ]


def test_one_clip_that_does_not_fit_is_an_error(tiny_network: nn.Module) -> None:
    network = BatchedNetwork(ForgetfulNetwork(tiny_network, room=0), clips=2)
    with pytest.raises(torch.OutOfMemoryError):
        network(cutter_of(segments_of(1)))


def test_the_measured_batch_is_the_smallest_that_is_as_fast_a_clip() -> None:
    seconds = {8: 0.8, 16: 0.9, 32: 1.6, 64: 3.19, 128: 6.0, 256: 12.0}
    assert fastest_clip_count(seconds.__getitem__) == 32  # 64 is 0.3 % faster a clip


def test_the_measured_batch_fits_in_memory() -> None:
    def seconds(clips: int) -> float:
        if clips > 64:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 1.0

    assert fastest_clip_count(seconds) == 64


# --- real weights and real frames -----------------------------------------------------------------


@pytest.fixture(scope="module")
def real_segment(shared_data: Path) -> Frames:
    """16 frames of a UCF-Crime video, short side 128."""
    video = sorted((shared_data / "ucf-crime-sample").rglob("*.mp4"))[0]
    with av.open(str(video)) as container:
        frames = itertools.islice(container.decode(video=0), 100, 116)
        return resized(np.stack([frame.to_ndarray(format="rgb24") for frame in frames]), 128)


@pytest.fixture(scope="module")
def real_weights(shared_data: Path) -> Path:
    return shared_data / "weights" / "mc3_18_fight.pth"


@pytest.fixture(scope="module")
def real_features(real_segment: Frames, real_weights: Path) -> Features:
    """All five crops by the plain way: ten take twice as long and say no more."""
    network = library_network("mc3-18")
    state = torch.load(real_weights, map_location="cpu", weights_only=True)
    network.load_state_dict({k: v for k, v in state.items() if "fc." not in k}, strict=False)
    return plain_features(TorchvisionFeatures(network).eval(), MC3_18, real_segment, crops=5)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("precision", "bound"), [("fp32", FP32_TOLERANCE), ("auto", AUTO_TOLERANCE)]
)
def test_real_features_are_inside_the_bound(
    precision: Precision,
    bound: float,
    real_segment: Frames,
    real_weights: Path,
    real_features: Features,
) -> None:
    settings = ExtractionSettings(
        backbone="mc3-18", weights=real_weights, precision=precision, crops=5
    )
    found = make_encoder(settings, device="cpu").encode([real_segment])[0]
    assert relative_error(found.mean(axis=0), real_features.mean(axis=0)) < bound
    assert relative_error(found, real_features) < bound


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize(("precision", "bound"), [("fp32", 1e-3), ("auto", AUTO_TOLERANCE)])
def test_the_gpu_gives_the_plain_features(
    precision: Precision,
    bound: float,
    real_segment: Frames,
    real_weights: Path,
    real_features: Features,
) -> None:
    settings = ExtractionSettings(
        backbone="mc3-18", weights=real_weights, precision=precision, crops=5
    )
    encoder = make_encoder(settings, device="cuda", batch_size=2)
    found = encoder.encode([real_segment] * 3)
    for row in found:
        assert relative_error(row, real_features) < bound
