"""Counts frames missing between the timestamps of a video with a constant rate."""

import heapq
from collections import Counter
from typing import Final

REORDERED: Final = 32
"""Packets that may precede a packet with an earlier time: twice what H.264 and HEVC allow."""
STEADY_SHARE: Final = 0.75
"""Share of steps that must be close to the most frequent one for the rate to be constant."""
TOLERANCE: Final = 0.25
"""Relative to the most frequent step: timestamps are rounded, in Matroska to 1 ms."""
LONGEST_GAP_S: Final = 10.0
"""Longer steps are breaks in the recording and do not count as missing frames."""


class MissingFrames:
    """Collects the timestamps of packets in file order, in bounded memory.

    Missing frames are counted only at an otherwise constant rate. A variable rate has no usual
    step, so nothing counts as missing. Some encoders omit frames in which nothing moves: use the
    count only for files that are known to be damaged.
    """

    def __init__(self) -> None:
        self._waiting: list[int] = []
        self._last: int | None = None
        self._steps: Counter[int] = Counter()

    def add(self, ticks: int) -> None:
        """Add the timestamp of the next packet, in ticks."""
        heapq.heappush(self._waiting, ticks)
        if len(self._waiting) > REORDERED:
            self._pass_on()

    def missing(self, ticks_a_second: float, longest_gap_s: float = LONGEST_GAP_S) -> int:
        """Frames missing in gaps of up to `longest_gap_s`; call it after the last packet."""
        while self._waiting:
            self._pass_on()
        step = self._usual_step()
        if step is None:
            return 0
        longest = longest_gap_s * ticks_a_second
        jumps = ((one, count) for one, count in self._steps.items() if 1.5 * step < one <= longest)
        return sum(count * (round(one / step) - 1) for one, count in jumps)

    def _pass_on(self) -> None:
        ticks = heapq.heappop(self._waiting)
        if self._last is None or ticks > self._last:
            if self._last is not None:
                self._steps[ticks - self._last] += 1
            self._last = ticks

    def _usual_step(self) -> float | None:
        """Mean of the steps close to the most frequent one; None for a variable rate."""
        if not self._steps:
            return None
        mode = max(self._steps, key=lambda step: (self._steps[step], -step))
        near = {one: n for one, n in self._steps.items() if abs(one - mode) <= TOLERANCE * mode}
        if sum(near.values()) < STEADY_SHARE * self._steps.total():
            return None
        return sum(one * count for one, count in near.items()) / sum(near.values())
