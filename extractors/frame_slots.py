"""Memory shared with a decoder child: a few slots, each holding the frames of one segment."""

import mmap
import os
import tempfile
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.decoding.header import MAX_ASPECT, MAX_FRAME_PIXELS
from c2fpl.extractors.segments import SEGMENT_FRAMES


class FrameSlots:
    """Slots in anonymous memory: a file descriptor without a name, so nothing is ever left behind.

    A slot has room for a segment of the longest frames, or for one frame of any size; memory is
    taken as it is written to.
    """

    def __init__(self, descriptor: int, slot_count: int, slot_bytes: int) -> None:
        self.descriptor = descriptor
        self.slot_count = slot_count
        self.slot_bytes = slot_bytes
        self._memory = mmap.mmap(descriptor, slot_count * slot_bytes)

    @classmethod
    def create(cls, slot_count: int, short_side_pixels: int) -> Self:
        """New slots for segments whose frames have this short side."""
        segment_pixels = SEGMENT_FRAMES * short_side_pixels**2 * MAX_ASPECT
        slot_bytes = 3 * max(segment_pixels, MAX_FRAME_PIXELS)
        descriptor = anonymous_file("c2fpl-frames")
        os.ftruncate(descriptor, slot_count * slot_bytes)
        return cls(descriptor, slot_count, slot_bytes)

    def write_frame(self, slot: int, frame: NDArray[np.uint8]) -> tuple[int, ...]:
        """Put one frame, uint8 (height, width, 3), into a slot; its shape."""
        self._view(slot, frame.shape)[:] = frame
        return frame.shape

    def write(self, slot: int, frames: Sequence[NDArray[np.uint8]]) -> tuple[int, ...]:
        """Put frames, each uint8 (height, width, 3), into a slot; the shape of all together."""
        shape = (len(frames), *frames[0].shape)
        np.stack(frames, out=self._view(slot, shape))
        return shape

    def read(self, slot: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """A copy of what is in a slot: uint8 of this shape."""
        return self._view(slot, shape).copy()

    def close(self) -> None:
        """Give the memory back on this side."""
        self._memory.close()
        os.close(self.descriptor)

    def _view(self, slot: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        return np.ndarray(shape, np.uint8, self._memory, offset=slot * self.slot_bytes)


def anonymous_file(name: str) -> int:
    """Descriptor of a file that no folder lists; in memory where the system has such files."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
