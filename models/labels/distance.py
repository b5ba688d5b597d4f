"""Distance of each segment to the nearest segment of another video.

Segments of the same video do not count, because neighbours in time are alike, and the distance
would be a second change.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.models.chunks import blocks
from c2fpl.models.labels.change import Array

_BLOCK = 256


@dataclass(frozen=True, eq=False)
class Reference:
    """Segments sampled from videos."""

    rows: NDArray[np.float32]
    """(rows, dim) crop means."""
    owners: NDArray[np.int64]
    """(rows,) number of the video of each row."""

    def elsewhere(self, video: Iterable[NDArray[Any]]) -> NDArray[np.bool_]:
        """(rows,) False for rows of this video, which is recognised by their exact values."""
        if len(self.rows) == 0:
            return np.ones(0, dtype=bool)  # without reading the video
        known = {row.tobytes() for row in self.rows}
        seen = {value for chunk in video for row in chunk if (value := _bytes(row)) in known}
        absent = [row.tobytes() not in seen for row in self.rows]
        return np.isin(self.owners, self.owners[absent])


def distance(video: Iterable[NDArray[Any]], reference: Reference) -> Array | None:
    """(segments,) distance to the nearest row of another video; None if there is no such row.

    Args:
        video: its crop means in order of time, as chunks of (segments, dim); read twice.
        reference: may be empty.
    """
    rows = reference.rows[reference.elsewhere(video)]
    if len(rows) == 0:
        return None
    return np.concatenate([pairs.min(axis=1) for pairs in _distances(video, rows)])


def _distances(video: Iterable[NDArray[Any]], rows: NDArray[Any]) -> Iterable[Array]:
    """Yields (segments, rows) distances of each block of the video."""
    rows = rows.astype(np.float64)
    origin = rows.mean(axis=0)  # close to the rows, so that the squares below do not cancel
    rows = rows - origin
    squares = (rows**2).sum(axis=1)
    for block in blocks(video, _BLOCK):
        values = block.astype(np.float64) - origin
        squared = (values**2).sum(axis=1)[:, None] + squares - 2 * values @ rows.T
        yield np.sqrt(np.maximum(squared, 0))


def _bytes(row: NDArray[Any]) -> bytes:
    return row.astype(np.float32).tobytes()
