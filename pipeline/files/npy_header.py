"""Reads and checks the header of a .npy file, without unpickling or mapping anything."""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy_format

from c2fpl.errors import BadFile

_UNREADABLE = (ValueError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError)
"""Exceptions that numpy raises on damaged headers."""


@dataclass(frozen=True)
class NpyHeader:
    """The layout of a .npy file: what is needed to map it or to read parts of it."""

    path: Path
    offset: int
    """Position of the first number, in bytes."""
    shape: tuple[int, ...]
    """Shape as stored."""
    dtype: np.dtype[np.generic]
    """Number type, never object."""
    fortran_order: bool
    """Whether the first axis varies fastest."""

    @property
    def data_bytes(self) -> int:
        """Size of the numbers in bytes."""
        return prod(self.shape) * self.dtype.itemsize


def read_npy_header(path: Path) -> NpyHeader:
    """Read and check the header of a .npy file (format versions 1 to 3).

    Raises:
        BadFile: not a .npy file, not plain numbers, or fewer bytes than its shape needs.
    """
    try:
        with path.open("rb") as file:
            shape, fortran_order, dtype = read_array_header(file)
            offset = file.tell()
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror}): check the path") from error
    except _UNREADABLE as error:
        raise BadFile(
            f"{path} is not a .npy file ({_first_line(error)}): it may be truncated or of another"
            " format; copy or download it again"
        ) from error
    header = NpyHeader(path, offset, shape, dtype, fortran_order)
    _check(header)
    return header


def load_npy(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """Load a small .npy file after checking its header.

    Raises:
        BadFile: as for `read_npy_header`.
    """
    read_npy_header(path)
    loaded: np.ndarray[tuple[int, ...], np.dtype[np.generic]] = np.load(path, allow_pickle=False)
    return loaded


def read_array_header(file: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    """Shape, whether the order is Fortran's, and dtype; numpy's errors are raised unchanged."""
    if npy_format.read_magic(file) == (1, 0):
        return npy_format.read_array_header_1_0(file)
    return npy_format.read_array_header_2_0(file)


def _check(header: NpyHeader) -> None:
    if header.dtype.hasobject:
        raise BadFile(
            f"{header.path} holds pickled objects (dtype {header.dtype}), which can run code when"
            " loaded: if you trust it, load it and save it as a plain array with numpy.save"
        )
    if header.dtype.kind not in "biuf":
        raise BadFile(
            f"{header.path} has dtype {header.dtype}, not a number type: save it as float32"
        )
    if any(axis < 0 for axis in header.shape):
        raise BadFile(
            f"{header.path} claims shape {header.shape}, with a negative axis: download it again"
        )
    held = header.path.stat().st_size - header.offset
    if header.data_bytes > held:
        raise BadFile(
            f"{header.path} claims shape {header.shape} of {header.dtype}, {header.data_bytes}"
            f" bytes, but holds {held}: it is truncated, copy or download it again"
        )


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
