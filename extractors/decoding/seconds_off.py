"""How far the seconds of a video, frame number / frame rate, are from the times in its file.

Every second that is shown is such a quotient. Where frames are not evenly timed (a variable frame
rate, pauses, lost frames) it is wrong, and its largest error is measured while decoding.
"""

from typing import Final

LEAST_SAID_S: Final = 0.5
"""Smaller errors are not worth a word. Scores are of segments of 16 frames, 0.5 s at 30 a second,
so that no event is known to stand closer; nor are shorter events reported by default. A constant
rate measures far less: 1 ms where times are rounded to it, a frame where the header's rate is."""


class SecondsOff:
    """Takes the times of the frames as they come, in constant memory."""

    def __init__(self, frame_rate: float) -> None:
        self._frame_rate = frame_rate
        self._index = 0
        self._start_s: float | None = None
        self._largest_s = 0.0

    def add(self, time_s: float | None) -> None:
        """Take the time of the next frame, in seconds; one without a time is only counted."""
        counted_s = self._index / self._frame_rate
        self._index += 1
        if time_s is None:
            return
        if self._start_s is None:
            self._start_s = time_s - counted_s
        self._largest_s = max(self._largest_s, abs(time_s - self._start_s - counted_s))

    @property
    def largest_s(self) -> float:
        """Largest |t_i - t_0 - i / frame rate| so far, in seconds, to the millisecond.

        t_0 is by the first frame with a time; 0.0 where no frame has one.
        """
        return round(self._largest_s, 3)


def seconds_remark(seconds_off: float, frame_rate: float) -> str:
    """One line on seconds that are off: value, rule, cure; empty below `LEAST_SAID_S`.

    Args:
        seconds_off: largest error, in seconds.
        frame_rate: frames a second of the output.
    """
    if not seconds_off >= LEAST_SAID_S:
        return ""
    return (
        f"seconds are up to {seconds_off:.1f} s off: they are frame / {frame_rate:.4g} a second, "
        "but the frames are not evenly timed; --fps 30 makes them right, but for breaks of over "
        "10 s: cut the file there"
    )
