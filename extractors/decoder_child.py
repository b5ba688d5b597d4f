"""What a decoder child runs: its parent's orders, with pixels written into the shared slots.

Never imports torch. `child_process` starts `main` in a fresh interpreter with three inherited
file descriptors; it ends when the connection or the lifeline closes, that is when the parent does,
however the parent ends. Each order is carried out in a fork that can read its file alone.
"""

import os
import signal
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import av.logging
import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.confinement import sandbox
from c2fpl.extractors.confinement.fork import HANG_UPS, work_apart
from c2fpl.extractors.decoding.frame_reader import FrameRequest, NumberedFrame, read_frames
from c2fpl.extractors.decoding.header import VideoHeader, read_header
from c2fpl.extractors.decoding.video import (
    DecodedFrame,
    DecodeReport,
    StartedAgain,
    UndecodableVideo,
    decode_video,
    decord_is_installed,
)
from c2fpl.extractors.frame_slots import FrameSlots
from c2fpl.extractors.posix import fcntl
from c2fpl.extractors.segments import SegmentCutter, TooShort
from c2fpl.extractors.settings import DecodingSettings, Tail

SLOT_COUNT: Final = 4
"""Segments, or single frames, that wait for the consumer, a child."""
ALIVE_S: Final = 1.0
"""Between words of a child that passes frames over."""
NO_PIXELS: Final = np.empty((0, 0, 3), np.uint8)
SURPRISES: Final = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, OSError, RuntimeError),
    *(TypeError, ValueError, av.FFmpegError),
)
"""Errors of a decoder that nobody foresaw: they cost one video, not the child."""


@dataclass(frozen=True)
class ChildSettings:
    """First message to a child."""

    decoding: DecodingSettings
    tail: Tail
    short_side_pixels: int
    slot_bytes: int


@dataclass(frozen=True)
class DecodeThis:
    """Message to a child: decode a video now."""

    path: Path
    avoid_decord: str
    """Why PyAV is to be used at once; empty to let the file decide."""


@dataclass(frozen=True)
class LookAt:
    """Message to a child: read the header of a video."""

    path: Path


Order = DecodeThis | FrameRequest | LookAt


@dataclass(frozen=True)
class SlotFree:
    """Message to a child: the consumer has copied this slot."""

    slot: int


@dataclass(frozen=True)
class Ready:
    """Message from a child: it has started and waits for a video."""


@dataclass(frozen=True)
class SlotFilled:
    """Message from a child: the next segment of the video lies in this slot."""

    slot: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Alive:
    """Message from a child: frames are passed over on the way to those that were asked for."""


@dataclass(frozen=True)
class FrameFilled:
    """Message from a child: the next of the frames that were asked for."""

    frame: NumberedFrame
    """Without its pixels."""
    filled: SlotFilled
    """Where they are."""


@dataclass(frozen=True)
class ReadDone:
    """Message from a child: all frames that were asked for were sent."""


@dataclass(frozen=True)
class Failed:
    """Message from a child: the video cannot be decoded."""

    reason: str


Answer = DecodeReport | ReadDone | VideoHeader | Failed
"""The last message of an order."""
ChildMessage = Answer | Ready | SlotFilled | StartedAgain | Alive | FrameFilled


class _Child:
    def __init__(self, connection: Connection, settings: ChildSettings, slots: FrameSlots) -> None:
        self._connection = connection
        self._settings = settings
        self._slots = slots
        self._free = deque(range(SLOT_COUNT))

    def serve(self) -> None:
        """Decode videos until the parent hangs up."""
        self._connection.send(Ready())
        while True:
            message = self._connection.recv()
            if isinstance(message, SlotFree):
                self._free.append(message.slot)
            else:
                self._carry_out_apart(message)

    def _carry_out_apart(self, order: Order) -> None:
        pyav = self._settings.decoding.decoder == "pyav"
        if isinstance(order, DecodeThis) and not (pyav or order.avoid_decord):
            decord_is_installed()  # imported once, here, for all forks
        work_apart(order.path, lambda: self._carry_out(order))

    def _carry_out(self, order: Order) -> None:
        answer = self._answer(order)
        while len(self._free) < SLOT_COUNT:  # the next order starts with all of them
            self._free.append(self._connection.recv().slot)
        self._connection.send(answer)

    def _answer(self, order: Order) -> Answer:
        try:
            match order:
                case DecodeThis():
                    return self._decoded(order)
                case FrameRequest():
                    return self._read(order)
                case LookAt(path):
                    return read_header(path)
        except (UndecodableVideo, TooShort) as error:
            return Failed(str(error))
        except MemoryError:
            return Failed("out of memory while decoding; the frames are too large for this machine")
        except SURPRISES as error:
            return Failed(f"decoder error, {type(error).__name__}: {' '.join(str(error).split())}")

    def _decoded(self, order: DecodeThis) -> DecodeReport:
        settings = self._settings
        cutter = SegmentCutter(settings.tail)
        for event in decode_video(
            order.path,
            settings.decoding,
            short_side_pixels=settings.short_side_pixels,
            avoid_decord=order.avoid_decord,
        ):
            match event:
                case DecodedFrame(pixels):
                    if segment := cutter.add(pixels):
                        self._hand_over(segment)
                case StartedAgain():
                    cutter = SegmentCutter(settings.tail)
                    self._connection.send(event)
                case DecodeReport():
                    for segment in cutter.finish():
                        self._hand_over(segment)
                    return event
        raise RuntimeError("decoding ended without a report")

    def _read(self, request: FrameRequest) -> ReadDone:
        told_s = time.monotonic()
        for frame in read_frames(request):
            if frame is not None:
                slot = self._free_slot()
                filled = SlotFilled(slot, self._slots.write_frame(slot, frame.pixels))
                self._connection.send(FrameFilled(replace(frame, pixels=NO_PIXELS), filled))
            elif time.monotonic() > told_s + ALIVE_S:
                self._connection.send(Alive())
                told_s = time.monotonic()
        return ReadDone()

    def _hand_over(self, segment: list[NDArray[np.uint8]]) -> None:
        slot = self._free_slot()
        self._connection.send(SlotFilled(slot, self._slots.write(slot, segment)))

    def _free_slot(self) -> int:
        while not self._free:
            self._free.append(self._connection.recv().slot)
        return self._free.popleft()


def end_with_parent(lifeline: int) -> None:
    """Have the kernel kill this process when the parent's end of the lifeline closes.

    A signal, since a thread could not run while a stuck decoder holds the interpreter's lock.
    """
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        try:
            alive = os.read(lifeline, 1)
        except BlockingIOError:
            return
        sys.exit(f"lifeline closed at the start ({alive!r})")
    threading.Thread(target=lambda: os._exit(len(os.read(lifeline, 1))), daemon=True).start()


def main(connection_descriptor: int, slots_descriptor: int, lifeline: int) -> None:
    """Serve one parent until it hangs up."""
    end_with_parent(lifeline)
    sandbox.no_core_dump()
    av.logging.set_level(av.logging.PANIC)  # nothing is printed, errors are counted
    connection = Connection(connection_descriptor)
    settings: ChildSettings = connection.recv()
    slots = FrameSlots(slots_descriptor, SLOT_COUNT, settings.slot_bytes)
    try:
        _Child(connection, settings, slots).serve()
    except HANG_UPS:
        return
