"""Presentation times of a video's frames: a constant rate, or one time per frame."""

import math
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadVideo

RateSource = Literal["rate", "assumed"]
"""Source of a frame rate: the headers of the container or stream, or the default."""
TimeSource = Literal["file"] | RateSource
"""Source of times: timestamps in the file, or a rate."""
ASSUMED_RATE = 25.0
"""Frames per second of a video without times and rate: the default of FFmpeg and of PAL."""
LONGEST_FRAME_S = 10.0
"""A longer interval after a frame is a break in the recording."""
SHORTEST_S = 1e-6
"""Upper bound on rounding errors in sums and differences of times."""


@dataclass(frozen=True, eq=False)
class PresentationTimes:
    """Presentation times of all frames, in seconds from the first one."""

    frame_count: int
    """Frames of the video, as decoded or resampled."""
    frame_rate: float
    """Frames per second: exact if `seconds` is None, otherwise nominal."""
    source: TimeSource = "file"
    """Where the times come from."""
    seekable: bool = False
    """Whether each frame has a unique timestamp in the file, so that seeking is exact."""
    seconds: NDArray[np.float64] | None = None
    """float64 (frames,), non-decreasing from 0; None if frame i is shown at i / frame_rate."""

    def __post_init__(self) -> None:
        if self.frame_count < 0 or not 0 < self.frame_rate < math.inf:
            raise BadVideo(
                f"{self.frame_count} frames at {self.frame_rate} per second; the count must be 0 or"
                " more, the rate positive and finite"
            )
        if self.seconds is None:
            return
        if self.seconds.shape != (self.frame_count,) or self.seconds.dtype != np.float64:
            raise BadVideo(
                f"{self.seconds.dtype} times of shape {self.seconds.shape}; must be float64 of "
                f"shape ({self.frame_count},)"
            )
        if not np.isfinite(self.seconds).all() or (np.diff(self.seconds, prepend=0.0) < 0).any():
            raise BadVideo("times must be finite, not negative and non-decreasing")

    @overload
    def start_s(self, frames: int) -> float: ...
    @overload
    def start_s(self, frames: NDArray[np.integer]) -> NDArray[np.float64]: ...
    def start_s(self, frames: int | NDArray[np.integer]) -> float | NDArray[np.float64]:
        """Presentation times in seconds, float64 of the shape of `frames`, or a float for an int.

        Frames count from 0; `frame_count` gives the end of the video.
        """
        inside = np.minimum(frames, max(self.frame_count - 1, 0))
        begun = inside / self.frame_rate if self.seconds is None else self.seconds[inside]
        seconds = begun + (np.asarray(frames) - inside) / self.frame_rate
        return float(seconds) if np.ndim(frames) == 0 else np.asarray(seconds, np.float64)

    @overload
    def end_s(self, frames: int) -> float: ...
    @overload
    def end_s(self, frames: NDArray[np.integer]) -> NDArray[np.float64]: ...
    def end_s(self, frames: int | NDArray[np.integer]) -> float | NDArray[np.float64]:
        """End in seconds of intervals [.., frame): the start of `frame`, except after a break.

        A frame before a break of more than LONGEST_FRAME_S is shown for 1 / frame_rate. Shapes and
        dtypes are those of `start_s`.
        """
        ends = np.asarray(self.start_s(np.asarray(frames)))
        last = np.asarray(self.start_s(np.maximum(np.asarray(frames) - 1, 0)))
        ends = np.where(ends - last > LONGEST_FRAME_S, last + 1 / self.frame_rate, ends)
        return float(ends) if np.ndim(frames) == 0 else ends

    def frame_at(self, seconds: float) -> int:
        """First frame that begins at `seconds` or later, at most `frame_count`."""
        if self.seconds is not None:
            return int(np.searchsorted(self.seconds, seconds - SHORTEST_S))
        frame = math.ceil((seconds - SHORTEST_S) * self.frame_rate)
        return min(max(frame, 0), self.frame_count)

    def frame_shown_at(self, seconds: float) -> int:
        """Last frame that begins at `seconds` or earlier; 0 before the first."""
        frame = self.frame_at(seconds)
        begins = frame < self.frame_count and self.start_s(frame) <= seconds + SHORTEST_S
        return frame if begins else max(frame - 1, 0)

    @property
    def duration_s(self) -> float:
        """End of the last frame, in seconds from the first."""
        return self.end_s(self.frame_count)

    @property
    def remark(self) -> str:
        """One line if the times are assumed; empty otherwise."""
        if self.source != "assumed":
            return ""
        return (
            f"the frames have no times in the file; {self.frame_rate:.4g} frames per second are "
            "assumed"
        )


def constant_times(
    frame_count: int, frame_rate: float, source: TimeSource = "assumed"
) -> PresentationTimes:
    """Times of a video by its rate only; a rate that is not positive and finite becomes 25."""
    known = 0 < frame_rate < math.inf
    return PresentationTimes(frame_count, frame_rate if known else ASSUMED_RATE, source)
