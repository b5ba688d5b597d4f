"""Memory shared with a decoder child: slots that each hold the frames of one segment."""

import mmap
import os
from collections.abc import Callable, Sequence
from typing import Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.child_process import anonymous_file
from c2fpl.extractors.decoding.header import MAX_ASPECT, MAX_FRAME_PIXELS
from c2fpl.extractors.segments import SEGMENT_FRAMES

Unpin: TypeAlias = Callable[[], None]
Pin: TypeAlias = Callable[[NDArray[np.uint8]], Unpin]
"""Pins memory in place, so that a device can copy from it; returns what undoes that."""
PINNED_ASPECT: Final = 2
"""Aspect ratio of the longest frames whose segments lie in pinned memory."""


class FrameSlots:
    """Slots in anonymous memory, which the system frees when the processes end.

    A slot can hold a segment of frames with the largest aspect ratio, or one frame of any size.
    Physical memory is allocated on the first write.
    """

    def __init__(self, descriptor: int, slot_count: int, slot_bytes: int) -> None:
        self.descriptor = descriptor
        self.slot_count = slot_count
        self.slot_bytes = slot_bytes
        self._memory = mmap.mmap(descriptor, slot_count * slot_bytes)
        self._pinned_bytes = 0
        self._unpin: list[Unpin] = []

    @classmethod
    def create(cls, slot_count: int, short_side_pixels: int) -> Self:
        """Create slots for segments of frames with this short side."""
        segment_pixels = SEGMENT_FRAMES * short_side_pixels**2 * MAX_ASPECT
        slot_bytes = whole_pages(3 * max(segment_pixels, MAX_FRAME_PIXELS))
        descriptor = anonymous_file("c2fpl-frames")
        os.ftruncate(descriptor, slot_count * slot_bytes)
        return cls(descriptor, slot_count, slot_bytes)

    def pin(self, pin: Pin, short_side_pixels: int) -> None:
        """Pin the part of each slot that segments of usual frames use, until `close`."""
        pinned_bytes = whole_pages(3 * SEGMENT_FRAMES * short_side_pixels**2 * PINNED_ASPECT)
        parts = (self.view(slot, (pinned_bytes,)) for slot in range(self.slot_count))
        self._unpin = [pin(part) for part in parts]
        self._pinned_bytes = pinned_bytes

    def write_frame(self, slot: int, frame: NDArray[np.uint8]) -> tuple[int, ...]:
        """Write one frame, uint8 (height, width, 3), into a slot; return its shape."""
        self.view(slot, frame.shape)[:] = frame
        return frame.shape

    def write(self, slot: int, frames: Sequence[NDArray[np.uint8]]) -> tuple[int, ...]:
        """Write frames, each uint8 (height, width, 3), into a slot; return the stacked shape."""
        shape = (len(frames), *frames[0].shape)
        np.stack(frames, out=self.view(slot, shape))
        return shape

    def view(self, slot: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """The content of a slot as uint8 of this shape, not copied.

        It is copied if only a part of it is pinned: no device can copy that.
        """
        view = np.ndarray(shape, np.uint8, self._memory, offset=slot * self.slot_bytes)
        return view.copy() if 0 < self._pinned_bytes < view.nbytes else view

    def close(self) -> None:
        """Release the memory in this process; that of a view when the view is dropped."""
        for unpin in self._unpin:
            unpin()
        del self._memory
        os.close(self.descriptor)


def whole_pages(byte_count: int) -> int:
    """The number of bytes rounded up to whole pages of memory."""
    return -(-byte_count // mmap.PAGESIZE) * mmap.PAGESIZE
