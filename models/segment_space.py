"""What a segment looks like beside its neighbours in time and beside other videos' segments.

Two passes over videos given as chunks; in memory stay one number a segment and a fixed sample of
segments. Sampling and sums follow the content of the videos, never their position in a list.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Videos = Sequence[Iterable[NDArray[Any]]]
"""Per video its crop means in order of time, as chunks of (segments, dim); read twice."""

SAMPLE_SEGMENTS = 2048
"""Segments that stand for all others: 16 MB at 2048 dimensions."""
NEIGHBOURS = 20
"""Nearest segments whose mean distance is the rarity."""
DIRECTIONS = 128
"""Principal directions of the sample in which distances are measured."""


class BadSegments(ValueError):
    """Features that cannot be compared: other axes, no segment, or values that are not finite."""


@dataclass(frozen=True)
class FirstPass:
    """What one reading of all videos leaves."""

    changes: tuple[Array, ...]
    """Per video (segments,): distance to the less alike of the two neighbours in time; a video of
    one segment has nan."""
    keys: tuple[bytes, ...]
    """Per video the hash of all its segments: its name wherever order must not matter."""
    sample: NDArray[np.float32]
    """(sample, dim) segments of all videos, in the order of their hashes."""
    owners: tuple[bytes, ...]
    """(sample,) the key of the video that each comes from."""


def first_pass(videos: Videos, seed: int) -> FirstPass:
    """Temporal change of every segment, and a uniform sample of segments.

    The sample is those whose hash (of seed, segment and all before it in its video) is lowest: the
    same whatever the order of videos and the length of chunks.

    Raises:
        BadSegments: see the class; the video is given by its number.
    """
    sampler = _Sampler()
    changes, keys = [], []
    dim: int | None = None
    for number, chunks in enumerate(videos):
        steps: list[Array] = []
        last: NDArray[np.float32] | None = None
        hasher = hashlib.blake2b(str(seed).encode(), digest_size=8)
        for chunk in chunks:
            rows = _checked(chunk, number, dim)
            dim = rows.shape[1]
            joined = rows if last is None else np.concatenate((last, rows))
            steps.append(np.linalg.norm(np.diff(joined.astype(np.float64), axis=0), axis=1))
            last = rows[-1:]
            sampler.offer(_running_hashes(hasher, rows), rows, number)
        if last is None:
            raise BadSegments(f"video number {number} has no segment; extract it again")
        changes.append(_larger_neighbour(np.concatenate(steps)))
        keys.append(hasher.digest())
    return FirstPass(tuple(changes), tuple(keys), *sampler.lowest(keys))


def _checked(chunk: NDArray[Any], number: int, dim: int | None) -> NDArray[np.float32]:
    rows = np.ascontiguousarray(chunk, dtype=np.float32)
    if rows.ndim != 2 or 0 in rows.shape or dim not in (None, rows.shape[1]):
        raise BadSegments(
            f"video number {number} has features of shape {rows.shape}, which is not (segments, "
            f"{dim or 'dim'}); extract all videos with one backbone"
        )
    if not np.isfinite(rows).all():
        raise BadSegments(
            f"video number {number} has a feature that is not finite; extract it again"
        )
    return rows


def _running_hashes(hasher: "hashlib.blake2b", rows: NDArray[np.float32]) -> NDArray[np.uint64]:
    hashes = np.empty(len(rows), dtype=np.uint64)
    for index, row in enumerate(rows):
        hasher.update(row.data)
        hashes[index] = int.from_bytes(hasher.digest(), "big")
    return hashes


def _larger_neighbour(steps: Array) -> Array:
    """(segments - 1,) distances between neighbours to (segments,): the larger of the two sides.

    Example:
        [1, 3] -> [1, 3, 3]
    """
    if len(steps) == 0:
        return np.full(1, np.nan)
    return np.maximum(np.append(steps[:1], steps), np.append(steps, steps[-1:]))


class _Sampler:
    """The segments with the lowest hashes seen so far."""

    def __init__(self) -> None:
        self._hashes = np.empty(0, dtype=np.uint64)
        self._rows: list[NDArray[np.float32]] = []
        self._videos: list[int] = []
        self._limit: int | None = None

    def offer(self, hashes: NDArray[np.uint64], rows: NDArray[np.float32], video: int) -> None:
        low = np.arange(len(hashes))
        if self._limit is not None:
            low = np.flatnonzero(hashes <= np.uint64(self._limit))
        self._hashes = np.append(self._hashes, hashes[low])
        self._rows += [rows[index].copy() for index in low]
        self._videos += [video] * len(low)
        if len(self._rows) > 2 * SAMPLE_SEGMENTS:
            self._shrink()

    def _shrink(self) -> None:
        self._limit = int(np.partition(self._hashes, SAMPLE_SEGMENTS - 1)[SAMPLE_SEGMENTS - 1])
        kept = np.flatnonzero(self._hashes <= np.uint64(self._limit))
        self._hashes = self._hashes[kept]
        self._rows = [self._rows[index] for index in kept]
        self._videos = [self._videos[index] for index in kept]

    def lowest(self, keys: list[bytes]) -> tuple[NDArray[np.float32], tuple[bytes, ...]]:
        """The sample and its owners' keys, ordered by hash, then by owner."""
        if not self._rows:
            raise BadSegments("there is no video to label; give at least two")
        owners = [keys[video] for video in self._videos]
        order = sorted(range(len(owners)), key=lambda i: (int(self._hashes[i]), owners[i]))
        order = order[:SAMPLE_SEGMENTS]
        return np.stack([self._rows[i] for i in order]), tuple(owners[i] for i in order)


def rarities(videos: Videos, seen: FirstPass) -> tuple[Array, ...] | None:
    """Mean distance of every segment to its nearest sampled segments of other videos.

    Distances are Euclidean, in the sample's principal directions when there are more dimensions
    than DIRECTIONS. Segments of the own video do not count (nor of a copy of it): a video alike in
    itself would never be rare.

    Returns:
        Per video (segments,), at least 0; None when a video has no other to be compared with.
    """
    owners = np.array(seen.owners)
    others = {key: np.flatnonzero(owners != key) for key in set(seen.keys)}
    if min(map(len, others.values())) == 0:
        return None
    mean, basis = _principal(seen.sample)
    sample = _projected(seen.sample, mean, basis)
    return tuple(
        np.concatenate(
            [
                _mean_of_nearest(_projected(chunk, mean, basis), sample[others[key]])
                for chunk in chunks
            ]
        )
        for key, chunks in zip(seen.keys, videos, strict=True)
    )


def _principal(sample: NDArray[np.float32]) -> tuple[Array, Array | None]:
    mean = sample.mean(axis=0, dtype=np.float64)
    if sample.shape[1] <= DIRECTIONS:
        return mean, None
    centred = sample - mean
    _, directions = np.linalg.eigh(centred.T @ centred)
    return mean, directions[:, -DIRECTIONS:]


def _projected(rows: NDArray[Any], mean: Array, basis: Array | None) -> Array:
    centred: Array = np.asarray(rows, dtype=np.float64) - mean
    return centred if basis is None else centred @ basis


def _mean_of_nearest(rows: Array, sample: Array) -> Array:
    count = min(NEIGHBOURS, len(sample))
    squares = (sample**2).sum(axis=1) - 2 * (rows @ sample.T) + (rows**2).sum(axis=1)[:, None]
    nearest = np.partition(squares, count - 1, axis=1)[:, :count]
    distances: Array = np.sqrt(np.maximum(nearest, 0)).mean(axis=1)
    return distances
