"""Starts a decoder child, exchanges messages and frames with it, and ends it."""

import os
import signal
import subprocess
import sys
from multiprocessing.connection import Pipe
from typing import Final

import numpy as np
import psutil
from numpy.typing import NDArray

from c2fpl.extractors.confinement.messages import ForeignMessage, receive
from c2fpl.extractors.decoder_child import (
    SLOT_COUNT,
    ChildMessage,
    ChildSettings,
    Order,
    SlotFilled,
    SlotFree,
)
from c2fpl.extractors.frame_slots import FrameSlots, anonymous_file
from c2fpl.extractors.settings import DecodingSettings, Tail

START: Final = (
    "import sys; from c2fpl.extractors.decoder_child import main; main(*map(int, sys.argv[1:]))"
)
"""Code of a fresh interpreter, which inherits no modules, threads or locks of the parent."""
ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class ChildProcess:
    """A running decoder child, with its connection, shared slots and lifeline.

    The child has its own process group, so that Ctrl-C reaches only the parent, and its own error
    stream, so that output of FFmpeg does not reach the terminal.
    """

    def __init__(self, settings: DecodingSettings, tail: Tail, short_side_pixels: int) -> None:
        self.connection, child_connection = Pipe()
        self._slots = FrameSlots.create(SLOT_COUNT, short_side_pixels)
        lifeline_read, self._lifeline = os.pipe()
        self._errors = os.fdopen(anonymous_file("c2fpl-errors"), "w+b")
        descriptors = (child_connection.fileno(), self._slots.descriptor, lifeline_read)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, *map(str, descriptors)],
            pass_fds=descriptors,
            env=os.environ | ONE_THREAD,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            process_group=0,
        )
        child_connection.close()
        os.close(lifeline_read)
        self.videos_decoded = 0
        self._send(ChildSettings(settings, tail, short_side_pixels, self._slots.slot_bytes))

    def order(self, order: Order) -> None:
        """Send the child an order for one video."""
        self._send(order)

    def receive(self) -> ChildMessage:
        """Wait for the next message.

        Raises:
            ForeignMessage: a message that no decoder sends.
            EOFError, OSError: the child is dead.
        """
        message = receive(self.connection)
        if not isinstance(message, ChildMessage):
            raise ForeignMessage(f"the decoder process sent a {type(message).__name__}")
        return message

    def take(self, filled: SlotFilled) -> NDArray[np.uint8]:
        """Copy pixels out of their slot, uint8 (..., height, width, 3), and free the slot."""
        frames = self._slots.read(filled.slot, filled.shape)
        self._send(SlotFree(filled.slot))
        return frames

    @property
    def resident_bytes(self) -> int:
        """Resident memory of the child in bytes; 0 if it has ended."""
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    def end(self, *, patience_s: float = 0.0) -> str:
        """Wait up to `patience_s`, kill the child, release its resources; return how it ended."""
        try:
            ending = _ending(self._process.wait(patience_s))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            ending = "killed"
        error_line = self._last_error_line()
        self.connection.close()
        os.close(self._lifeline)
        self._slots.close()
        self._errors.close()
        return f"{ending}: {error_line}" if error_line else ending

    def _last_error_line(self) -> str:
        """Last line of the child's error stream, up to 200 characters, for failed.csv."""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(size - 2000, 0))
        lines = self._errors.read().decode(errors="replace").split("\n")
        return next((" ".join(line.split())[:200] for line in reversed(lines) if line.strip()), "")

    def _send(self, message: ChildSettings | Order | SlotFree) -> None:
        try:
            self.connection.send(message)
        except OSError:
            # The child is dead, which `receive` will detect and report.
            return


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}"
