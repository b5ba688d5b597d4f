"""Reads some segments of a video from published feature files.

In every binary layout, a video consists of one or more blocks. A block is an array (segments,
crops of the block, dim) in C order at some offset in a file. The blocks of a video are joined
along the crop axis:

- (T, 10, D) in one file: one block of 10 crops
- (10, T, D) in one file, or one file per crop: ten blocks of one crop
- rows [from, to) of a concatenation: one block that starts at row `from`
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures
from c2fpl.models.sources import locate
from c2fpl.pipeline.features.extracted import CHUNK_SEGMENTS
from c2fpl.pipeline.features.segment_store import read_at


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
    def is_plain(self) -> bool:
        """Whether one .npy file holds exactly this video, in float16 or float32."""
        block = self.blocks[0]
        end = block.offset_bytes + math.prod(self.shape) * self.dtype.itemsize
        whole = len(self.blocks) == 1 and block.path.stat().st_size == end
        return whole and self.dtype.str in ("<f2", "<f4")

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
                " it changed while it was read; copy it again"
            )
        return values


class StoredSegments:
    """A `SegmentSource` over any layout. Each segment takes one positional read per block.

    Files are opened for each read, so the number of files is not limited.
    """

    def __init__(self, videos: Sequence[StoredFeatures]) -> None:
        """Take videos that have the same number of crops, dim and dtype."""
        _, self.crops, self.dim = videos[0].shape
        self.dtype = videos[0].dtype if videos[0].dtype.itemsize <= 4 else np.dtype(np.float32)
        self._videos = videos
        self._ends = np.cumsum([video.shape[0] for video in videos])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read segments (n,), in any order, as float32 (n, crops, dim).

        Raises:
            BadFeatures: a file ends before its last segment.
        """
        gathered = np.empty((len(indices), self.crops, self.dim), np.float32)
        for row, number, segment in zip(gathered, *locate(indices, self._ends), strict=True):
            row[:] = self._videos[number].read(int(segment), int(segment) + 1)[0]
        return gathered
