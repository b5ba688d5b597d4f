"""Segments that are read more often than others in each epoch."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.models.sources import SegmentSource


class RepeatedSource:
    """A source followed by some of its segments again.

    Args:
        source: all segments.
        again: (n,) segment numbers, repeated at will.
    """

    def __init__(self, source: SegmentSource, again: NDArray[np.int64]) -> None:
        self.crops, self.dim = source.crops, source.dim
        self.dtype: np.dtype[Any] = source.dtype
        self._source = source
        self.numbers = np.concatenate((np.arange(len(source)), again))
        """(segments,) number of each segment in the source."""

    def __len__(self) -> int:
        return len(self.numbers)

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Reads (n,) segment numbers, in any order, as (n, crops, dim) float32."""
        return self._source.gather(self.numbers[indices])


def repeats(answered: NDArray[np.bool_], share: float) -> NDArray[np.int64]:
    """Numbers of segments to repeat, so that the answered ones make up about `share` of all.

    Args:
        answered: (segments,) True for segments with an answer.
        share: of all segments after repeating, in (0, 1).

    Returns:
        The answered segments as often as needed; none if they have the share already.
    """
    chosen = np.flatnonzero(answered)
    others = len(answered) - len(chosen)
    wanted = share / (1 - share) * others
    times = max(1, round(wanted / max(len(chosen), 1)))
    return np.tile(chosen, times - 1)
