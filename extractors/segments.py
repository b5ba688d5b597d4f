"""Segments of 16 frames: which frames a segment holds, and which frames take its score."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.settings import Tail

SEGMENT_FRAMES = 16
"""Frames in a segment, and the stride between segments (C2FPL section 4.2, RTFM)."""


class TooShort(ValueError):
    """A video has too few frames for one segment under its tail rule."""


class WrongScoreCount(ValueError):
    """Scores that are not one a segment."""


@dataclass(frozen=True)
class SegmentPlan:
    """How the frames of one video fall into segments.

    With `loop` a short last segment repeats its own frames cyclically (RTFM's LoopPad):
    20 frames → segments of frames [0..15] and [16 17 18 19 16 17 18 19 ...].
    With `drop` the 4 frames left over enter no segment, and take the score of the last one;
    `xdviodet` leaves the last frame out as well, so 32 frames make one segment.
    """

    frame_count: int
    """Frames of the video, as decoded."""
    tail: Tail = "loop"
    """Rule for the last `frame_count % segment_frames` frames."""
    segment_frames: int = SEGMENT_FRAMES
    """Frames in a segment."""

    def __post_init__(self) -> None:
        if self.segment_frames < 1:
            raise ValueError(f"segment of {self.segment_frames} frames: at least 1 is needed")
        if self.frame_count < 1:
            raise TooShort(f"{self.frame_count} frames: a video needs at least 1")
        if self.tail not in get_args(Tail):
            raise ValueError(
                f"tail rule {self.tail!r} is unknown; use {' or '.join(get_args(Tail))}"
            )
        if self.segment_count == 0:
            raise TooShort(
                f"{self.frame_count} frames are fewer than one segment of {self.segment_frames}; "
                "--tail loop repeats them instead of dropping them"
            )

    @property
    def segment_count(self) -> int:
        """ceil(n / segment_frames) for `loop`, floor for `drop`, floor of n - 1 for `xdviodet`."""
        if self.tail == "loop":
            return -(-self.frame_count // self.segment_frames)
        return (self.frame_count - (self.tail == "xdviodet")) // self.segment_frames

    def frames_of(self, segment: int) -> NDArray[np.int64]:
        """Frame indices shown to the network: int64 (segment_frames,), each < frame_count."""
        start, end = self._own_frames(segment)
        return start + np.arange(self.segment_frames, dtype=np.int64) % (end - start)

    def interval_of(self, segment: int) -> tuple[int, int]:
        """Frames [start, end) that take the segment's score.

        Without `loop` the last segment also takes the frames left over, so the intervals of all
        segments cover the video once.
        """
        start, end = self._own_frames(segment)
        return (start, self.frame_count) if segment == self.segment_count - 1 else (start, end)

    def to_frames(self, scores: NDArray[np.floating]) -> NDArray[np.float32]:
        """One score a frame: scores (segments,) → float32 (frame_count,).

        Raises:
            WrongScoreCount: not one score a segment.
        """
        if scores.shape != (self.segment_count,):
            raise WrongScoreCount(
                f"scores of shape {scores.shape} for {self.segment_count} segments "
                f"({self.frame_count} frames); give one score a segment"
            )
        lengths = np.full(self.segment_count, self.segment_frames)
        lengths[-1] = self.frame_count - (self.segment_count - 1) * self.segment_frames
        return np.repeat(scores.astype(np.float32), lengths)

    def _own_frames(self, segment: int) -> tuple[int, int]:
        if not 0 <= segment < self.segment_count:
            raise IndexError(
                f"segment {segment} of a video with {self.segment_count}; count from 0"
            )
        start = segment * self.segment_frames
        return start, min(start + self.segment_frames, self.frame_count)


class SegmentCutter:
    """Cuts a stream of frames into segments as they come, holding one segment at a time."""

    def __init__(self, tail: Tail, segment_frames: int = SEGMENT_FRAMES) -> None:
        self._tail = tail
        self._segment_frames = segment_frames
        self._pending: list[NDArray[np.uint8]] = []
        self.frame_count = 0

    def add(self, frame: NDArray[np.uint8]) -> list[NDArray[np.uint8]] | None:
        """Take the next frame; the frames of a segment when it completes one, else None."""
        self._pending.append(frame)
        self.frame_count += 1
        length = self._segment_frames
        if len(self._pending) < length + (self._tail == "xdviodet"):  # may be the last frame
            return None
        segment, self._pending = self._pending[:length], self._pending[length:]
        return segment

    def finish(self) -> Iterator[list[NDArray[np.uint8]]]:
        """The short last segment made whole, if the tail rule has one.

        Raises:
            TooShort: fewer frames came than the tail rule needs.
        """
        plan = SegmentPlan(self.frame_count, self._tail, self._segment_frames)
        if self._pending and self._tail == "loop":
            start = self.frame_count - len(self._pending)
            frames = plan.frames_of(plan.segment_count - 1) - start
            yield [self._pending[frame] for frame in frames]
        self._pending = []
