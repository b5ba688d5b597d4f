"""Converts the timestamps of a file to monotonic presentation times."""

import math
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from c2fpl.extractors.decoding.header import VideoHeader
from c2fpl.extractors.decoding.presentation_times import (
    PresentationTimes,
    RateSource,
    constant_times,
)

LARGEST_DISORDER_S = 1.0
"""A timestamp that goes back by less is out of order. If it goes back by more, the clock restarted.
32 frames, the most that may be reordered, last about a second."""
LONGEST_STEP_S = 1.0
"""Longer steps are pauses and do not change the expected step."""
ROUNDING_S = 0.001
"""Precision of times in Matroska, FLV and ASF."""
USUAL_RATES = (
    *(24000 / 1001, 30000 / 1001, 60000 / 1001),
    *(5.0, 6.0, 8.0, 10.0, 12.0, 12.5, 15.0, 20.0, 24.0, 25.0, 30.0, 50.0, 60.0, 100.0, 120.0),
)
"""Common frame rates, in frames per second."""


@dataclass(frozen=True)
class StoredFrame:
    """One decoded frame, not yet converted to RGB."""

    picture: VideoFrame
    """As stored: not converted and not rotated."""
    time_s: float | None
    """Presentation time in seconds; None if the file has none."""
    pixel_aspect: Fraction
    """Width over height of a stored pixel; 1 if the file has none."""


def time_of(frame: VideoFrame, header: VideoHeader) -> float | None:
    """Presentation time in seconds; None if the file has none.

    AVI stores no times. FFmpeg numbers its packets in file order, which is not the display order of
    B-frames, so decoding times are used: they are ordered, with a constant delay. Times of raw
    streams are invented by FFmpeg and ignored.
    """
    if not header.has_times:
        return None
    if header.container != "avi":
        return frame.time
    if frame.dts is None or frame.time_base is None:
        return None
    return float(frame.dts * frame.time_base)


class FrameClock:
    """Non-decreasing seconds from the first frame, for any sequence of timestamps.

    If the clock goes back by more than LARGEST_DISORDER_S (joined recordings, a counter that
    wraps), or a timestamp is missing, time advances by the last step. If a timestamp goes back by
    less, the frame gets the time of the previous one.
    """

    def __init__(self, frame_rate: float) -> None:
        self._step_s = min(1 / frame_rate, LONGEST_STEP_S)
        self._last_s: float | None = None
        self._offset_s: float | None = None
        self.rises = True
        """Whether every frame so far has a timestamp later than all before it."""

    def add(self, time_s: float | None) -> float:
        """Convert the next frame's timestamp in seconds; None if it has none."""
        expected = 0.0 if self._last_s is None else self._last_s + self._step_s
        if time_s is None or not math.isfinite(time_s):
            self.rises = False
            self._last_s = expected
            return expected
        if self._offset_s is None:
            self._offset_s = expected - time_s
        seconds = time_s + self._offset_s
        if self._last_s is not None:
            seconds = self._continued(seconds, self._last_s, expected)
        self._last_s = seconds
        return seconds

    def _continued(self, seconds: float, last_s: float, expected: float) -> float:
        if seconds > last_s:
            step_s = seconds - last_s
            self._step_s = step_s if step_s <= LONGEST_STEP_S else self._step_s
            return seconds
        self.rises = False
        if seconds >= last_s - LARGEST_DISORDER_S:
            return last_s
        assert self._offset_s is not None
        self._offset_s += expected - seconds
        return expected


class TimesRecorder:
    """Collects the times of a video's frames: 8 bytes per frame, 17 MB for a day at 25 fps."""

    def __init__(self, frame_rate: float, rate_source: RateSource) -> None:
        self._frame_rate = frame_rate
        self._rate_source: RateSource = rate_source
        self._clock = FrameClock(frame_rate)
        self._stamped = False
        self._largest_stamp_s = 0.0
        self._seconds = array("d")

    def add(self, time_s: float | None) -> None:
        """Add the next frame's timestamp in seconds; None if it has none."""
        if time_s is not None and math.isfinite(time_s):
            self._stamped = True
            self._largest_stamp_s = max(self._largest_stamp_s, abs(time_s))
        self._seconds.append(self._clock.add(time_s))

    def times(self) -> PresentationTimes:
        """Times of all frames, without `seconds` if the rate is constant within rounding.

        If there are no timestamps, or all are equal, the times follow from the rate only.
        """
        count = len(self._seconds)
        stands_still = count > 1 and self._seconds[-1] == 0
        if not self._stamped or stands_still:
            return constant_times(count, self._frame_rate, self._rate_source)
        seconds = np.array(self._seconds, dtype=np.float64)
        # Times from decord are float32.
        rounding_s = max(ROUNDING_S, float(np.spacing(np.float32(self._largest_stamp_s))))
        rate = constant_rate(seconds, self._frame_rate, rounding_s)
        if rate is not None:
            return PresentationTimes(count, rate, "file", self._clock.rises)
        return PresentationTimes(count, self._frame_rate, "file", self._clock.rises, seconds)


def constant_rate(
    seconds: NDArray[np.float64], header_rate: float, rounding_s: float
) -> float | None:
    """The rate that gives all times within `rounding_s`; None if there is no such constant rate.

    Tries the header's rate, the common rates near the mean, and the mean, in this order.

    Args:
        seconds: float64 (frames,), non-decreasing from 0.
        header_rate: frames per second; returned for fewer than two frames.
        rounding_s: largest error of a time.
    """
    if len(seconds) < 2:
        return header_rate
    mean = (len(seconds) - 1) / seconds[-1]
    frames = np.arange(len(seconds))
    for rate in (header_rate, *_near(USUAL_RATES, mean), mean):
        if np.abs(seconds - frames / rate).max() <= rounding_s + 1e-6:
            return float(rate)
    return None


def _near(rates: Iterable[float], mean: float) -> list[float]:
    """Rates within 1 % of the mean, nearest first."""
    close = (rate for rate in rates if abs(rate - mean) <= 0.01 * mean)
    return sorted(close, key=lambda rate: abs(rate - mean))
