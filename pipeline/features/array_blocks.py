"""Reads some segments of a video from feature files.

In every binary layout, a video consists of one or more blocks. A block is an array (segments,
crops of the block, dim) in C order at some offset in a file. The blocks of a video are joined
along the crop axis:

- (T, 10, D) in one file: one block of 10 crops
- (10, T, D) in one file, or one file per crop: ten blocks of one crop
- rows [from, to) of a concatenation: one block that starts at row `from`
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures, BadFile
from c2fpl.pipeline.files.npy_header import NpyHeader, read_npy_header

CHUNK_SEGMENTS = 256
"""Segments read at a time: 21 MB for 10 crops and dim 2048 in float32."""


@dataclass(frozen=True)
class Block:
    """An array (segments, crops, dim) in C order inside a file."""

    path: Path
    offset_bytes: int
    """Offset of the first segment."""
    crops: int


@dataclass(frozen=True)
class StoredFeatures:
    """The features of one video, on disk."""

    name: str
    """Joining name."""
    shape: tuple[int, int, int]
    """(segments, crops, dim)."""
    dtype: np.dtype[Any]
    """float16, float32 or float64 as stored."""
    blocks: tuple[Block, ...]
    """In crop order."""

    @property
    def path(self) -> Path:
        """The file, or the first of several."""
        return self.blocks[0].path

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Segments [start, stop) in their stored dtype, (stop - start, crops, dim).

        Each block takes one read.

        Raises:
            BadFeatures: the file ends before `stop`.
        """
        parts = [self._read_block(block, start, stop) for block in self.blocks]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def chunks(self) -> Iterator[NDArray[np.float32]]:
        """All values in order, in chunks of float32 (segments, crops, dim).

        Raises:
            BadFeatures: a value is not finite, or too large for float32.
        """
        count = self.shape[0]
        starts = range(0, count, CHUNK_SEGMENTS)
        parts = (self.read(start, min(start + CHUNK_SEGMENTS, count)) for start in starts)
        return finite_chunks(parts, f"{self.path} ({self.name})")

    def _read_block(self, block: Block, start: int, stop: int) -> NDArray[Any]:
        """Segments [start, stop) of one block, (stop - start, crops of the block, dim)."""
        values = np.empty((stop - start, block.crops, self.shape[2]), self.dtype)
        segment_bytes = block.crops * self.shape[2] * self.dtype.itemsize
        begin = block.offset_bytes + start * segment_bytes
        with block.path.open("rb", buffering=0) as file:
            end = read_at(file.fileno(), values, begin)
        if end < begin + values.nbytes:
            raise BadFeatures(
                f"{block.path} ended at byte {end}, inside segment"
                f" {(end - block.offset_bytes) // segment_bytes} of {self.name}:"
                " it changed while it was read; copy it again"
            )
        return values


def stored_features(name: str, path: Path) -> StoredFeatures:
    """The video in one `.npy` file (segments, crops, dim) or (segments, dim).

    Raises:
        BadFeatures: not a .npy file, pickled, truncated, or of other axes or dtype.
    """
    header = features_header(path)
    shape = header.shape
    if len(shape) == 2:
        shape = (shape[0], 1, shape[1])
    is_plain = header.dtype.str in ("<f2", "<f4") and not header.fortran_order
    if len(shape) != 3 or 0 in shape or not is_plain:
        raise BadFeatures(
            f"{path} holds {header.dtype} of shape {header.shape}; features are float16 or float32 "
            "(segments, crops, dim) in C order: extract or convert it again"
        )
    block = Block(path, header.offset, shape[1])
    return StoredFeatures(name, (shape[0], shape[1], shape[2]), header.dtype, (block,))


def features_header(path: Path) -> NpyHeader:
    """The header of a `.npy` file.

    Raises:
        BadFeatures: as `read_npy_header`.
    """
    try:
        return read_npy_header(path)
    except BadFile as error:
        raise BadFeatures(str(error)) from error


def chunks_of(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """An array (segments, crops, dim) in chunks of at most `CHUNK_SEGMENTS` segments."""
    return (
        values[start : start + CHUNK_SEGMENTS] for start in range(0, len(values), CHUNK_SEGMENTS)
    )


def finite_chunks(chunks: Iterable[NDArray[Any]], what: str) -> Iterator[NDArray[np.float32]]:
    """Yield chunks (segments, crops, dim) as float32.

    Raises:
        BadFeatures: a value is not finite, or too large for float32; `what` names the source.
    """
    start = 0
    for chunk in chunks:
        with np.errstate(over="ignore"):
            values = np.asarray(chunk, np.float32)
        if not np.isfinite(values).all():
            segment, crop, value = (int(axis[0]) for axis in np.nonzero(~np.isfinite(values)))
            raise BadFeatures(
                f"{what}: {values[segment, crop, value]} in segment {start + segment}, crop {crop}:"
                " features must be finite; copy or extract it again"
            )
        start += len(values)
        yield values


def read_at(descriptor: int, values: NDArray[Any], offset_bytes: int) -> int:
    """Fill a contiguous array of any shape from a file, starting at an offset.

    Returns:
        The offset where reading ended: `offset_bytes + values.nbytes`, or the end of the file.
    """
    wanted = values.reshape(-1).view(np.uint8).data
    while wanted and (count := os.preadv(descriptor, [wanted], offset_bytes)):
        wanted, offset_bytes = wanted[count:], offset_bytes + count
    return offset_bytes
