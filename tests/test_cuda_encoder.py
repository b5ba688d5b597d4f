"""The encoder of a GPU with the CPU in its place: batches, memory, threads, the start's check."""

import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from c2fpl.errors import FramesTooSmall
from c2fpl.extractors.decoding.resizing import PendingResize
from c2fpl.extractors.encoding.gpu.batches import (
    BatchedNetwork,
    clip_counts,
    fastest_clip_count,
    most_clips,
)
from c2fpl.extractors.encoding.gpu.clips import ClipCutter
from c2fpl.extractors.encoding.gpu.device_resize import DeviceResize
from c2fpl.extractors.encoding.held_frames import DeviceFrames
from c2fpl.extractors.encoding.network import IntegerPixels, fast_form, trace
from c2fpl.extractors.settings import Crops
from gpu_stand_in import GpuStandIn, gpu_encoder
from tiny import TINY, Frames, cpu_encoder, segments_of, tiny_network, with_copied_weights

CLIP_SHAPE = (7, 16, 16, 4)


@pytest.fixture(scope="module", name="tiny_network")
def tiny_network_fixture() -> nn.Module:
    return tiny_network()


class Limited(nn.Module):
    """Runs out of memory above so many clips, as a GPU does, with its activations allocated."""

    def __init__(self, network: nn.Module, *, room: int) -> None:
        super().__init__()
        self.network = network
        self.room = room
        self.batches: list[int] = []
        self.activations: list[weakref.ref[torch.Tensor]] = []

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(clips))
        activations = clips + 1
        self.activations.append(weakref.ref(activations))
        if len(clips) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        features: torch.Tensor = self.network(clips)
        return features


def batched(network: nn.Module, *, clips: int, device: GpuStandIn | None = None) -> BatchedNetwork:
    """Not traced: a network that raises is not one graph."""
    return BatchedNetwork(network, CLIP_SHAPE, device or GpuStandIn(), clips=clips)  # type: ignore[arg-type]


def tiny_form(network: nn.Module) -> nn.Module:
    return fast_form(with_copied_weights(network), TINY, torch.float32)


def cutter_of(segments: Sequence[Frames], crops: Crops = 10) -> ClipCutter:
    held = [DeviceFrames(torch.from_numpy(frames)) for frames in segments]
    resize = DeviceResize(torch.device("cpu"))
    return ClipCutter(held, resize, IntegerPixels(TINY, torch.float32), TINY, crops)


@pytest.mark.parametrize("clips", [1, 7, 10, 64])
def test_batches_that_span_segments_give_the_features_of_each(
    clips: int, tiny_network: nn.Module
) -> None:
    segments = segments_of(3, sizes=((20, 27), (31, 20)))
    network = Limited(tiny_form(tiny_network), room=64)
    with torch.inference_mode():
        found = batched(network, clips=clips)(cutter_of(segments))
    expected = cpu_encoder(tiny_network).encode(segments).reshape(30, 12)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)
    assert set(network.batches) == {clips}


def test_out_of_memory_halves_the_batch_says_so_and_goes_on(
    tiny_network: nn.Module, caplog: pytest.LogCaptureFixture
) -> None:
    segments = segments_of(2)
    network = batched(Limited(tiny_form(tiny_network), room=5), clips=16)
    with torch.inference_mode():
        found = network(cutter_of(segments))
    expected = cpu_encoder(tiny_network).encode(segments).reshape(20, 12)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)
    assert network.clips == 4
    assert [record.getMessage() for record in caplog.records] == [
        "out of GPU memory: continuing with 8 clips at a time",
        "out of GPU memory: continuing with 4 clips at a time",
    ]


def test_the_memory_of_a_failed_pass_is_free_before_a_smaller_one_is_tried(
    tiny_network: nn.Module,
) -> None:
    device, network = GpuStandIn(), Limited(tiny_form(tiny_network), room=5)
    alive: list[bool] = []
    device.on_free_memory = lambda: alive.append(network.activations[-1]() is not None)
    with torch.inference_mode():
        batched(network, clips=16, device=device)(cutter_of(segments_of(1)))
    assert alive == [False, False]


def test_one_clip_that_does_not_fit_is_an_error(tiny_network: nn.Module) -> None:
    network = batched(Limited(tiny_network, room=0), clips=2)
    with pytest.raises(torch.OutOfMemoryError):
        network(cutter_of(segments_of(1)))


def test_the_measured_batch_is_the_smallest_that_is_as_fast_a_clip() -> None:
    seconds = {8: 0.8, 16: 0.9, 32: 1.6, 64: 3.19, 128: 6.0, 256: 12.0}
    assert fastest_clip_count(seconds.__getitem__, list(seconds)) == 32  # 64 is 0.3 % faster a clip


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("no engine")]
)
def test_the_measured_batch_is_one_that_runs(error: RuntimeError) -> None:
    def seconds(clips: int) -> float:
        if clips > 64:
            raise error
        return 1.0

    assert fastest_clip_count(seconds, [8, 16, 32, 64, 128]) == 64
    assert fastest_clip_count(seconds, [128, 256]) == 128  # which then is halved


@pytest.mark.parametrize("crops", [10, 5, 1])
@pytest.mark.parametrize("most", [9, 111, 1000])
def test_batches_of_whole_segments_are_measured(crops: int, most: int) -> None:
    counts = clip_counts(crops, most)
    assert all(count % crops == 0 for count in counts)
    assert 8 <= counts[0] <= 10
    assert counts[1:] == [2 * count for count in counts[:-1]]
    assert max(counts[1:], default=0) <= min(most, 160) < 2 * max(counts[-1], most)


def test_no_tensor_of_a_batch_has_more_elements_than_cudnn_can_index() -> None:
    network = trace(nn.Sequential(nn.Conv3d(4, 64, (5, 7, 7), (1, 2, 2), (2, 3, 3)), nn.ReLU()))
    most = most_clips(network, (16, 224, 224, 4))
    assert most == (2**31 - 1) // (64 * 16 * 112 * 112) == 167


def test_a_batch_asked_for_is_divided_until_cudnn_can_index_it(
    tiny_network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    stacked = 7 * 16**2 * 16  # three frames of four channels, and four spare ones
    monkeypatch.setattr("c2fpl.extractors.encoding.gpu.batches.MOST_ELEMENTS", 9 * stacked)
    encoder = gpu_encoder(tiny_network, GpuStandIn(), batch_size=3)
    assert encoder.facts["clips"] == 8  # 30, 15, 8: at most 9
    found = encoder.encode(segments_of(2))
    np.testing.assert_allclose(found, cpu_encoder(tiny_network).encode(segments_of(2)), rtol=1e-4)


@pytest.mark.parametrize("crops", [10, 5, 1])
@pytest.mark.parametrize("batch_size", [1, 2, None])
def test_features_are_those_of_the_cpu(
    crops: Crops, batch_size: int | None, tiny_network: nn.Module
) -> None:
    segments = segments_of(5, sizes=((20, 27), (31, 20), (16, 16)))
    encoder = gpu_encoder(tiny_network, GpuStandIn(), crops=crops, batch_size=batch_size)
    expected = cpu_encoder(tiny_network, crops=crops).encode(segments)
    np.testing.assert_allclose(encoder.encode(segments), expected, rtol=1e-5, atol=1e-6)
    taken = [encoder.take(frames) for frames in segments]
    np.testing.assert_allclose(encoder.encode(taken), expected, rtol=1e-5, atol=1e-6)


def test_no_segments_give_no_features(tiny_network: nn.Module) -> None:
    assert gpu_encoder(tiny_network, GpuStandIn()).encode([]).shape == (0, 10, 12)


def test_frames_smaller_than_the_crop_are_refused(tiny_network: nn.Module) -> None:
    with pytest.raises(FramesTooSmall, match="frames of 27x15 are smaller than the crop of 16x16"):
        gpu_encoder(tiny_network, GpuStandIn()).encode(segments_of(1, sizes=((15, 27),)))


def test_one_thread_computes_and_callers_copy_and_wait(tiny_network: nn.Module) -> None:
    device = GpuStandIn()
    encoder = gpu_encoder(tiny_network, device)
    segments = segments_of(12)
    expected = cpu_encoder(tiny_network).encode(segments)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda segment: encoder.encode([segment])[0], segments))
    np.testing.assert_allclose(np.stack(found), expected, rtol=1e-5, atol=1e-6)
    compute = {thread for name in ("use", "capture", "replay") for thread in device.threads[name]}
    assert len(compute) == 1
    assert set(device.threads["download"]) == compute
    assert len(device.threads["wait"]) == 12
    assert not compute & {*device.threads["wait"], *device.threads["upload"][1:]}


def test_a_batch_is_captured_once(tiny_network: nn.Module) -> None:
    device = GpuStandIn()
    encoder = gpu_encoder(tiny_network, device)
    before = len(device.threads["capture"])
    for count in (1, 2, 3, 5):
        encoder.encode(segments_of(count))
    assert before == len(device.threads["capture"]) == 1


class NothingOnTheHost(TorchDispatchMode):  # type: ignore[no-untyped-call]  # untyped in torch
    """Fails when an operation makes a tensor elsewhere than on the device `meta`."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        assert not isinstance(out, torch.Tensor) or out.is_meta, func
        return out


@pytest.mark.parametrize("crops", [10, 1])
def test_nothing_is_copied_from_the_host_between_frames_and_features(
    crops: Crops, tiny_network: nn.Module
) -> None:
    """Such a copy makes the host wait for the device, and no graph can hold it."""
    meta = torch.device("meta")
    small = PendingResize(27, 20, "cubic")
    held = [
        DeviceFrames(torch.empty((16, *size, 3), dtype=torch.uint8, device=meta), pending)
        for size, pending in (((20, 27), None), ((18, 24), small), ((18, 24), small))
    ]
    resize = DeviceResize(meta)
    resize(held[1].frames, small)  # its weights are made on the host, once
    integers, network = IntegerPixels(TINY, torch.float16, meta), tiny_form(tiny_network).to(meta)
    batch = torch.empty((30, *CLIP_SHAPE), dtype=torch.float16, device=meta)
    with NothingOnTheHost(), torch.inference_mode():  # type: ignore[no-untyped-call]
        assert ClipCutter(held, resize, integers, TINY, crops).fill(batch, 1) == 3 * crops - 1
        network.half()(batch.permute(0, 4, 1, 2, 3))


def test_a_device_without_graphs_starts_its_kernels_one_by_one(
    tiny_network: nn.Module, caplog: pytest.LogCaptureFixture
) -> None:
    class Graphless(GpuStandIn):
        def capture(self, *_: object) -> Callable[[], torch.Tensor]:
            raise RuntimeError("operation not permitted\nwhen stream is capturing")

    encoder = gpu_encoder(tiny_network, Graphless())
    expected = cpu_encoder(tiny_network).encode(segments_of(3))
    np.testing.assert_allclose(encoder.encode(segments_of(3)), expected, rtol=1e-5, atol=1e-6)
    [message] = caplog.messages
    assert message.startswith("no CUDA graph (operation not permitted when stream is capturing): ")
