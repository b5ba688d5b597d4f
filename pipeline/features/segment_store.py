"""Reads segments of many feature files from disk, in any order and in bounded memory."""

import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures, BadFile
from c2fpl.models.float16 import as_float32
from c2fpl.models.sources import locate
from c2fpl.pipeline.files.npy_header import read_npy_header

_MOST_OPEN_FILES = 256  # far under the usual limit of 1,024 descriptors


@dataclass(frozen=True)
class FeatureFile:
    """Position and form of the values in one `.npy` file."""

    path: Path
    shape: tuple[int, int, int]
    """(segments, crops, dim)."""
    dtype: np.dtype[Any]
    """float16 or float32, little endian."""
    offset_bytes: int
    """Offset of the first segment."""

    @property
    def segment_bytes(self) -> int:
        """Size of one segment with all its crops."""
        return self.shape[1] * self.shape[2] * self.dtype.itemsize


def feature_file(path: Path) -> FeatureFile:
    """Read and check the header of a `.npy` file (segments, crops, dim) or (segments, dim).

    Raises:
        BadFeatures: not a .npy file, pickled, truncated, or of other axes or dtype.
    """
    try:
        header = read_npy_header(path)
    except BadFile as error:
        raise BadFeatures(str(error)) from error
    shape, dtype = header.shape, header.dtype
    if len(shape) == 2:
        shape = (shape[0], 1, shape[1])
    if len(shape) != 3 or 0 in shape or header.fortran_order or dtype.str not in ("<f2", "<f4"):
        raise BadFeatures(
            f"{path} holds {dtype} of shape {header.shape}; training needs float16 or float32 "
            "(segments, crops, dim) in C order: extract or convert it again"
        )
    return FeatureFile(path, (shape[0], shape[1], shape[2]), dtype, header.offset)


def read_at(descriptor: int, values: NDArray[Any], offset_bytes: int) -> int:
    """Fill a contiguous array from a file, starting at an offset.

    Returns:
        The offset where reading ended: `offset_bytes + values.nbytes`, or the end of the file.
    """
    wanted = values.reshape(-1).view(np.uint8).data
    while wanted and (count := os.preadv(descriptor, [wanted], offset_bytes)):
        wanted, offset_bytes = wanted[count:], offset_bytes + count
    return offset_bytes


class SegmentStore:
    """A `SegmentSource` over files. Each segment takes one positional read.

    Memory holds one header per file and the result of `gather`, whatever the size of the data.
    Threads read concurrently; four saturate a disk. At most 256 files are open: the least recently
    read are closed.

    Raises:
        BadFeatures: no file, or files that differ in crops, dim or dtype.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        files = [feature_file(path) for path in paths]
        forms = {(*file.shape[1:], file.dtype.name): file.path for file in files}
        if len(forms) != 1:
            raise BadFeatures(
                f"feature files must all have the same crops, dim and dtype; found "
                f"{ {str(path): form for form, path in forms.items()} or 'none' }; extract them "
                "with one backbone and one --dtype"
            )
        self.crops, self.dim = files[0].shape[1:]
        self.dtype = files[0].dtype
        self._files = files
        self._ends = np.cumsum([file.shape[0] for file in files])
        self._open_files = _OpenFiles(_MOST_OPEN_FILES)

    def __len__(self) -> int:
        return int(self._ends[-1])

    @property
    def segment_counts(self) -> list[int]:
        """Segments of each file, in the order of the given paths."""
        return [file.shape[0] for file in self._files]

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read segments (n,), in any order, as float32 (n, crops, dim).

        Raises:
            OSError: a file cannot be read, or is now shorter than its header says.
        """
        stored = np.empty((len(indices), self.crops, self.dim), dtype=self.dtype)
        numbers, segments = locate(indices, self._ends)
        for row, number, segment in zip(stored, numbers, segments, strict=True):
            file = self._files[number]
            opened = self._open_files.get(file.path)
            opened.read_into(row, file.offset_bytes + int(segment) * file.segment_bytes)
        return as_float32(stored)


class _OpenFile:
    """A file descriptor that closes with its last reference."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY)

    def read_into(self, row: NDArray[Any], offset_bytes: int) -> None:
        """Fill `row` with the bytes from `offset_bytes` on."""
        end = read_at(self._descriptor, row, offset_bytes)
        if end < offset_bytes + row.nbytes:
            raise OSError(
                f"{self._path} ended at byte {end}, before its last segment; it "
                "changed during training: extract it again"
            )

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)


class _OpenFiles:
    """Open files, least recently used first; dropped ones stay open while a thread reads them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._files: OrderedDict[Path, _OpenFile] = OrderedDict()
        self._lock = Lock()

    def get(self, path: Path) -> _OpenFile:
        with self._lock:
            opened = self._files.get(path)
            if opened is None:
                opened = self._files[path] = _OpenFile(path)
                if len(self._files) > self._most:
                    self._files.popitem(last=False)
            self._files.move_to_end(path)
            return opened
