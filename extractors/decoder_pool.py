"""Decodes many videos in supervised child processes, so that a bad file cannot stop the run.

A child that makes no progress or dies is replaced, and its video is decoded again from the start
with PyAV. Children are recycled because decoders leak memory. Frames are passed through shared
memory, at most a few segments ahead of the consumer.
"""

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self, TypeAlias

from c2fpl.errors import BadSettings
from c2fpl.extractors.child_process import ChildDied, ready_children
from c2fpl.extractors.decoder_child import (
    ChildMessage,
    DecodeOrder,
    Failed,
    FrameFilled,
    HeaderOrder,
    Order,
    ReadDone,
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
from c2fpl.extractors.decoder_process import DecoderProcess, FrameReceiver
from c2fpl.extractors.decoding.frame_reader import FrameRequest
from c2fpl.extractors.decoding.header import VideoHeader
from c2fpl.extractors.decoding.video import DecoderChanged, DecodeReport
from c2fpl.extractors.settings import DecodingSettings, Tail

AnyMessage: TypeAlias = Message | FrameMessage | HeaderMessage
START_TIMEOUT_S: Final = 120.0
"""Limit on the start of a child, generous for a machine under load."""


@dataclass
class _Task:
    """A video in progress."""

    key: Key
    order: Order
    segments: int = 0
    starting: bool = False
    """Whether its child has sent no message yet."""
    patience_s: float = 0.0
    """Longest time between messages of the child."""
    deadline_s: float = 0.0
    """Time of the monotonic clock by which the next message must arrive."""

    def wait(self, patience_s: float, *, starting: bool = False) -> None:
        """Start waiting for the next message."""
        self.starting, self.patience_s = starting, patience_s
        self.deadline_s = time.monotonic() + patience_s

    @property
    def timeout_reason(self) -> str:
        """Error message for a child that has passed its deadline."""
        fault = "did not start within" if self.starting else "made no progress for"
        return f"decoder {fault} {self.patience_s:g} s and was killed"


def _passed_on(message: ChildMessage, task: _Task, child: DecoderProcess) -> Iterator[AnyMessage]:
    """The message of a child as the consumer receives it, with the key of its video."""
    match message:
        case FrameFilled(frame):
            with child.lent(message.filled) as pixels:
                yield FrameRead(task.key, replace(frame, pixels=pixels.copy()))
        case ReadDone():
            yield FramesEnd(task.key)
        case VideoHeader():
            yield HeaderRead(task.key, message)
        case SlotFilled():
            task.segments += 1
            with child.lent(message) as frames:
                resize = child.pending_resize(message)
                yield SegmentFrames(task.key, task.segments - 1, frames, resize)
        case DecoderChanged(reason):
            task.segments = 0
            yield Restarted(task.key, reason)
        case DecodeReport():
            yield Decoded(task.key, message)
        case Failed(reason):
            yield Undecodable(task.key, reason)


class DecoderPool:
    """Decoder children for one run; use as a context manager.

    Args:
        settings: how frames are decoded and resized.
        short_side_pixels: short side after the resize, from the backbone.
        tail: rule for a short last segment.
        workers: videos decoded at the same time, each in its own child.
        stall_timeout_s: seconds without a message after which a child is killed.
        recycle_after_videos: a child is replaced after this many videos.
        recycle_above_bytes: a child is replaced if it holds more memory than this after a video.
        receiver: receives the segments of `lend`; it may resize frames and pin memory.
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
        receiver: FrameReceiver | None = None,
    ) -> None:
        if workers < 1:
            raise BadSettings(f"{workers} decoding workers; at least 1 is needed")
        self._settings = settings
        self._tail = tail
        self._short_side_pixels = short_side_pixels
        self._workers = workers
        self.stall_timeout_s = stall_timeout_s
        self._recycle_after_videos = recycle_after_videos
        self._recycle_above_bytes = recycle_above_bytes
        self._receiver = receiver
        self._idle: list[DecoderProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        while self._idle:
            self._idle.pop().end()

    def lend(self, videos: Iterable[tuple[Key, Path]]) -> Generator[Message]:
        """Decode videos in parallel, assigned in the given order to free workers.

        Messages of one video are in order; those of different videos interleave. Children wait for
        a slow consumer. Use one generator at a time. Frames are valid until the next step.
        """
        for message in self._run((key, DecodeOrder(path, "")) for key, path in videos):
            assert isinstance(message, Message)
            yield message

    def decode(self, videos: Iterable[tuple[Key, Path]]) -> Generator[Message]:
        """Decode videos like `lend`; the frames are copies, which the consumer owns."""
        with closing(self.lend(videos)) as lent:
            yield from (m.owned() if isinstance(m, SegmentFrames) else m for m in lent)

    def read(self, wanted: Iterable[tuple[Key, FrameRequest]]) -> Generator[FrameMessage]:
        """Read single frames by number, in order within a video; otherwise like `decode`."""
        for message in self._run(wanted):
            assert isinstance(message, FrameMessage)
            yield message

    def headers(self, videos: Iterable[tuple[Key, Path]]) -> Generator[HeaderMessage]:
        """Read the header of each video; otherwise like `decode`."""
        for message in self._run((key, HeaderOrder(path)) for key, path in videos):
            assert isinstance(message, HeaderMessage)
            yield message

    def _run(self, orders: Iterable[tuple[Key, Order]]) -> Generator[AnyMessage]:
        waiting = (_Task(key, order) for key, order in orders)
        retries: deque[_Task] = deque()
        busy: dict[DecoderProcess, _Task] = {}
        try:
            while True:
                while len(busy) < self._workers:
                    task = retries.popleft() if retries else next(waiting, None)
                    if task is None:
                        break
                    self._begin(task, busy)
                if not busy:
                    return
                for child in self._ready_children(busy):
                    yield from self._handle(child, busy, retries)
        finally:
            for child in busy:
                child.end()

    def _begin(self, task: _Task, busy: dict[DecoderProcess, _Task]) -> None:
        if self._idle:
            child = self._idle.pop()
            task.wait(self.stall_timeout_s)
        else:
            rest = (self._tail, self._short_side_pixels, self._receiver)
            child = DecoderProcess(self._settings, *rest)
            task.wait(max(START_TIMEOUT_S, self.stall_timeout_s), starting=True)
        busy[child] = task
        child.send(task.order)

    def _ready_children(self, busy: dict[DecoderProcess, _Task]) -> list[DecoderProcess]:
        """Wait for children that have sent a message, died or passed their deadline."""
        patience_s = min(task.deadline_s for task in busy.values()) - time.monotonic()
        ready = ready_children(busy, max(patience_s, 0))
        now_s = time.monotonic()
        return [c for c, task in busy.items() if c in ready or task.deadline_s <= now_s]

    def _handle(
        self, child: DecoderProcess, busy: dict[DecoderProcess, _Task], retries: deque[_Task]
    ) -> Iterator[AnyMessage]:
        task = busy[child]
        if not child.connection.poll():
            child.end()
            yield self._retry_or_fail(busy.pop(child), task.timeout_reason, retries)
            return
        try:
            message = child.receive()
        except ChildDied as died:
            reason = f"decoder process died ({died})"
            yield self._retry_or_fail(busy.pop(child), reason, retries)
            return
        if isinstance(message, ReadDone | VideoHeader | DecodeReport | Failed):
            self._finish(child, busy)
        yield from _passed_on(message, task, child)
        task.wait(self.stall_timeout_s)  # not the consumer's time: the child may wait for its slot

    def _retry_or_fail(
        self, task: _Task, reason: str, retries: deque[_Task]
    ) -> Restarted | Undecodable:
        """Queue a video whose child hung or died once more with PyAV, or report the failure."""
        order, may_retry = task.order, self._settings.decoder == "auto"
        if not isinstance(order, DecodeOrder) or order.avoid_decord or not may_retry:
            twice = "twice, " if isinstance(order, DecodeOrder) and order.avoid_decord else ""
            return Undecodable(task.key, f"{twice}{reason}; the file may be damaged or very large")
        retries.append(_Task(task.key, DecodeOrder(order.path, reason)))
        return Restarted(task.key, reason)

    def _finish(self, child: DecoderProcess, busy: dict[DecoderProcess, _Task]) -> None:
        """Mark the child as idle, or end it if it has decoded many videos or grown large."""
        del busy[child]
        child.videos_decoded += 1
        is_large = child.resident_bytes > self._recycle_above_bytes
        if is_large or child.videos_decoded >= self._recycle_after_videos:
            child.end()
        else:
            self._idle.append(child)
