"""Where the features of one video lie in published files, and reading some of its segments.

Every binary layout is one or more blocks, each an array (segments, crops of the block, dim) in C
order somewhere in a file; a video is its blocks side by side along crops:

- (T, 10, D) in one file: one block of 10 crops;
- (10, T, D) in one file, or a file for each crop: ten blocks of one crop;
- rows [from, to) of a concatenation: one block that starts at row `from`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.models.sources import locate
from c2fpl.pipeline.features.extracted import CHUNK_SEGMENTS, BadFeatures
from c2fpl.pipeline.features.segment_store import read_at


@dataclass(frozen=True)
class Block:
    """An array (segments, crops, dim) inside a file, C order."""

    path: Path
    """The file."""
    offset_bytes: int
    """Where its first segment begins."""
    crops: int
    """Crops in it."""


@dataclass(frozen=True)
class StoredFeatures:
    """One video's features on disk; nothing of them is in memory."""

    name: str
    """Joining name."""
    shape: tuple[int, int, int]
    """(segments, crops, dim)."""
    dtype: np.dtype[Any]
    """float16, float32 or float64 as stored."""
    blocks: tuple[Block, ...]
    """In order of crops."""

    @property
    def is_plain(self) -> bool:
        """True when one .npy file is this video in float16 or float32, to read by position."""
        block = self.blocks[0]
        end = block.offset_bytes + math.prod(self.shape) * self.dtype.itemsize
        whole = len(self.blocks) == 1 and block.path.stat().st_size == end
        return whole and self.dtype.str in ("<f2", "<f4")

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Segments [start, stop) as stored, (stop - start, crops, dim), by one read for each block.

        Raises:
            BadFeatures: the file ended before them.
        """
        parts = [self._read_block(block, start, stop) for block in self.blocks]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def chunks(self) -> Iterator[NDArray[np.float32]]:
        """All values in order, float32 (segments, crops, dim) a chunk.

        Raises:
            BadFeatures: a value is not finite, or too large for float32.
        """
        for start in range(0, self.shape[0], CHUNK_SEGMENTS):
            with np.errstate(over="ignore"):
                chunk = self.read(start, min(start + CHUNK_SEGMENTS, self.shape[0])).astype(
                    np.float32
                )
            if not np.isfinite(chunk).all():
                segment, crop, value = (int(axis[0]) for axis in np.nonzero(~np.isfinite(chunk)))
                raise BadFeatures(
                    f"{self.blocks[0].path} ({self.name}): {chunk[segment, crop, value]} in segment"
                    f" {start + segment}, crop {crop}: features must be finite; copy it again"
                )
            yield chunk

    def _read_block(self, block: Block, start: int, stop: int) -> NDArray[Any]:
        shape = (stop - start, block.crops, self.shape[2])
        segment_bytes = block.crops * self.shape[2] * self.dtype.itemsize
        values = np.empty(shape, self.dtype)
        begin = block.offset_bytes + start * segment_bytes
        with block.path.open("rb", buffering=0) as file:
            end = read_at(file.fileno(), values, begin)
        if end < begin + values.nbytes:
            raise BadFeatures(
                f"{block.path} ended at byte {end}, inside segment"
                f" {(end - block.offset_bytes) // segment_bytes} of {self.name}:"
                " it was changed while being read, copy it again"
            )
        return values


class StoredSegments:
    """A `SegmentSource` over any layout: each segment is one positional read for each block.

    Files are opened for each read, so any number of them may make the set.
    """

    def __init__(self, videos: Sequence[StoredFeatures]) -> None:
        """Videos of the same crops, dim and type."""
        _, self.crops, self.dim = videos[0].shape
        self.dtype = videos[0].dtype if videos[0].dtype.itemsize <= 4 else np.dtype(np.float32)
        self._videos = videos
        self._ends = np.cumsum([video.shape[0] for video in videos])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n,) segment numbers in any order to (n, crops, dim) float32.

        Raises:
            BadFeatures: a file ended before its last segment.
        """
        gathered = np.empty((len(indices), self.crops, self.dim), np.float32)
        for row, number, segment in zip(gathered, *locate(indices, self._ends), strict=True):
            row[:] = self._videos[number].read(int(segment), int(segment) + 1)[0]
        return gathered
