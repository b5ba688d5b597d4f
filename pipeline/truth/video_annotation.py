"""The annotation of one video, and the annotations of one file."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from c2fpl.errors import BadAnnotation
from c2fpl.extractors.decoding.presentation_times import SHORTEST_S, PresentationTimes
from c2fpl.pipeline.truth.forms.rows import LARGEST_FRAME

Convention = Literal["as written", "0-based, end exclusive"]


@dataclass(frozen=True)
class VideoAnnotation:
    """The annotation of one video."""

    name: str
    """Joining name (names.py); own videos keep the folders written in the file."""
    classes: tuple[str, ...]
    """Classes from the name or the row: one, or up to three on XD-Violence; ("Normal",) if none."""
    intervals: tuple[tuple[int, int], ...]
    """Anomalous (start, end) frames as written in the file; empty for a normal video."""
    frame_count: int | None = None
    """Frames of the video, if the file gives the number."""
    seconds: tuple[tuple[float, float], ...] = ()
    """Anomalous (start, end) in seconds, converted by `in_frames`; an open end is infinite."""

    def in_frames(self, times: PresentationTimes | None) -> "VideoAnnotation":
        """Convert [start, end) in seconds to the frames that begin in it.

        Raises:
            BadAnnotation: there are seconds, but the frame times are unknown.
        """
        if not self.seconds:
            return self
        if times is None:
            raise BadAnnotation(
                f"{self.name} is annotated in seconds, but its frame rate is unknown: add a column"
                " fps, or give evaluate --frame-rate"
            )
        found = [(frame_at(times, start), frame_at(times, end)) for start, end in self.seconds]
        return replace(self, intervals=(*self.intervals, *found), seconds=())


@dataclass(frozen=True)
class Annotations:
    """Annotations from one file or folder."""

    path: Path
    convention: Convention
    """Meaning of the interval numbers."""
    videos: Mapping[str, VideoAnnotation]
    """By joining name, in the order of the file."""
    form: str = ""
    """One-line summary for the user: what was read and how its numbers were interpreted."""


def frame_at(times: PresentationTimes, seconds: float) -> int:
    """First frame that begins at `seconds` or later, extrapolated beyond the end of the video."""
    if seconds == math.inf:
        return LARGEST_FRAME
    beyond = math.ceil((seconds - times.duration_s - SHORTEST_S) * times.frame_rate)
    return times.frame_at(seconds) + max(beyond, 0)
