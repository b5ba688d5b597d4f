"""Reads the tensors of PyTorch zip archives that also hold other objects, without executing code.

`torch.load(weights_only=True)` rejects TorchScript archives (OpenAI's CLIP is one), whole pickled
modules, and checkpoints that hold objects of a training framework. Their tensors are still plain
bytes. This unpickler builds tensors and containers, and replaces every other object by an inert
`Shell`.
"""

import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import torch

DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
MODULE_PARTS = ("_parameters", "_buffers", "_modules")
"""Where a pickled nn.Module keeps its tensors; a TorchScript module has them as attributes."""


class Shell:
    """Placeholder for an object of an unknown class: stores what the pickle passes, runs nothing.

    It is not a container subclass, so `pickle` fills it through the methods below.
    """

    content: dict[str, object]

    def __new__(cls, *_arguments: object, **_named: object) -> "Shell":
        """Ignores the arguments. Pickles create objects with or without calling __init__."""
        shell = super().__new__(cls)
        shell.content = {}
        return shell

    def __init__(self, *_arguments: object, **_named: object) -> None:
        pass

    def __call__(self, *_arguments: object) -> "Shell":
        """Stands for the result of an unknown function."""
        return Shell()

    def __setstate__(self, state: object) -> None:
        """Stores the attributes of an object."""
        if isinstance(state, dict):
            self.content.update(state)

    def __setitem__(self, key: object, value: object) -> None:
        """Stores an entry of an unknown dict type."""
        self.content[str(key)] = value

    def append(self, value: object) -> None:
        """Ignores an item of an unknown list type."""

    def extend(self, values: object) -> None:
        """Ignores the items of an unknown list type."""

    def tree(self) -> dict[str, object]:
        """The attributes by name. For an nn.Module, its three dicts of parts merged into one."""
        parts = [self.content.get(part) for part in MODULE_PARTS]
        if not all(isinstance(part, dict) for part in parts):
            return self.content
        return {
            name: value for part in parts if isinstance(part, dict) for name, value in part.items()
        }


class TensorsOnly(pickle.Unpickler):
    """Unpickles data.pkl of a PyTorch archive."""

    def __init__(self, file: IO[bytes], archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(file)
        self._archive = archive
        self._folder = folder
        self._storages: dict[str, torch.Tensor] = {}

    def find_class(self, module: str, name: str) -> object:
        """The builder of a tensor or container; a new subclass of Shell for anything else."""
        if module in ("torch", "torch.storage") and name in DTYPES:
            return DTYPES[name]
        return BUILDERS.get((module, name)) or type("Shell", (Shell,), {})

    def persistent_load(self, pid: object) -> torch.Tensor:
        """One storage as a flat tensor on the CPU, whatever device it was saved from."""
        match pid:
            case ("storage", torch.dtype() as dtype, str(key), _, int(count)):
                pass
            case _:
                raise pickle.UnpicklingError(f"it refers to an object outside the file: {pid}")
        if key not in self._storages:
            data = self._archive.read(f"{self._folder}data/{key}") if count else b""
            if len(data) != count * dtype.itemsize:
                raise pickle.UnpicklingError(
                    f"tensor data {key} has {len(data)} bytes, not {count} x {dtype.itemsize}"
                )
            empty = torch.empty(0, dtype=dtype)
            self._storages[key] = torch.frombuffer(bytearray(data), dtype=dtype) if data else empty
        return self._storages[key]


def tensor_of(
    storage: torch.Tensor,
    offset: int,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    *_rest: object,
) -> torch.Tensor:
    """A tensor view of a flat storage, as torch._utils._rebuild_tensor_v2 builds it."""
    if math.prod(size) == 0:
        return torch.empty(size, dtype=storage.dtype)
    return storage.as_strided(size, stride, offset)


def first_argument(value: object, *_rest: object) -> object:
    """The object that a wrapper such as _rebuild_parameter wraps."""
    return value


BUILDERS: Mapping[tuple[str, str], Callable[..., object]] = {
    ("torch._utils", "_rebuild_tensor_v2"): tensor_of,
    ("torch._utils", "_rebuild_parameter"): first_argument,
    ("torch._utils", "_rebuild_parameter_with_state"): first_argument,
    ("collections", "OrderedDict"): OrderedDict,
}


def read_archive(path: Path) -> object:
    """The content of the archive's pickle as dicts and tensors; unknown objects become dicts.

    Raises:
        pickle.UnpicklingError: not a PyTorch archive, or a tensor is truncated.
    """
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.split("/")[1:] == ["data.pkl"]]
        if len(names) != 1:
            raise pickle.UnpicklingError("the zip file has no data.pkl, so it is not of PyTorch")
        with archive.open(names[0]) as file:
            content = TensorsOnly(file, archive, names[0].removesuffix("data.pkl")).load()
    return opened(content)


def opened(content: object) -> object:
    """The content with every Shell converted to a dict, recursively, and all keys to strings."""
    values = content.tree() if isinstance(content, Shell) else content
    if isinstance(values, dict):
        return {str(name): opened(value) for name, value in values.items()}
    return values
