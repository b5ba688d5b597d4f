"""The part that `refined` had once and has no more: how far a segment is from other videos' ones.

Mean distance to the 20 nearest of 2048 sampled segments, in the sample's 128 principal directions.
The sample is the segments with the lowest hash of all that their video holds up to them.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SAMPLE_SEGMENTS = 2048
NEIGHBOURS = 20
DIRECTIONS = 128


def rarities(means: Sequence[NDArray[np.float32]]) -> list[Array]:
    """Per video (segments,), from its crop means (segments, dim); two videos or more.

    Segments of the own video do not count, nor those of a copy of it.
    """
    hashes = [_running_hashes(video) for video in means]
    keys = [own[-1] for own in hashes]
    owned = [(at, keys[v], v, row) for v, own in enumerate(hashes) for row, at in enumerate(own)]
    sample = sorted(owned)[:SAMPLE_SEGMENTS]
    rows = np.stack([means[video][row] for _, _, video, row in sample])
    owners = np.array([key for _, key, _, _ in sample])
    centre, basis = _principal(rows)
    seen = _projected(rows, centre, basis)
    return [
        _mean_of_nearest(_projected(video, centre, basis), seen[owners != key])
        for video, key in zip(means, keys, strict=True)
    ]


def _running_hashes(video: NDArray[np.float32]) -> list[bytes]:
    hasher = hashlib.blake2b(b"0", digest_size=8)
    hashes = []
    for row in np.ascontiguousarray(video):
        hasher.update(row.data)
        hashes.append(hasher.digest())
    return hashes


def _principal(sample: NDArray[np.float32]) -> tuple[Array, Array]:
    centre = sample.mean(axis=0, dtype=np.float64)
    if sample.shape[1] <= DIRECTIONS:
        return centre, np.eye(sample.shape[1])
    centred = sample - centre
    _, directions = np.linalg.eigh(centred.T @ centred)
    return centre, directions[:, -DIRECTIONS:]


def _projected(rows: NDArray[np.float32], centre: Array, basis: Array) -> Array:
    projected: Array = (np.asarray(rows, dtype=np.float64) - centre) @ basis
    return projected


def _mean_of_nearest(rows: Array, sample: Array) -> Array:
    count = min(NEIGHBOURS, len(sample))
    squares = (sample**2).sum(axis=1) - 2 * (rows @ sample.T) + (rows**2).sum(axis=1)[:, None]
    nearest = np.partition(squares, count - 1, axis=1)[:, :count]
    distances: Array = np.sqrt(np.maximum(nearest, 0)).mean(axis=1)
    return distances
