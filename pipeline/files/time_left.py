"""Estimates the remaining time of a step from its recent rate."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

ENOUGH_ITEMS = 3
"""Items that an estimate is made from, at least. The first ones also contain the start of the
step, such as loading a network."""


class TimeLeft:
    """The remaining time at the rate of the last third of the time so far.

    The rate of the whole step would follow a change of the machine's load too slowly, and that of
    the last item alone would jump.
    """

    def __init__(self, work: Sequence[float], start_s: float) -> None:
        """Begin at a time.

        Args:
            work: amount of work of each item, such as bytes, in the order of processing.
            start_s: time of a monotonic clock, in seconds.
        """
        self._work = list(accumulate(work, initial=0.0))
        self._times_s, self._done = [start_s], [0]

    def after(self, done: int, now_s: float) -> float | None:
        """Seconds left when `done` items are finished; None before enough was seen.

        Items that are worked on at the same time may finish in another order.
        """
        self._times_s.append(now_s)
        self._done.append(done)
        third_s = (now_s - self._times_s[0]) / 3
        since = bisect_right(self._times_s, now_s - third_s) - 1
        since = min(since, bisect_right(self._done, done - ENOUGH_ITEMS) - 1)
        if since < 0:
            return None
        recent = self._work[done] - self._work[self._done[since]]
        left = self._work[-1] - self._work[done]
        return left * (now_s - self._times_s[since]) / recent if recent > 0 else None
