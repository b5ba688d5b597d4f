"""Features relative to their video: distance of each value from its usual state there."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.models.chunks import thinned
from c2fpl.models.sources import SegmentSource, locate

_USUAL_ROWS = 256


def usual_state(chunks: Iterable[NDArray[Any]]) -> NDArray[np.float32]:
    """(crops, dim) median over time of one video, from at most 256 of its segments."""
    rows = thinned(chunks, _USUAL_ROWS)[1]
    state: NDArray[np.float32] = np.median(rows.astype(np.float32), axis=0)
    return state


def relative_to(
    chunks: Iterable[NDArray[Any]], usual: NDArray[np.float32]
) -> Iterator[NDArray[np.float32]]:
    """Yields |f - usual state| of each (segments, crops, dim) chunk."""
    for chunk in chunks:
        yield np.abs(chunk.astype(np.float32) - usual)


class RelativeSource:
    """A source of segments relative to their videos.

    Args:
        source: the absolute features.
        usual: (crops, dim) usual state per video.
        counts: number of segments per video.
    """

    dtype = np.dtype(np.float32)

    def __init__(
        self,
        source: SegmentSource,
        usual: Sequence[NDArray[np.float32]],
        counts: Sequence[int],
    ) -> None:
        self.crops, self.dim = source.crops, source.dim
        self._source, self._usual = source, np.stack(list(usual))
        self._ends = np.cumsum(counts)

    def __len__(self) -> int:
        return len(self._source)

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Reads (n,) segment numbers, in any order, as (n, crops, dim) float32."""
        videos, _ = locate(indices, self._ends)
        values = self._source.gather(indices) - self._usual[videos]
        np.abs(values, out=values)
        return values
