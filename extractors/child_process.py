"""One decoder child seen from the parent: started, spoken to, copied from, killed."""

import os
import signal
import subprocess
import sys
from multiprocessing.connection import Pipe
from typing import Final

import numpy as np
import psutil
from numpy.typing import NDArray

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
"""A fresh interpreter: nothing of the parent's modules, threads or locks comes along."""
ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class ChildProcess:
    """A running decoder child, with its connection, shared slots and lifeline.

    It has its own process group, so that Ctrl-C reaches the parent alone, and an error stream of
    its own, so that nothing FFmpeg prints reaches the terminal.
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
        """Have the child work on a video."""
        self._send(order)

    def receive(self) -> ChildMessage:
        """Next message; raises EOFError or OSError when the child is dead."""
        message: ChildMessage = self.connection.recv()
        return message

    def take(self, filled: SlotFilled) -> NDArray[np.uint8]:
        """Copy pixels out of their slot, uint8 (..., height, width, 3), and free the slot."""
        frames = self._slots.read(filled.slot, filled.shape)
        self._send(SlotFree(filled.slot))
        return frames

    @property
    def resident_bytes(self) -> int:
        """Memory the child holds now; 0 if it is gone."""
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            return 0

    def end(self, *, patience_s: float = 0.0) -> str:
        """Kill the child unless it ends by itself, give everything back, and say how it ended."""
        try:
            ended = _ending(self._process.wait(patience_s))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            ended = "killed"
        said = self._last_words()
        self.connection.close()
        os.close(self._lifeline)
        self._slots.close()
        self._errors.close()
        return f"{ended}: {said}" if said else ended

    def _last_words(self) -> str:
        """Last line the child printed, for a reason in failed.csv."""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(size - 2000, 0))
        lines = self._errors.read().decode(errors="replace").split("\n")
        return next((" ".join(line.split())[:200] for line in reversed(lines) if line.strip()), "")

    def _send(self, message: ChildSettings | Order | SlotFree) -> None:
        try:
            self.connection.send(message)
        except OSError:
            # a dead child is noticed, and said, where its next message is received
            return


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}"
