"""What is annotated of one video, and of the videos of one file."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from c2fpl.extractors.decoding.presentation_times import SHORTEST_S, PresentationTimes
from c2fpl.pipeline.truth.forms.rows import LARGEST_FRAME, BadAnnotation

Convention = Literal["as written", "0-based, end exclusive"]


@dataclass(frozen=True)
class VideoAnnotation:
    """What a file says of one video."""

    name: str
    """Joining name (names.py); own videos keep the folders they were written with."""
    classes: tuple[str, ...]
    """Classes in the name or the row: one, or up to three on XD-Violence; ("Normal",) for none."""
    intervals: tuple[tuple[int, int], ...]
    """Anomalous (start, end) frames as the file has them; empty for a normal video."""
    frame_count: int | None = None
    """Frames of the video if the file says it."""
    seconds: tuple[tuple[float, float], ...] = ()
    """Anomalous (start, end) in seconds, for `in_frames`; an open end is infinite."""

    def in_frames(self, times: PresentationTimes | None) -> "VideoAnnotation":
        """The same with seconds as frames: those that begin in [start, end).

        Raises:
            BadAnnotation: there are seconds, and times of the frames are not known.
        """
        if not self.seconds:
            return self
        if times is None:
            raise BadAnnotation(
                f"{self.name} is annotated in seconds and its frame rate is not known: add a column"
                " fps, or give evaluate --frame-rate"
            )
        found = [(frame_at(times, start), frame_at(times, end)) for start, end in self.seconds]
        return replace(self, intervals=(*self.intervals, *found), seconds=())


@dataclass(frozen=True)
class Annotations:
    """One annotation file or folder."""

    path: Path
    """Where it was read."""
    convention: Convention
    """What the interval numbers mean."""
    videos: Mapping[str, VideoAnnotation]
    """By joining name, in the order of the file."""
    form: str = ""
    """What was read and how its numbers are meant, for one line."""


def frame_at(times: PresentationTimes, seconds: float) -> int:
    """First frame that begins at `seconds` or later; beyond the video the rate goes on."""
    if seconds == math.inf:
        return LARGEST_FRAME
    beyond = math.ceil((seconds - times.duration_s - SHORTEST_S) * times.frame_rate)
    return times.frame_at(seconds) + max(beyond, 0)
