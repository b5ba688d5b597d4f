"""When each frame of a video is shown: a start and a rate, or one number a frame."""

import math
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

RateSource = Literal["rate", "assumed"]
"""Where a frame rate comes from: the headers of container or stream, or nowhere."""
TimeSource = Literal["file"] | RateSource
"""Where times come from: time stamps in the file, or a rate."""
ASSUMED_RATE = 25.0
"""Frames a second of a video that has neither times nor a rate: FFmpeg's default, and PAL's."""
LONGEST_FRAME_S = 10.0
"""A frame that stays longer is followed by a break in the recording, of which it shows nothing."""
SHORTEST_S = 1e-6
"""Sums and differences of times are exact to less than this."""


class BadTimes(ValueError):
    """Times that no video can have."""


@dataclass(frozen=True, eq=False)
class PresentationTimes:
    """Presentation times of all frames, in seconds from the first one."""

    frame_count: int
    """Frames of the video, as decoded (or resampled)."""
    frame_rate: float
    """Frames a second: exact where `seconds` is None, else about the usual one."""
    source: TimeSource = "file"
    """Where the times come from."""
    seekable: bool = False
    """Whether the file's own clock tells every frame from all others, so that seeking is exact."""
    seconds: NDArray[np.float64] | None = None
    """(frames,) from 0, never falling; None where frame i is shown at i / frame_rate."""

    def __post_init__(self) -> None:
        if self.frame_count < 0 or not 0 < self.frame_rate < math.inf:
            raise BadTimes(f"{self.frame_count} frames at {self.frame_rate} a second")
        if self.seconds is None:
            return
        if self.seconds.shape != (self.frame_count,) or self.seconds.dtype != np.float64:
            raise BadTimes(
                f"times of {self.seconds.dtype} {self.seconds.shape} for {self.frame_count} frames"
            )
        if not np.isfinite(self.seconds).all() or (np.diff(self.seconds, prepend=0.0) < 0).any():
            raise BadTimes("times that fall, or are not finite")

    @overload
    def start_s(self, frames: int) -> float: ...
    @overload
    def start_s(self, frames: NDArray[np.integer]) -> NDArray[np.float64]: ...
    def start_s(self, frames: int | NDArray[np.integer]) -> float | NDArray[np.float64]:
        """When frames begin to be shown, in seconds; one past the last gives the end."""
        inside = np.minimum(frames, max(self.frame_count - 1, 0))
        begun = inside / self.frame_rate if self.seconds is None else self.seconds[inside]
        seconds = begun + (np.asarray(frames) - inside) / self.frame_rate
        return float(seconds) if np.ndim(frames) == 0 else np.asarray(seconds, np.float64)

    @overload
    def end_s(self, frames: int) -> float: ...
    @overload
    def end_s(self, frames: NDArray[np.integer]) -> NDArray[np.float64]: ...
    def end_s(self, frames: int | NDArray[np.integer]) -> float | NDArray[np.float64]:
        """When stretches [.., frame) end: the next frame's start, but for breaks.

        A break of more than LONGEST_FRAME_S belongs to no frame: the last one before it is shown
        for 1 / frame_rate.
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
        """The last frame that has begun by then; 0 before the first."""
        frame = self.frame_at(seconds)
        begins = frame < self.frame_count and self.start_s(frame) <= seconds + SHORTEST_S
        return frame if begins else max(frame - 1, 0)

    @property
    def duration_s(self) -> float:
        """When the last frame ends."""
        return self.end_s(self.frame_count)

    @property
    def remark(self) -> str:
        """One line where no times are known; empty otherwise."""
        if self.source != "assumed":
            return ""
        return (
            f"the times of its frames are not known: seconds assume {self.frame_rate:.4g} frames "
            "a second"
        )


def constant_times(
    frame_count: int, frame_rate: float, source: TimeSource = "assumed"
) -> PresentationTimes:
    """Times of a video of which nothing more is known than a rate; not finite or 0 gives 25."""
    known = 0 < frame_rate < math.inf
    return PresentationTimes(frame_count, frame_rate if known else ASSUMED_RATE, source)
