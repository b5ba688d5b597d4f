"""Encoders: the plain features, whatever the batch and the thread; precision and device."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from c2fpl.errors import BadSettings, FramesTooSmall, MissingDevice
from c2fpl.extractors.encoding.cpu_encoder import clip_indices
from c2fpl.extractors.encoding.encoder import choose_precision, make_encoder
from c2fpl.extractors.settings import Crops, ExtractionSettings
from plain import plain_features
from tiny import TINY, cpu_encoder, segments_of, tiny_network

TOLERANCE = 1e-4
CPU = torch.device("cpu")


@pytest.fixture(scope="module", name="tiny_network")
def tiny_network_fixture() -> nn.Module:
    return tiny_network()


@pytest.mark.parametrize("crops", [10, 5, 1])
def test_features_are_those_of_the_plain_way_crop_by_crop(
    crops: Crops, tiny_network: nn.Module
) -> None:
    (frames,) = segments_of(1)
    found = cpu_encoder(tiny_network, crops=crops).encode([frames])
    assert found.shape == (1, crops, 12)
    assert found.dtype == np.float32
    expected = plain_features(tiny_network, TINY, frames, crops)
    np.testing.assert_allclose(found[0], expected, rtol=TOLERANCE, atol=1e-5)


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


def test_the_padding_of_the_frame_is_the_mean_pixel(tiny_network: nn.Module) -> None:
    """The borders of an even frame show whether padding means what it meant to the network."""
    grey = np.array(TINY.mean, np.float32) * 255
    frames = np.broadcast_to(grey.round(), (16, 20, 27, 3)).astype(np.uint8)
    found = cpu_encoder(tiny_network, crops=1).encode([frames])[0]
    expected = plain_features(tiny_network, TINY, frames, crops=1)
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=1e-5)


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


def test_automatic_precision_is_the_fastest_inside_the_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)
    assert choose_precision("auto", CPU) == "bf16"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": False}, raising=False)
    assert choose_precision("auto", CPU) == "fp32"
    assert choose_precision("auto", torch.device("cuda")) == "fp16"
    with pytest.raises(BadSettings, match="bf16 needs a CPU with AVX512_BF16 or AMX"):
        choose_precision("bf16", CPU)


def test_fp16_on_the_cpu_is_refused() -> None:
    with pytest.raises(BadSettings, match="fp16 needs a GPU: use bf16 or fp32"):
        choose_precision("fp16", CPU)


def test_a_gpu_that_is_not_there_is_an_error_and_never_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(MissingDevice, match="no cuda: 0 CUDA devices here; use device cpu"):
        make_encoder(ExtractionSettings(backbone="i3d"), device="cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(MissingDevice, match="no cuda:1: 1 CUDA devices here"):
        make_encoder(ExtractionSettings(backbone="mc3-18"), device="cuda:1")
