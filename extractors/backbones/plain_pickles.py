"""Reads pickles of arrays, numbers, lists and dicts, without executing code from them.

Stand-ins for numpy's arrays and dtypes take the pickled state as data. numpy's own `__setstate__`
trusts flags in the file, so it is never called.
"""

import pickle
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray


def load_plain_pickle(file: BinaryIO) -> object:
    """Load the object in a pickle; arrays become numpy arrays.

    Raises:
        UnpicklingError: the pickle is damaged or has other objects.
    """
    return _finished(_PlainUnpickler(file, encoding="latin1").load())


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        known = (module.replace("numpy._core", "numpy.core"), name)
        if known not in _NAMES:
            raise pickle.UnpicklingError(f"it holds {module}.{name}, which is not an array")
        return _NAMES[known]

    def persistent_load(self, pid: object) -> NoReturn:
        raise pickle.UnpicklingError(f"it refers to an external object: {pid}")


class _Dtype:
    """Stand-in for a numpy dtype of numbers or objects."""

    def __init__(self, code: object, _align: object = False, _copy: object = True) -> None:
        self._code, self._order = str(code).lstrip("<>|="), "="

    def __setstate__(self, state: tuple[object, ...]) -> None:
        self._order = str(state[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy dtype."""
        if self._code in ("O", "O8"):
            return np.dtype(object)
        if self._code[:1] not in "fiub" or self._code[1:] not in ("1", "2", "4", "8"):
            raise pickle.UnpicklingError(f"it holds an array of {self._code[:40]}, not numbers")
        return np.dtype(f"{'>' if self._order == '>' else '<'}{self._code}")


class _Array:
    """Stand-in for a numpy array, filled from the pickled state."""

    values: NDArray[Any]

    def __init__(self, *_: object) -> None:
        self.values = np.empty(0)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran_order, content = state
        if kind.dtype.hasobject:
            flat = np.empty(len(content), object)
            flat[:] = [_finished(value) for value in content]
        else:
            data = content.encode("latin1") if isinstance(content, str) else content
            flat = np.frombuffer(data, kind.dtype)
        self.values = flat.reshape(shape, order="F" if fortran_order else "C")


def _from_buffer(data: bytes, kind: _Dtype, shape: tuple[int, ...], order: str) -> _Array:
    array = _Array()
    array.__setstate__((1, shape, kind, order == "F", data))
    return array


def _number(kind: _Dtype, data: str | bytes) -> Any:  # noqa: ANN401 - any numpy number
    data = data.encode("latin1") if isinstance(data, str) else data
    return np.frombuffer(data, kind.dtype, count=1)[0]


def _latin_bytes(text: str, _encoding: str) -> bytes:
    """Decode bytes, which Python 3 writes as text in pickle protocol 2."""
    return text.encode("latin1")


def _finished(value: object) -> object:
    """Replace the stand-ins by numpy arrays."""
    if isinstance(value, _Array):
        return value.values
    if isinstance(value, dict):
        return {key: _finished(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finished(part) for part in value]
    return value


_NAMES: Mapping[tuple[str, str], object] = MappingProxyType(
    {
        ("numpy.core.multiarray", "_reconstruct"): _Array,
        ("numpy.core.multiarray", "scalar"): _number,
        ("numpy.core.numeric", "_frombuffer"): _from_buffer,
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Dtype,
        ("_codecs", "encode"): _latin_bytes,
        ("collections", "OrderedDict"): dict,
    }
)
