"""Maps frames to segments of 16, and segment scores back to frames."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadScores, BadSettings, TooShort
from c2fpl.extractors.settings import Tail

SEGMENT_FRAMES = 16
"""Frames in a segment, and the stride between segments (C2FPL section 4.2, RTFM)."""


@dataclass(frozen=True)
class SegmentPlan:
    """Division of one video's frames into segments.

    With `loop`, a short last segment repeats its own frames cyclically (RTFM's LoopPad):
    20 frames give segments [0..15] and [16 17 18 19 16 17 18 19 ...].
    With `drop`, the remaining 4 frames are in no segment and take the score of the last one.
    `xdviodet` also drops the last frame, so 32 frames give one segment.
    """

    frame_count: int
    """Frames of the video, as decoded."""
    tail: Tail = "loop"
    """Rule for the last `frame_count % 16` frames."""

    def __post_init__(self) -> None:
        if self.frame_count < 1:
            raise TooShort(f"{self.frame_count} frames; a video needs at least 1")
        if self.tail not in get_args(Tail):
            raise BadSettings(
                f"tail rule {self.tail!r} is unknown; use {' or '.join(get_args(Tail))}"
            )
        if self.segment_count == 0:
            raise TooShort(
                f"{self.frame_count} frames are fewer than one segment of {SEGMENT_FRAMES}; "
                "tail rule loop repeats them instead of dropping them"
            )

    @property
    def segment_count(self) -> int:
        """ceil(n / 16) for `loop`, floor(n / 16) for `drop`, floor((n - 1) / 16) for `xdviodet`."""
        if self.tail == "loop":
            return -(-self.frame_count // SEGMENT_FRAMES)
        return (self.frame_count - (self.tail == "xdviodet")) // SEGMENT_FRAMES

    def frames_of(self, segment: int) -> NDArray[np.int64]:
        """Frame indices of a segment: int64 (16,), 0 to frame_count - 1."""
        start, end = self._own_frames(segment)
        return start + np.arange(SEGMENT_FRAMES, dtype=np.int64) % (end - start)

    def interval_of(self, segment: int) -> tuple[int, int]:
        """Frames [start, end) that take the segment's score.

        The last interval includes any dropped frames, so the intervals cover the video exactly
        once.
        """
        start, end = self._own_frames(segment)
        return (start, self.frame_count) if segment == self.segment_count - 1 else (start, end)

    def to_frames(self, scores: NDArray[np.floating]) -> NDArray[np.float32]:
        """Repeat scores (segments,) for each frame: float32 (frame_count,).

        Raises:
            BadScores: the number of scores is not `segment_count`.
        """
        if scores.shape != (self.segment_count,):
            raise BadScores(
                f"scores of shape {scores.shape} for {self.segment_count} segments "
                f"({self.frame_count} frames); give one score per segment"
            )
        lengths = np.full(self.segment_count, SEGMENT_FRAMES)
        lengths[-1] = self.frame_count - (self.segment_count - 1) * SEGMENT_FRAMES
        return np.repeat(scores.astype(np.float32), lengths)

    def _own_frames(self, segment: int) -> tuple[int, int]:
        if not 0 <= segment < self.segment_count:
            raise IndexError(
                f"segment {segment} is out of range; this video has segments 0 to "
                f"{self.segment_count - 1}"
            )
        start = segment * SEGMENT_FRAMES
        return start, min(start + SEGMENT_FRAMES, self.frame_count)


class SegmentCutter:
    """Cuts a stream of frames into segments, holding only one segment in memory."""

    def __init__(self, tail: Tail) -> None:
        self._tail = tail
        self._pending: list[NDArray[np.uint8]] = []
        self.frame_count = 0

    def add(self, frame: NDArray[np.uint8]) -> list[NDArray[np.uint8]] | None:
        """Add the next frame, uint8 (height, width, 3); return a segment if it is complete."""
        self._pending.append(frame)
        self.frame_count += 1
        held_back = self._tail == "xdviodet"  # the last frame
        if len(self._pending) < SEGMENT_FRAMES + held_back:
            return None
        segment, self._pending = self._pending[:SEGMENT_FRAMES], self._pending[SEGMENT_FRAMES:]
        return segment

    def finish(self) -> Iterator[list[NDArray[np.uint8]]]:
        """Yield the padded last segment, uint8 frames (height, width, 3), if there is one.

        Raises:
            TooShort: the video has fewer frames than the tail rule needs.
        """
        plan = SegmentPlan(self.frame_count, self._tail)
        if self._pending and self._tail == "loop":
            start = self.frame_count - len(self._pending)
            frames = plan.frames_of(plan.segment_count - 1) - start
            yield [self._pending[frame] for frame in frames]
        self._pending = []
