"""Measures how much each segment differs from its neighbours in time."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures

Array = NDArray[np.float64]
Videos = Sequence[Iterable[NDArray[Any]]]
"""Crop means of each video: (segments, dim) chunks in order of time, read several times."""


def steps_of(videos: Videos) -> tuple[Array, ...]:
    """(segments - 1,) distances between neighbours per video; one chunk is in memory at a time.

    Raises:
        BadFeatures: see the class; the message gives the number of the video.
    """
    if len(videos) == 0:
        raise BadFeatures("there are no videos to label; give at least one")
    found = []
    dim: int | None = None
    for number, chunks in enumerate(videos):
        steps: list[Array] = []
        last: NDArray[np.float32] | None = None
        for chunk in chunks:
            rows = _checked(chunk, number, dim)
            dim = rows.shape[1]
            joined = rows if last is None else np.concatenate((last, rows))
            steps.append(np.linalg.norm(np.diff(joined.astype(np.float64), axis=0), axis=1))
            last = rows[-1:]
        if last is None:
            raise BadFeatures(f"video number {number} has no segment; extract it again")
        found.append(np.concatenate(steps))
    return tuple(found)


def _checked(chunk: NDArray[Any], number: int, dim: int | None) -> NDArray[np.float32]:
    rows = np.asarray(chunk, dtype=np.float32)
    if rows.ndim != 2 or 0 in rows.shape or dim not in (None, rows.shape[1]):
        raise BadFeatures(
            f"video number {number} has features of shape {rows.shape}, which is not (segments, "
            f"{dim or 'dim'}); extract all videos with one backbone"
        )
    if not np.isfinite(rows).all():
        raise BadFeatures(
            f"video number {number} has a feature that is not finite; extract it again"
        )
    return rows


def larger_side(steps: Array) -> Array:
    """(segments,) change: the distance to the more different neighbour of each segment.

    Args:
        steps: (segments - 1,) distances between neighbours, at least one.

    Example:
        [1, 3] becomes [1, 3, 3].
    """
    return np.maximum(np.append(steps[:1], steps), np.append(steps, steps[-1:]))
