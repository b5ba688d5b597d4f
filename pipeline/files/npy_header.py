"""What a .npy file says of itself, read without trusting it: nothing is unpickled or mapped."""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy_format

_UNREADABLE = (ValueError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError)
"""What numpy raises on headers that are damaged or absurd."""


class BadNpy(ValueError):
    """A .npy file that cannot be read as plain numbers: file, value, rule and cure in one line."""


@dataclass(frozen=True)
class NpyHeader:
    """Where the numbers of a .npy file lie: enough to map it or to read parts by position."""

    path: Path
    """The file."""
    offset: int
    """Bytes before the first number."""
    shape: tuple[int, ...]
    """As stored."""
    dtype: np.dtype[np.generic]
    """A number type; objects were refused."""
    fortran_order: bool
    """True when the first axis runs fastest."""

    @property
    def data_bytes(self) -> int:
        """Bytes of the numbers."""
        return prod(self.shape) * self.dtype.itemsize


def read_npy_header(path: Path) -> NpyHeader:
    """Read and check the header of a .npy file (format versions 1 to 3).

    Raises:
        BadNpy: not a .npy file, a pickle inside, or fewer bytes than the shape claims.
    """
    try:
        with path.open("rb") as file:
            version = npy_format.read_magic(file)
            shape, fortran_order, dtype = _read_array_header(file, version)
            offset = file.tell()
    except OSError as error:
        raise BadNpy(f"{path} cannot be read ({error.strerror}): check the path") from error
    except _UNREADABLE as error:
        raise BadNpy(
            f"{path} is no .npy file ({_first_line(error)}): it may be cut off or of another"
            " format; copy or download it again"
        ) from error
    header = NpyHeader(path, offset, shape, dtype, fortran_order)
    _check(header)
    return header


def load_npy(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """Load a small .npy file after its header was checked; never a pickle.

    Raises:
        BadNpy: as `read_npy_header`.
    """
    read_npy_header(path)
    loaded: np.ndarray[tuple[int, ...], np.dtype[np.generic]] = np.load(path, allow_pickle=False)
    return loaded


def _read_array_header(
    file: BinaryIO, version: tuple[int, int]
) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    if version == (1, 0):
        return npy_format.read_array_header_1_0(file)
    return npy_format.read_array_header_2_0(file)


def _check(header: NpyHeader) -> None:
    if header.dtype.hasobject:
        raise BadNpy(
            f"{header.path} holds pickled objects (dtype {header.dtype}), which may run code when"
            " read: load it where you trust it and save it again as a plain array with numpy.save"
        )
    if header.dtype.kind not in "biuf":
        raise BadNpy(
            f"{header.path} has dtype {header.dtype}: numbers are needed, save it as float32"
        )
    if any(axis < 0 for axis in header.shape):
        raise BadNpy(f"{header.path} claims shape {header.shape}: an axis cannot be negative")
    held = header.path.stat().st_size - header.offset
    if header.data_bytes > held:
        raise BadNpy(
            f"{header.path} claims shape {header.shape} of {header.dtype}, {header.data_bytes}"
            f" bytes, but holds {held}: it is cut off, copy or download it again"
        )


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
