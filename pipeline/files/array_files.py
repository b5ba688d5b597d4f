"""Reads arrays from common file formats, without executing code from the files."""

import io
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures, BadSettings
from c2fpl.extractors.backbones.plain_pickles import load_plain_pickle
from c2fpl.pipeline.files.npy_header import read_array_header

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        ".npy": "NumPy",
        ".npz": "NumPy archive",
        ".pt": "PyTorch",
        ".pth": "PyTorch",
        ".h5": "HDF5",
        ".hdf5": "HDF5",
        ".mat": "MATLAB",
        ".pkl": "pickle",
        ".pickle": "pickle",
    }
)
"""File formats by suffix."""

_DAMAGED = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, OSError),
    *(RecursionError, RuntimeError, TypeError, ValueError, pickle.UnpicklingError),
    *(zipfile.BadZipFile, NotImplementedError),
)
"""Exceptions that the libraries raise for files that are damaged or of another format."""

_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


class StoredArray(Protocol):
    """An array of numbers, in memory or in its file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Stored shape."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Stored dtype, of numbers."""

    def __getitem__(self, key: tuple[()], /) -> NDArray[Any]:
        """`array[()]` reads the whole array into memory."""


def read_arrays(path: Path) -> dict[str, StoredArray]:
    """All numeric arrays of a file, by their names in it.

    Arrays of .npy, .npz and HDF5 files are read when they are indexed. The names of nested dicts
    and groups are joined with slashes; a single array without a name is "". Other values, such as
    strings, are ignored. Pickles may hold only arrays, numbers, lists and dicts.

    Raises:
        BadFeatures: a damaged file, another format, no arrays, or a missing library.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise BadFeatures(f"{path} is not a supported format: {' '.join(FORMATS)}")
    try:
        found = _flat("", reader(path))
    except ModuleNotFoundError as error:
        raise BadFeatures(
            f"{path} needs the package {error.name}: pip install 'c2fpl[h5]'"
        ) from error
    except _DAMAGED as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise BadFeatures(
            f"{path} cannot be read as {FORMATS[path.suffix.lower()]} ({reason[:200]}): save it"
            " again as a plain array with numpy.save"
        ) from error
    if not found:
        raise BadFeatures(f"{path} holds no arrays of numbers: remove it")
    return found


def _flat(name: str, value: object) -> dict[str, StoredArray]:
    """Arrays in nested dicts, by their joined names."""
    if isinstance(value, Mapping):
        parts = [_flat(f"{name}/{key}" if name else str(key), v) for key, v in value.items()]
        return {key: array for part in parts for key, array in part.items()}
    array = _numbers(value)
    return {} if array is None else {name: array}


def _numbers(value: object) -> StoredArray | None:
    """The value as an array of numbers; None if it is something else."""
    if getattr(getattr(value, "dtype", None), "kind", "") in ("f", "i", "u", "b"):
        stored: StoredArray = value  # type: ignore[assignment]  # in memory or in its file
        return stored
    if isinstance(value, list | tuple | np.ndarray | float | int):
        try:
            array = np.array(value.tolist() if isinstance(value, np.ndarray) else value)
        except ValueError:  # rows of different lengths
            return None
        return array if array.dtype.kind in "fiub" else None
    return None


def _read_npy(path: Path) -> object:
    with path.open("rb") as file:
        if not read_array_header(file)[2].hasobject:
            return np.load(path, mmap_mode="r", allow_pickle=False)
        content = load_plain_pickle(file)
    if isinstance(content, np.ndarray) and content.size == 1:
        return content.item()
    return content


class _ArchiveMember:
    """An array in a .npz file, read when it is indexed."""

    def __init__(self, path: Path, member: str) -> None:
        self._path, self._member = path, member
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            self.shape, _, self.dtype = read_array_header(io.BytesIO(file.read(1 << 16)))

    def __getitem__(self, key: tuple[()], /) -> NDArray[Any]:
        with np.load(self._path, allow_pickle=False) as archive:
            values: NDArray[Any] = archive[self._member]
        return values[key]


def _read_npz(path: Path) -> object:
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if name.endswith(".npy")]
    return {name.removesuffix(".npy"): _ArchiveMember(path, name) for name in members}


def _read_torch(path: Path) -> object:
    import torch

    def arrays(value: object) -> object:
        if isinstance(value, torch.Tensor):
            value = value.detach()
            return (value.float() if value.dtype == torch.bfloat16 else value).numpy()
        if isinstance(value, Mapping):
            return {key: arrays(part) for key, part in value.items()}
        if isinstance(value, list | tuple) and all(isinstance(v, torch.Tensor) for v in value):
            return [arrays(part) for part in value]
        return value

    return arrays(torch.load(path, map_location="cpu", weights_only=True))


def _read_hdf5(path: Path) -> dict[str, Any]:
    import h5py

    found: dict[str, Any] = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item

    h5py.File(path, "r").visititems(visit)
    return found


def _read_matlab(path: Path) -> object:
    with path.open("rb") as file:
        file.seek(512)
        is_hdf5 = file.read(8) == _HDF5_MAGIC
    if is_hdf5:  # version 7.3 stores axes in reverse order
        arrays = _read_hdf5(path)
        return {name: arrays[name][()].T for name in arrays if not name.startswith("#refs#")}
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        return {name: v for name, v in loadmat(path).items() if not name.startswith("__")}
    except MatReadError as error:  # a bare Exception
        raise BadSettings(str(error)) from error


def _read_pickle(path: Path) -> object:
    with path.open("rb") as file:
        return load_plain_pickle(file)


_READERS: Mapping[str, Callable[[Path], object]] = MappingProxyType(
    {
        ".npy": _read_npy,
        ".npz": _read_npz,
        ".pt": _read_torch,
        ".pth": _read_torch,
        ".h5": _read_hdf5,
        ".hdf5": _read_hdf5,
        ".mat": _read_matlab,
        ".pkl": _read_pickle,
        ".pickle": _read_pickle,
    }
)
