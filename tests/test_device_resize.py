"""Resizing on a device is Pillow's to the bit; frames that wait for it come out the same."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from c2fpl.extractors.decoder_messages import SegmentFrames
from c2fpl.extractors.decoder_pool import DecoderPool
from c2fpl.extractors.decoding.resizing import (
    KERNELS,
    FrameResizer,
    OneSize,
    PendingResize,
    pending_resize,
    resized_size,
)
from c2fpl.extractors.encoding.gpu.device_resize import DeviceResize, passes_of_pillow
from c2fpl.extractors.settings import DecodingSettings, Interpolation, Resize
from synthetic import Synthetic

CPU = torch.device("cpu")
SIDES = st.integers(1, 90)


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    """Noise of the two extreme values and all between, where sums exceed the range."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    return np.where(rng.random((*shape, 1)) < 0.5, values, values // 128 * 255).astype(np.uint8)


def by_pillow(frames: NDArray[np.uint8], pending: PendingResize) -> NDArray[np.uint8]:
    size, kernel = (pending.width_pixels, pending.height_pixels), KERNELS[pending.interpolation]
    return np.stack([np.asarray(Image.fromarray(frame).resize(size, kernel)) for frame in frames])


def by_device(
    frames: NDArray[np.uint8], pending: PendingResize, device: torch.device = CPU
) -> NDArray[np.uint8]:
    resized = DeviceResize(device)(torch.from_numpy(frames).to(device), pending)
    return resized.cpu().numpy()


@settings(max_examples=150, deadline=None)
@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from(list(KERNELS)))
def test_any_size_to_any_size_is_pillows_to_the_bit(
    width: int, height: int, to_width: int, to_height: int, interpolation: Interpolation
) -> None:
    frames = noise(2, height, width, seed=width)
    pending = PendingResize(to_width, to_height, interpolation)
    np.testing.assert_array_equal(by_device(frames, pending), by_pillow(frames, pending))


USUAL = [
    *((320, 240, 341, 256), (360, 240, 384, 256), (176, 144, 312, 256), (240, 320, 256, 341)),
    *((1280, 720, 455, 256), (720, 576, 160, 128), (238, 158, 385, 256), (352, 288, 340, 256)),
]


@pytest.mark.parametrize("interpolation", KERNELS)
@pytest.mark.parametrize("sizes", USUAL)
def test_usual_sizes_are_pillows_to_the_bit(
    sizes: tuple[int, int, int, int], interpolation: Interpolation
) -> None:
    width, height, to_width, to_height = sizes
    frames = noise(1, height, width)
    pending = PendingResize(to_width, to_height, interpolation)
    assert passes_of_pillow(height, width, pending) is not None  # not left to Pillow itself
    np.testing.assert_array_equal(by_device(frames, pending), by_pillow(frames, pending))


def test_a_pillow_that_resizes_in_another_way_does_it_itself(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("c2fpl.extractors.encoding.gpu.device_resize.FRACTION_BITS", 7)
    frames, resize = torch.from_numpy(noise(3, 30, 40)), DeviceResize(CPU)
    pending = PendingResize(53, 40, "cubic")
    for _ in range(2):
        found = resize(frames, pending).numpy()
        np.testing.assert_array_equal(found, by_pillow(frames.numpy(), pending))
    assert caplog.text.count("resizes in a new way: resizing on the CPU") == 1


@pytest.mark.parametrize("columns_first", [False, True])
def test_the_order_of_the_axes_is_that_of_the_installed_pillow(
    columns_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version 13 resizes some sizes along columns first, earlier versions none."""

    def resize_of_a_version(
        image: Image.Image, size: tuple[int, int], kernel: Image.Resampling
    ) -> Image.Image:
        first = (image.width, size[1]) if columns_first else (size[0], image.height)
        return whole(whole(image, first, kernel), size, kernel)

    whole = Image.Image.resize
    monkeypatch.setattr(Image.Image, "resize", resize_of_a_version)
    frames, pending = noise(2, 288, 352), PendingResize(340, 256, "bilinear")
    assert passes_of_pillow(288, 352, pending) is not None  # not left to Pillow itself
    np.testing.assert_array_equal(by_device(frames, pending), by_pillow(frames, pending))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("interpolation", KERNELS)
@pytest.mark.parametrize("sizes", USUAL)
def test_the_gpu_gives_pillows_frames_to_the_bit(
    sizes: tuple[int, int, int, int], interpolation: Interpolation
) -> None:
    width, height, to_width, to_height = sizes
    frames = noise(16, height, width)
    pending = PendingResize(to_width, to_height, interpolation)
    found = by_device(frames, pending, torch.device("cuda"))
    np.testing.assert_array_equal(found, by_pillow(frames, pending))


@given(
    st.integers(1, 3000),
    st.integers(1, 3000),
    st.sampled_from(["short256", "340x256"]),
    st.integers(1, 300),
)
def test_resizing_twice_is_resizing_once(
    width: int, height: int, resize: Resize, short_side: int
) -> None:
    size = resized_size(width, height, resize=resize, short_side_pixels=short_side)
    assert resized_size(*size, resize=resize, short_side_pixels=short_side) == size
    assert pending_resize(*size, DecodingSettings(resize=resize), short_side) is None


def test_only_frames_no_larger_than_resized_ones_are_left() -> None:
    sizes = {(320, 240): True, (176, 144): True, (384, 288): False, (640, 480): False}
    for (width, height), left in {**sizes, (180, 20): False}.items():
        resizer = FrameResizer(DecodingSettings(), 256, leave_small_frames=True)
        assert (resizer(noise(height, width)).shape == (height, width, 3)) == left


def test_frames_with_a_jpeg_step_are_never_left() -> None:
    resizer = FrameResizer(DecodingSettings(jpeg_quality=90), 64, leave_small_frames=True)
    assert resizer(noise(30, 40)).shape == (64, 85, 3)


@pytest.mark.parametrize(
    "sizes", [[(40, 30)] * 4, [(40, 30)] * 2 + [(30, 40)] * 2, [(341, 256)] * 4]
)
@pytest.mark.parametrize("resize", ["short256", "340x256"])
def test_frames_left_and_resized_later_are_the_same_even_if_their_size_changes(
    sizes: list[tuple[int, int]], resize: Resize
) -> None:
    settings = DecodingSettings(resize=resize)
    frames = [noise(height, width, seed=i) for i, (width, height) in enumerate(sizes)]
    at_once = FrameResizer(settings, 64)
    expected = np.stack([at_once(frame) for frame in frames])
    left, one_size = FrameResizer(settings, 64, leave_small_frames=True), OneSize(settings, 64)
    segments = [one_size([left(frame) for frame in frames[i : i + 3]]) for i in (0, 3)]
    found = []
    for segment in map(np.stack, segments):
        pending = pending_resize(segment.shape[2], segment.shape[1], settings, 64)
        found.append(segment if pending is None else by_device(segment, pending))
    np.testing.assert_array_equal(np.concatenate(found), expected)


class Receiver:
    """Resizes frames itself, and keeps which memory is pinned."""

    resizes_frames = True

    def __init__(self) -> None:
        self.pinned: list[tuple[int, int]] = []

    def pin(self, memory: NDArray[np.uint8]) -> "Unpinning":
        self.pinned.append((memory.ctypes.data, memory.nbytes))
        return Unpinning(self, self.pinned[-1])

    def is_pinned(self, frames: NDArray[np.uint8]) -> bool:
        start, end = frames.ctypes.data, frames.ctypes.data + frames.nbytes
        return any(first <= start and end <= first + length for first, length in self.pinned)


class Unpinning:
    """Undoes one pin."""

    def __init__(self, receiver: Receiver, pinned: tuple[int, int]) -> None:
        self._receiver, self._pinned = receiver, pinned

    def __call__(self) -> None:
        self._receiver.pinned.remove(self._pinned)


@pytest.mark.parametrize("name", ["a.mp4", "b.avi"])
@pytest.mark.parametrize("interpolation", ["bilinear", "lanczos"])
def test_frames_sent_small_from_pinned_slots_are_those_of_the_decoder(
    name: str, interpolation: Interpolation, tmp_path: Path
) -> None:
    path = Synthetic(name, frames=150).write(tmp_path)
    settings, receiver = DecodingSettings(interpolation=interpolation), Receiver()
    with DecoderPool(settings, 100) as decoders:
        expected = [m.frames for m in decoders.decode([(0, path)]) if isinstance(m, SegmentFrames)]
    found = []
    with DecoderPool(settings, 100, receiver=receiver) as decoders:
        for message in decoders.lend([(0, path)]):
            if isinstance(message, SegmentFrames):
                assert not message.frames.flags.owndata
                assert receiver.is_pinned(message.frames)
                assert message.resize is not None
                assert message.frames.nbytes < expected[0].nbytes
                found.append(by_device(message.frames, message.resize))
    assert receiver.pinned == []
    np.testing.assert_array_equal(np.stack(found), np.stack(expected))


def test_frames_too_long_for_the_pinned_part_of_a_slot_are_copied_whole(tmp_path: Path) -> None:
    path = Synthetic("wide.mp4", frames=16, width=256, height=64).write(tmp_path)
    receiver = Receiver()
    with DecoderPool(DecodingSettings(), 64, receiver=receiver) as decoders:
        for message in decoders.lend([(0, path)]):
            if isinstance(message, SegmentFrames):
                assert message.frames.flags.owndata
                assert not receiver.is_pinned(message.frames)
    assert receiver.pinned == []
