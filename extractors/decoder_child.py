"""Main program of a decoder child, which writes the frames of ordered videos to shared slots.

Never imports torch. `decoder_process` starts `main` in a child. Each order runs in a fork that can
read only the file of this order.
"""

import time
from collections import deque
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import av.logging
import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadVideo, TooShort
from c2fpl.extractors.child_process import connect_to_parent
from c2fpl.extractors.confinement import sandbox
from c2fpl.extractors.confinement.fork import HANG_UPS, work_apart
from c2fpl.extractors.decoding.frame_reader import FrameRequest, NumberedFrame, read_frames
from c2fpl.extractors.decoding.header import VideoHeader, read_header
from c2fpl.extractors.decoding.resizing import OneSize
from c2fpl.extractors.decoding.video import (
    DecodedFrame,
    DecoderChanged,
    DecodeReport,
    decode_video,
    decord_is_installed,
)
from c2fpl.extractors.frame_slots import FrameSlots
from c2fpl.extractors.segments import SegmentCutter
from c2fpl.extractors.settings import DecodingSettings, Tail

SLOT_COUNT: Final = 4
"""Segments or single frames per child that wait for the consumer."""
ALIVE_S: Final = 1.0
"""Seconds between messages of a child that skips frames."""
NO_PIXELS: Final = np.empty((0, 0, 3), np.uint8)
UNEXPECTED_ERRORS: Final = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, OSError, RuntimeError),
    *(TypeError, ValueError, av.FFmpegError),
)
"""Unexpected errors of a decoder: the video fails, the child continues."""


@dataclass(frozen=True)
class ChildSettings:
    """First message to a child."""

    decoding: DecodingSettings
    tail: Tail
    short_side_pixels: int
    slot_bytes: int
    leave_small_frames: bool
    """Whether frames no larger than resized ones are left as they are; the parent resizes them."""


@dataclass(frozen=True)
class DecodeOrder:
    """Message to a child: decode a video."""

    path: Path
    avoid_decord: str
    """Why decord must not be tried; empty to choose the decoder by the file."""


@dataclass(frozen=True)
class HeaderOrder:
    """Message to a child: read the header of a video."""

    path: Path


Order = DecodeOrder | FrameRequest | HeaderOrder


@dataclass(frozen=True)
class SlotFree:
    """Message to a child: the consumer has copied this slot."""

    slot: int


@dataclass(frozen=True)
class Ready:
    """Message from a child: it has started and waits for orders."""


@dataclass(frozen=True)
class SlotFilled:
    """Message from a child: the next segment of the video is in this slot."""

    slot: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Alive:
    """Message from a child: it is skipping frames before the requested ones."""


@dataclass(frozen=True)
class FrameFilled:
    """Message from a child: the next requested frame."""

    frame: NumberedFrame
    """The frame without its pixels."""
    filled: SlotFilled
    """The slot with its pixels."""


@dataclass(frozen=True)
class ReadDone:
    """Message from a child: all requested frames were sent."""


@dataclass(frozen=True)
class Failed:
    """Message from a child: the video cannot be decoded."""

    reason: str


Answer = DecodeReport | ReadDone | VideoHeader | Failed
"""Last message of an order."""
ChildMessage = Answer | Ready | SlotFilled | DecoderChanged | Alive | FrameFilled


class _Child:
    def __init__(self, connection: Connection, settings: ChildSettings, slots: FrameSlots) -> None:
        self._connection = connection
        self._settings = settings
        self._slots = slots
        self._free = deque(range(SLOT_COUNT))

    def serve(self) -> None:
        """Carry out orders until the parent closes the connection."""
        self._connection.send(Ready())
        while True:
            message = self._connection.recv()
            if isinstance(message, SlotFree):
                self._free.append(message.slot)
            else:
                self._run_in_fork(message)

    def _run_in_fork(self, order: Order) -> None:
        pyav = self._settings.decoding.decoder == "pyav"
        if isinstance(order, DecodeOrder) and not (pyav or order.avoid_decord):
            decord_is_installed()  # imports decord once for all forks
        work_apart(order.path, lambda: self._run(order))

    def _run(self, order: Order) -> None:
        answer = self._answer(order)
        while len(self._free) < SLOT_COUNT:  # the next order expects all slots to be free
            self._free.append(self._connection.recv().slot)
        self._connection.send(answer)

    def _answer(self, order: Order) -> Answer:
        try:
            match order:
                case DecodeOrder():
                    return self._decode(order)
                case FrameRequest():
                    return self._read(order)
                case HeaderOrder(path):
                    return read_header(path)
        except (BadVideo, TooShort) as error:
            return Failed(str(error))
        except MemoryError:
            return Failed("out of memory while decoding; the frames are too large for this machine")
        except UNEXPECTED_ERRORS as error:
            return Failed(f"decoder error, {type(error).__name__}: {' '.join(str(error).split())}")

    def _decode(self, order: DecodeOrder) -> DecodeReport:
        settings = self._settings
        cutter, one_size = self._new_segments()
        for event in decode_video(
            order.path,
            settings.decoding,
            short_side_pixels=settings.short_side_pixels,
            avoid_decord=order.avoid_decord,
            leave_small_frames=settings.leave_small_frames,
        ):
            match event:
                case DecodedFrame(pixels):
                    if segment := cutter.add(pixels):
                        self._send_segment(one_size(segment))
                case DecoderChanged():
                    cutter, one_size = self._new_segments()
                    self._connection.send(event)
                case DecodeReport():
                    for segment in cutter.finish():
                        self._send_segment(one_size(segment))
                    return event
        raise RuntimeError("decoding ended without a report")

    def _new_segments(self) -> tuple[SegmentCutter, OneSize]:
        settings = self._settings
        return SegmentCutter(settings.tail), OneSize(settings.decoding, settings.short_side_pixels)

    def _read(self, request: FrameRequest) -> ReadDone:
        last_sent_s = time.monotonic()
        for frame in read_frames(request):
            if frame is not None:
                slot = self._free_slot()
                filled = SlotFilled(slot, self._slots.write_frame(slot, frame.pixels))
                self._connection.send(FrameFilled(replace(frame, pixels=NO_PIXELS), filled))
            elif time.monotonic() > last_sent_s + ALIVE_S:
                self._connection.send(Alive())
                last_sent_s = time.monotonic()
        return ReadDone()

    def _send_segment(self, segment: list[NDArray[np.uint8]]) -> None:
        """Write a segment, frames of uint8 (height, width, 3), to a free slot and announce it."""
        slot = self._free_slot()
        self._connection.send(SlotFilled(slot, self._slots.write(slot, segment)))

    def _free_slot(self) -> int:
        while not self._free:
            self._free.append(self._connection.recv().slot)
        return self._free.popleft()


def main(connection_descriptor: int, lifeline: int, slots_descriptor: int) -> None:
    """Serve one parent until it closes the connection."""
    connection = connect_to_parent(connection_descriptor, lifeline)
    sandbox.no_core_dump()
    av.logging.set_level(av.logging.PANIC)  # print nothing; errors are still counted
    settings: ChildSettings = connection.recv()
    slots = FrameSlots(slots_descriptor, SLOT_COUNT, settings.slot_bytes)
    try:
        _Child(connection, settings, slots).serve()
    except HANG_UPS:
        return
