"""Samples and blocks of a video read in chunks; the result does not depend on the chunks."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Chunks = Iterable[NDArray[Any]]
"""One video as (segments, ...) arrays in order of time."""


def thinned(chunks: Chunks, most: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Every k-th row, from the first; k is the smallest power of two that leaves at most `most`.

    Returns:
        (n,) row numbers and (n, ...) rows.
    """
    kept: list[tuple[int, NDArray[Any]]] = []
    stride, number = 1, 0
    for chunk in chunks:
        kept += [(number + i, chunk[i].copy()) for i in range(-number % stride, len(chunk), stride)]
        number += len(chunk)
        while len(kept) > most:
            kept, stride = kept[::2], 2 * stride
    return np.array([place for place, _ in kept]), np.stack([row for _, row in kept])


def blocks(chunks: Chunks, length: int) -> Iterator[NDArray[Any]]:
    """Cuts rows (rows, dim) into blocks (length, dim); the last one may be shorter.

    Matrix products of fixed blocks give the same bits, whatever the chunks were.
    """
    waiting: list[NDArray[Any]] = []
    count = 0
    for chunk in chunks:
        waiting.append(chunk)
        count += len(chunk)
        if count >= length:
            joined = np.concatenate(waiting)
            ends = range(length, count - count % length + 1, length)
            yield from np.split(joined, ends)[: count // length]
            waiting, count = [joined[count - count % length :]], count % length
    if count:
        yield np.concatenate(waiting)
