"""Decodes many videos in watched child processes: no file can hang, crash or bloat the run.

A child that makes no progress or dies is replaced, and its video decoded again from the start with
PyAV. Children are recycled, since decoders leak. Frames come through shared memory, a few segments
ahead of the consumer and no more.
"""

import time
from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from c2fpl.extractors.child_process import ChildProcess
from c2fpl.extractors.decoder_child import (
    Alive,
    DecodeThis,
    Failed,
    FrameFilled,
    LookAt,
    Order,
    ReadDone,
    Ready,
    SlotFilled,
)
from c2fpl.extractors.decoder_messages import (
    Decoded,
    FrameMessage,
    FrameRead,
    FramesEnd,
    HeaderMessage,
    HeaderRead,
    Key,
    Message,
    Restarted,
    SegmentFrames,
    Undecodable,
)
from c2fpl.extractors.decoding.frame_reader import FrameRequest
from c2fpl.extractors.decoding.header import VideoHeader
from c2fpl.extractors.decoding.video import DecodeReport, StartedAgain
from c2fpl.extractors.settings import DecodingSettings, Tail

START_TIMEOUT_S: Final = 120.0
"""Time a new child may take until it is ready, on a machine under load."""
DEATH_S: Final = 5.0
"""Time between a child's hanging up and its exit code."""


@dataclass
class _Task:
    """A video on its way."""

    key: Key
    order: Order
    segments: int = 0
    starting: bool = False
    """Whether its child has yet to say anything."""
    patience_s: float = 0.0
    """Time that the child may be silent."""
    deadline_s: float = 0.0
    """When that ends."""

    def wait(self, patience_s: float, *, starting: bool = False) -> None:
        """Give the child so long from now on."""
        self.starting, self.patience_s = starting, patience_s
        self.deadline_s = time.monotonic() + patience_s

    @property
    def silence(self) -> str:
        """What is said of a child that was silent for too long."""
        what = "did not start within" if self.starting else "made no progress for"
        return f"decoder {what} {self.patience_s:g} s and was killed"


class WatchedDecoders:
    """Decoder children for one run; use as a context manager.

    Args:
        settings: how frames are decoded and resized.
        short_side_pixels: short side after the resize, from the backbone.
        tail: what becomes of a short last segment.
        workers: videos decoded at a time, each in its own child.
        stall_timeout_s: a child silent for so long, in seconds, is killed.
        recycle_after_videos: a child is replaced after so many videos,
        recycle_above_bytes: or when it holds more memory than this after one.
    """

    def __init__(
        self,
        settings: DecodingSettings,
        short_side_pixels: int,
        *,
        tail: Tail = "loop",
        workers: int = 1,
        stall_timeout_s: float = 60.0,
        recycle_after_videos: int = 200,
        recycle_above_bytes: int = 512 * 2**20,
    ) -> None:
        if workers < 1:
            raise ValueError(f"{workers} decoding workers; at least 1 is needed")
        self._settings = settings
        self._tail = tail
        self._short_side_pixels = short_side_pixels
        self._workers = workers
        self._stall_timeout_s = stall_timeout_s
        self._recycle_after_videos = recycle_after_videos
        self._recycle_above_bytes = recycle_above_bytes
        self._idle: list[ChildProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        while self._idle:
            self._idle.pop().end()

    def decode(self, videos: Iterable[tuple[Key, Path]]) -> Generator[Message]:
        """Decode videos in parallel, dealt in the given order to free workers.

        Messages of one video are in order and those of several interleave. The consumer may take
        its time: children wait when their slots are full. One consumer at a time.
        """
        for message in self._carried_out((key, DecodeThis(path, "")) for key, path in videos):
            assert isinstance(message, Message)
            yield message

    def read(self, wanted: Iterable[tuple[Key, FrameRequest]]) -> Generator[FrameMessage]:
        """Read single frames by number; of one video in order, as `decode` otherwise."""
        for message in self._carried_out(wanted):
            assert isinstance(message, FrameMessage)
            yield message

    def headers(self, videos: Iterable[tuple[Key, Path]]) -> Generator[HeaderMessage]:
        """Read the header of each video, as `decode` otherwise."""
        for message in self._carried_out((key, LookAt(path)) for key, path in videos):
            assert isinstance(message, HeaderMessage)
            yield message

    def _carried_out(
        self, orders: Iterable[tuple[Key, Order]]
    ) -> Generator[Message | FrameMessage | HeaderMessage]:
        waiting = (_Task(key, order) for key, order in orders)
        again: deque[_Task] = deque()
        busy: dict[ChildProcess, _Task] = {}
        try:
            while True:
                while len(busy) < self._workers:
                    task = again.popleft() if again else next(waiting, None)
                    if task is None:
                        break
                    self._begin(task, busy)
                if not busy:
                    return
                for child in self._heard_from(busy):
                    yield from self._answer(child, busy, again)
        finally:
            for child in busy:
                child.end()

    def _begin(self, task: _Task, busy: dict[ChildProcess, _Task]) -> None:
        if self._idle:
            child = self._idle.pop()
            task.wait(self._stall_timeout_s)
        else:
            child = ChildProcess(self._settings, self._tail, self._short_side_pixels)
            task.wait(max(START_TIMEOUT_S, self._stall_timeout_s), starting=True)
        busy[child] = task
        child.order(task.order)

    def _heard_from(self, busy: dict[ChildProcess, _Task]) -> list[ChildProcess]:
        """Children that have sent something, died, or been silent for too long; waits for one."""
        patience_s = min(task.deadline_s for task in busy.values()) - time.monotonic()
        ready = wait([child.connection for child in busy], max(patience_s, 0))
        now_s = time.monotonic()
        return [c for c, task in busy.items() if c.connection in ready or task.deadline_s <= now_s]

    def _answer(
        self,
        child: ChildProcess,
        busy: dict[ChildProcess, _Task],
        again: deque[_Task],
    ) -> Generator[Message | FrameMessage | HeaderMessage]:
        task = busy[child]
        if not child.connection.poll():
            child.end()
            yield self._given_up(busy.pop(child), task.silence, again)
            return
        try:
            message = child.receive()
        except (EOFError, OSError):
            ended = child.end(patience_s=DEATH_S)
            yield self._given_up(busy.pop(child), f"decoder process died ({ended})", again)
            return
        task.wait(self._stall_timeout_s)
        match message:
            case Ready() | Alive():
                return
            case FrameFilled(frame):
                yield FrameRead(task.key, replace(frame, pixels=child.take(message.filled)))
            case ReadDone():
                self._finish(child, busy)
                yield FramesEnd(task.key)
            case VideoHeader():
                self._finish(child, busy)
                yield HeaderRead(task.key, message)
            case SlotFilled():
                task.segments += 1
                yield SegmentFrames(task.key, task.segments - 1, child.take(message))
            case StartedAgain(reason):
                task.segments = 0
                yield Restarted(task.key, reason)
            case DecodeReport():
                self._finish(child, busy)
                yield Decoded(task.key, message)
            case Failed(reason):
                self._finish(child, busy)
                yield Undecodable(task.key, reason)

    def _given_up(self, task: _Task, reason: str, again: deque[_Task]) -> Restarted | Undecodable:
        """What becomes of a video whose child hung or died: once more with PyAV, or failed."""
        order, again_with_pyav = task.order, self._settings.decoder == "auto"
        if not isinstance(order, DecodeThis) or order.avoid_decord or not again_with_pyav:
            twice = "twice, " if isinstance(order, DecodeThis) and order.avoid_decord else ""
            return Undecodable(task.key, f"{twice}{reason}; the file may be damaged, or huge")
        again.append(_Task(task.key, DecodeThis(order.path, reason)))
        return Restarted(task.key, reason)

    def _finish(self, child: ChildProcess, busy: dict[ChildProcess, _Task]) -> None:
        """Take the child off its video: back to the idle ones, or out if it is old or bloated."""
        del busy[child]
        child.videos_decoded += 1
        if (
            child.videos_decoded >= self._recycle_after_videos
            or child.resident_bytes > self._recycle_above_bytes
        ):
            child.end()
        else:
            self._idle.append(child)
