"""Tensors of PyTorch zip archives that hold other objects too; no code of the file is executed.

`torch.load(weights_only=True)` refuses TorchScript archives (OpenAI's CLIP is one), whole pickled
modules, and checkpoints with objects of a training framework beside the tensors. Their tensors are
plain bytes all the same: this unpickler builds tensors and containers, and puts an inert `Shell`
in the place of every other object.
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
    """Stands for an object of an unknown class: takes whatever the pickle gives it, runs nothing.

    It derives from no container: `pickle` then calls these methods, which only keep values.
    """

    content: dict[str, object]

    def __new__(cls, *_arguments: object, **_named: object) -> "Shell":
        """A pickle makes objects with or without calling __init__: neither does anything."""
        shell = super().__new__(cls)
        shell.content = {}
        return shell

    def __init__(self, *_arguments: object, **_named: object) -> None:
        pass

    def __call__(self, *_arguments: object) -> "Shell":
        """What a foreign function gives is foreign."""
        return Shell()

    def __setstate__(self, state: object) -> None:
        """Keeps the attributes of an object."""
        if isinstance(state, dict):
            self.content.update(state)

    def __setitem__(self, key: object, value: object) -> None:
        """Keeps the entries of a foreign dict."""
        self.content[str(key)] = value

    def append(self, value: object) -> None:
        """Drops the items of a foreign list."""

    def extend(self, values: object) -> None:
        """Drops the items of a foreign list."""

    def tree(self) -> dict[str, object]:
        """Its attributes by name; those of an nn.Module without the three folders they are in."""
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
        """The builders of tensors and of containers; a fresh kind of Shell for anything else."""
        if module in ("torch", "torch.storage") and name in DTYPES:
            return DTYPES[name]
        return BUILDERS.get((module, name)) or type("Shell", (Shell,), {})

    def persistent_load(self, pid: object) -> torch.Tensor:
        """One storage as a flat tensor; the device it was saved from plays no part."""
        match pid:
            case ("storage", torch.dtype() as dtype, str(key), _, int(count)):
                pass
            case _:
                raise pickle.UnpicklingError(f"it refers to something outside itself: {pid}")
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
    """torch._utils._rebuild_tensor_v2 on a flat tensor."""
    if math.prod(size) == 0:
        return torch.empty(size, dtype=storage.dtype)
    return storage.as_strided(size, stride, offset)


def first_argument(value: object, *_rest: object) -> object:
    """What a wrapper such as _rebuild_parameter wraps."""
    return value


BUILDERS: Mapping[tuple[str, str], Callable[..., object]] = {
    ("torch._utils", "_rebuild_tensor_v2"): tensor_of,
    ("torch._utils", "_rebuild_parameter"): first_argument,
    ("torch._utils", "_rebuild_parameter_with_state"): first_argument,
    ("collections", "OrderedDict"): OrderedDict,
}


def read_archive(path: Path) -> object:
    """What the archive's pickle holds, as dicts and tensors; foreign objects become dicts.

    Raises:
        pickle.UnpicklingError: no such archive, or a tensor of it is not whole.
    """
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.split("/")[1:] == ["data.pkl"]]
        if len(names) != 1:
            raise pickle.UnpicklingError("a zip file without the data.pkl of a PyTorch archive")
        with archive.open(names[0]) as file:
            content = TensorsOnly(file, archive, names[0].removesuffix("data.pkl")).load()
    return opened(content)


def opened(content: object) -> object:
    """The same with every Shell, and every dict in it, as a plain dict; keys become text."""
    values = content.tree() if isinstance(content, Shell) else content
    if isinstance(values, dict):
        return {str(name): opened(value) for name, value in values.items()}
    return values
