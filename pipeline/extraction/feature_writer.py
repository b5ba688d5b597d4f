"""Writes feature rows to .npy files in a separate thread."""

import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from c2fpl.pipeline.files.atomic import finish, part_of, publish

MAX_WAITING_WRITES = 64
"""Pending writes above which the caller is blocked."""

_HEADER_BYTES = 128
"""Space for the .npy header, which is written last because it contains the number of rows."""


class GrowingArray:
    """An .npy file that grows row by row and gets its final name only when it is complete."""

    def __init__(self, path: Path, dtype: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._part, self._dtype = path, part_of(path), np.dtype(dtype)
        self._file: IO[bytes] = self._part.open("wb")
        self._file.write(bytes(_HEADER_BYTES))
        self._row_shape: tuple[int, ...] = ()
        self.rows = 0
        self.finite = True

    def append(self, values: NDArray[np.float32]) -> None:
        """Append rows, float32 (segments, crops, dim).

        `finite` becomes False if a value is not finite or exceeds the range of the dtype.
        """
        with np.errstate(over="ignore"):
            stored = values.astype(self._dtype)
        self.finite = self.finite and bool(np.isfinite(stored).all())
        self._row_shape = values.shape[1:]
        self.rows += len(values)
        self._file.write(stored.tobytes())

    def publish(self) -> None:
        """Write the header, flush the file to disk and give it its final name."""
        shape = (self.rows, *self._row_shape)
        description = {"descr": self._dtype.str, "fortran_order": False, "shape": shape}
        self._file.seek(0)
        npy_format.write_array_header_1_0(self._file, description)
        if self._file.tell() != _HEADER_BYTES:
            raise AssertionError(f"the header of shape {shape} does not fit {_HEADER_BYTES} bytes")
        finish(self._file)
        self._file.close()
        publish(self._part, self._path)

    def discard(self) -> None:
        """Delete the unfinished file."""
        self._file.close()
        self._part.unlink(missing_ok=True)


class FeatureWriter:
    """Open arrays by key; calls return immediately unless many writes are pending.

    A disk error is raised by a later call, or when the block ends. Nothing is written after an
    error, so that no array with missing rows is published.
    """

    def __init__(self, path_of: Callable[[Hashable], Path], dtype: str) -> None:
        self._path_of, self._dtype = path_of, dtype
        self._open: dict[Hashable, GrowingArray] = {}
        self._thread = ThreadPoolExecutor(1, "writer")
        self._waiting: deque[Future[Any]] = deque()
        self._error: Exception | None = None
        self.seconds = 0.0
        """Busy seconds of the writing thread."""

    def append(self, key: Hashable, values: NDArray[np.float32]) -> None:
        """Append rows, float32 (segments, crops, dim), to the video's array."""
        self._submit(self._append, key, values)

    def publish(self, key: Hashable, then: Callable[[GrowingArray], None]) -> None:
        """Finish the video: `then` receives the complete array and publishes or discards it."""
        self._submit(self._publish, key, then)

    def discard(self, key: Hashable) -> None:
        """Delete the video's rows."""
        self._submit(self._discard, key)

    def __enter__(self) -> "FeatureWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._thread.shutdown(wait=True, cancel_futures=kind is not None)
        try:
            while kind is None and self._waiting:
                self._waiting.popleft().result()
        finally:
            for array in self._open.values():
                array.discard()

    def _submit(self, write: Callable[..., None], *arguments: object) -> None:
        self._waiting.append(self._thread.submit(self._timed, write, *arguments))
        while self._waiting and (
            self._waiting[0].done() or len(self._waiting) > MAX_WAITING_WRITES
        ):
            self._waiting.popleft().result()

    def _timed(self, write: Callable[..., None], *arguments: object) -> None:
        if self._error is not None:
            raise self._error
        start = time.perf_counter()
        try:
            write(*arguments)
        except Exception as error:
            self._error = error
            raise
        self.seconds += time.perf_counter() - start

    def _append(self, key: Hashable, values: NDArray[np.float32]) -> None:
        """In the thread: append float32 (segments, crops, dim)."""
        if key not in self._open:
            self._open[key] = GrowingArray(self._path_of(key), self._dtype)
        self._open[key].append(values)

    def _publish(self, key: Hashable, then: Callable[[GrowingArray], None]) -> None:
        then(self._open[key])
        del self._open[key]  # if `then` fails, __exit__ discards the array

    def _discard(self, key: Hashable) -> None:
        if key in self._open:
            self._open.pop(key).discard()
