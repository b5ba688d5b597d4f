"""Memory shared with a decoder child: slots that each hold the frames of one segment."""

import mmap
import os
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.child_process import anonymous_file
from c2fpl.extractors.decoding.header import MAX_ASPECT, MAX_FRAME_PIXELS
from c2fpl.extractors.segments import SEGMENT_FRAMES


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

    @classmethod
    def create(cls, slot_count: int, short_side_pixels: int) -> Self:
        """Create slots for segments of frames with this short side."""
        segment_pixels = SEGMENT_FRAMES * short_side_pixels**2 * MAX_ASPECT
        slot_bytes = 3 * max(segment_pixels, MAX_FRAME_PIXELS)
        descriptor = anonymous_file("c2fpl-frames")
        os.ftruncate(descriptor, slot_count * slot_bytes)
        return cls(descriptor, slot_count, slot_bytes)

    def write_frame(self, slot: int, frame: NDArray[np.uint8]) -> tuple[int, ...]:
        """Write one frame, uint8 (height, width, 3), into a slot; return its shape."""
        self._view(slot, frame.shape)[:] = frame
        return frame.shape

    def write(self, slot: int, frames: Sequence[NDArray[np.uint8]]) -> tuple[int, ...]:
        """Write frames, each uint8 (height, width, 3), into a slot; return the stacked shape."""
        shape = (len(frames), *frames[0].shape)
        np.stack(frames, out=self._view(slot, shape))
        return shape

    def read(self, slot: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """Copy the content of a slot as uint8 of this shape."""
        return self._view(slot, shape).copy()

    def close(self) -> None:
        """Release the memory in this process."""
        self._memory.close()
        os.close(self.descriptor)

    def _view(self, slot: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        return np.ndarray(shape, np.uint8, self._memory, offset=slot * self.slot_bytes)
