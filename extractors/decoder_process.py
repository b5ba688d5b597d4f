"""A decoder child as its parent sees it: orders go out, messages and frames come back."""

from typing import Final

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
from c2fpl.extractors.frame_slots import FrameSlots
from c2fpl.extractors.settings import DecodingSettings, Tail

ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class DecoderProcess(ChildProcess[ChildMessage]):
    """A running decoder child with its shared slots."""

    def __init__(self, settings: DecodingSettings, tail: Tail, short_side_pixels: int) -> None:
        self._slots = FrameSlots.create(SLOT_COUNT, short_side_pixels)
        super().__init__(
            "c2fpl.extractors.decoder_child", (self._slots.descriptor,), environment=ONE_THREAD
        )
        self.videos_decoded = 0
        self.send(ChildSettings(settings, tail, short_side_pixels, self._slots.slot_bytes))

    def read_message(self) -> ChildMessage:
        """Read one message without running code of a child that a hostile file may control."""
        message = receive(self.connection)
        if not isinstance(message, ChildMessage):
            raise ForeignMessage(f"the decoder process sent a {type(message).__name__}")
        return message

    def take(self, filled: SlotFilled) -> NDArray[np.uint8]:
        """Copy pixels out of their slot, uint8 (..., height, width, 3), and free the slot."""
        frames = self._slots.read(filled.slot, filled.shape)
        self.send(SlotFree(filled.slot))
        return frames

    @property
    def resident_bytes(self) -> int:
        """Resident memory of the child in bytes; 0 if it has ended."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    def end(self, *, patience_s: float = 0.0) -> str:
        """End the child and release its slots too; return how it ended."""
        ending = super().end(patience_s=patience_s)
        self._slots.close()
        return ending
