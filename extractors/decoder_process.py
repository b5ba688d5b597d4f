"""A decoder child as its parent sees it: orders go out, messages and frames come back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

import numpy as np
import psutil
from numpy.typing import NDArray

from c2fpl.extractors.child_process import ChildProcess
from c2fpl.extractors.confinement.messages import ForeignMessage, receive
from c2fpl.extractors.decoder_child import (
    SLOT_COUNT,
    ChildMessage,
    ChildSettings,
    SlotFilled,
    SlotFree,
)
from c2fpl.extractors.decoding.resizing import PendingResize, is_usual_shape, pending_resize
from c2fpl.extractors.frame_slots import FrameSlots, Unpin
from c2fpl.extractors.segments import SEGMENT_FRAMES
from c2fpl.extractors.settings import DecodingSettings, Tail

ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class FrameReceiver(Protocol):
    """Who receives the segments, such as the encoder of a GPU."""

    @property
    def resizes_frames(self) -> bool:
        """Whether it resizes frames itself, so that small ones need not be enlarged here."""
        ...

    def pin(self, memory: NDArray[np.uint8]) -> Unpin:
        """Pin memory in which segments arrive, as flat bytes; the result undoes it."""
        ...


class DecoderProcess(ChildProcess[ChildMessage]):
    """A running decoder child with its shared slots."""

    def __init__(
        self,
        settings: DecodingSettings,
        tail: Tail,
        short_side_pixels: int,
        receiver: FrameReceiver | None = None,
    ) -> None:
        self._decoding, self._short_side_pixels = settings, short_side_pixels
        self._leaves_small_frames = receiver is not None and receiver.resizes_frames
        self._slots = FrameSlots.create(SLOT_COUNT, short_side_pixels)
        if receiver is not None:
            self._slots.pin(receiver.pin, short_side_pixels)
        super().__init__(
            "c2fpl.extractors.decoder_child", (self._slots.descriptor,), environment=ONE_THREAD
        )
        self.videos_decoded = 0
        sizes = (short_side_pixels, self._slots.slot_bytes)
        self.send(ChildSettings(settings, tail, *sizes, self._leaves_small_frames))

    def read_message(self) -> ChildMessage:
        """Read one message without running code of a child that a hostile file may control."""
        message = receive(self.connection)
        if not isinstance(message, ChildMessage):
            raise ForeignMessage(f"the decoder process sent a {type(message).__name__}")
        if isinstance(message, SlotFilled) and not is_segment(message.shape):
            raise ForeignMessage(f"the decoder process sent frames of shape {message.shape}")
        return message

    @contextmanager
    def lent(self, filled: SlotFilled) -> Iterator[NDArray[np.uint8]]:
        """Pixels in their slot, uint8 (..., height, width, 3); the slot is free afterwards."""
        try:
            yield self._slots.view(filled.slot, filled.shape)
        finally:
            self.send(SlotFree(filled.slot))

    def pending_resize(self, filled: SlotFilled) -> PendingResize | None:
        """The resize that the frames of a segment still need, if the receiver resizes."""
        if not self._leaves_small_frames:
            return None
        height, width = filled.shape[1:3]
        return pending_resize(width, height, self._decoding, self._short_side_pixels)

    @property
    def resident_bytes(self) -> int:
        """Resident memory of the child in bytes; 0 if it has ended."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    def release(self) -> None:
        """Release the slots too."""
        super().release()
        self._slots.close()


def is_segment(shape: tuple[int, ...]) -> bool:
    """Whether a segment of frames that pass the checks of a header can have this shape."""
    match shape:
        case (int(frames), int(height), int(width), 3):
            return frames == SEGMENT_FRAMES and is_usual_shape(width, height)
    return False
