"""Distance of each segment from the usual state of the segments around it.

The usual state is the median, per dimension, of 17 segments: the segment itself and every fourth
one up to 32 away on either side (17 s at 30 frames per second). An event shorter than half of this
stands out over its whole length. The first and the last segment of a video are repeated beyond its
ends: the state in which a video begins or ends counts as usual.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from c2fpl.models.chunks import blocks
from c2fpl.models.labels.change import Array

_REACH = 32  # segments on either side
_SPACING = 4  # between the segments that the median is taken of
_BLOCK = 64


def distance_from_surroundings(video: Iterable[NDArray[Any]]) -> Array:
    """(segments,) Euclidean distance to the median around; reads the video once.

    Args:
        video: its crop means in order of time, as chunks of (segments, dim), at least one segment.
    """
    found: list[Array] = []
    held = np.empty((0, 0), dtype=np.float32)
    for block in blocks(video, _BLOCK):
        rows = block.astype(np.float32)
        held = np.concatenate((held, rows) if found or held.size else (_ends(rows[:1]), rows))
        if len(held) > 2 * _REACH:
            found.append(_distances(held))
            held = held[len(held) - 2 * _REACH :]
    found.append(_distances(np.concatenate((held, _ends(held[-1:])))))
    return np.concatenate(found)


def _ends(row: NDArray[np.float32]) -> NDArray[np.float32]:
    """(REACH, dim) copies of a (1, dim) row."""
    return np.repeat(row, _REACH, axis=0)


def _distances(rows: NDArray[np.float32]) -> Array:
    """(n,) distances of the middle rows of (n + 2 REACH, dim), which have all their neighbours."""
    around = sliding_window_view(rows, 2 * _REACH + 1, axis=0)[..., ::_SPACING]
    middle = around.shape[-1] // 2
    usual = np.partition(around, middle, axis=-1)[..., middle]
    apart = rows[_REACH : len(rows) - _REACH].astype(np.float64) - usual
    distances: Array = np.linalg.norm(apart, axis=1)
    return distances
