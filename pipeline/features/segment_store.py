"""Reads segments of many feature files from disk, in any order and in bounded memory."""

import os
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures
from c2fpl.models.float16 import as_float32
from c2fpl.models.sources import locate
from c2fpl.pipeline.features.array_blocks import StoredFeatures, read_at

_MOST_OPEN_FILES = 256  # far under the usual limit of 1,024 descriptors


class SegmentStore:
    """A `SegmentSource` over files of any layout. Each segment takes one read per block.

    Memory holds one header per file and the result of `gather`, whatever the size of the data.
    Threads read concurrently; four saturate a disk. At most 256 files are open: the least recently
    read are closed.

    Raises:
        BadFeatures: no video, or videos that differ in crops, dim or dtype.
    """

    def __init__(self, videos: Sequence[StoredFeatures]) -> None:
        forms = {(*video.shape[1:], video.dtype.name): video.name for video in videos}
        if len(forms) != 1:
            raise BadFeatures(
                f"features must all have the same crops, dim and dtype; found "
                f"{ {name: form for form, name in forms.items()} or 'none' }; extract them "
                "with one backbone and one --dtype"
            )
        _, self.crops, self.dim = videos[0].shape
        self._stored = videos[0].dtype
        self.dtype = self._stored if self._stored.itemsize <= 4 else np.dtype(np.float32)
        self._videos = videos
        self._ends = np.cumsum([video.shape[0] for video in videos])
        self._open_files = _OpenFiles(_MOST_OPEN_FILES)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read segments (n,), in any order, as float32 (n, crops, dim).

        Raises:
            OSError: a file cannot be read, or is now shorter than its header says.
        """
        gathered = np.empty((len(indices), self.crops, self.dim), self._stored)
        for row, number, segment in zip(gathered, *locate(indices, self._ends), strict=True):
            first = 0
            for block in self._videos[number].blocks:
                part = row[first : first + block.crops]
                opened = self._open_files.get(block.path)
                opened.read_into(part, block.offset_bytes + int(segment) * part.nbytes)
                first += block.crops
        return as_float32(gathered)


class _OpenFile:
    """A file descriptor that closes with its last reference."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDONLY)

    def read_into(self, part: NDArray[Any], offset_bytes: int) -> None:
        """Fill `part`, (crops, dim), with the bytes from `offset_bytes` on."""
        end = read_at(self._descriptor, part, offset_bytes)
        if end < offset_bytes + part.nbytes:
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
