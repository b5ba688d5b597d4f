"""Some rows of a video that comes in chunks: bounded memory, the same rows whatever the chunks."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Chunks = Iterable[NDArray[Any]]
"""One video in order of time, as (segments, ...) each."""


def thinned(chunks: Chunks, most: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Every k-th row from the first on, k the least power of two that leaves at most `most`.

    Returns:
        (n,) places and (n, ...) rows.
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
    """The same rows in blocks of `length`, the last one shorter.

    A matrix product of fixed blocks has the same bits however the video was cut.
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
