"""Reads weights files into tensors by name: PyTorch, TorchScript, safetensors, Caffe2.

No code in a file is executed. PyTorch files are read with `weights_only`; files that it rejects are
read by unpicklers restricted to tensors and arrays.
"""

import pickle
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file

from c2fpl.errors import BadWeights
from c2fpl.extractors.backbones.archives import read_archive
from c2fpl.extractors.backbones.caffe2 import read_blobs, to_conversion_names

OTHER_FORMS = (
    (b"<!doctype", "a web page from a failed download: download the file again"),
    (b"<html", "a web page from a failed download: download the file again"),
    (b"<?xml", "an XML page from a failed download: download the file again"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself: run `git lfs pull`"),
    (b"\x89hdf", "an HDF5 file, perhaps from Keras: give the PyTorch weights"),
    (b"\x93numpy", "a numpy array: give the weights, not the features"),
    (b"\x1f\x8b", "a gzip archive: unpack it"),
    (b"7z\xbc\xaf", "a 7-Zip archive: unpack it"),
    (b"rar!", "a RAR archive: unpack it"),
)
"""First bytes of a file in lower case, and its description with the cure."""
HEAD_BYTES = 32
SAVE_AGAIN = "save plain tensors with torch.save(network.state_dict(), FILE)"


@dataclass(frozen=True, eq=False)
class SavedState:
    """All tensors of a weights file."""

    path: Path
    tensors: Mapping[str, torch.Tensor]
    """By dotted name; nested dicts and modules are flattened."""


def read_state(path: Path) -> SavedState:
    """All tensors of a weights file, at least one.

    Raises:
        BadWeights: the file cannot be read or holds no tensors.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    for start, description in OTHER_FORMS:
        if head.lstrip().lower().startswith(start):
            raise BadWeights(f"{path}: it looks like {description}")
    try:
        content = read_content(path, head)
        tensors = dict(tensors_below(content)) if isinstance(content, Mapping) else {}
    except Exception as error:  # a damaged file can raise anything
        raise BadWeights(
            f"{path}: not PyTorch, safetensors or Caffe2 weights ({first_line(error)});"
            f" {SAVE_AGAIN}"
        ) from error
    if not tensors:
        raise BadWeights(
            f"{path}: it holds a {type(content).__name__} without named tensors; {SAVE_AGAIN}"
        )
    return SavedState(path, tensors)


def read_content(path: Path, head: bytes) -> object:
    """The content of the file, read according to its format."""
    if not head:
        raise pickle.UnpicklingError("the file is empty")
    if head[8:9] == b"{":  # safetensors: eight bytes of length, then a JSON header
        return load_file(path)
    return read_pickle(path)


def read_pickle(path: Path) -> object:
    """Reads a PyTorch or Caffe2 file; both are pickles."""
    try:
        with warnings.catch_warnings():  # torch warns about pickles that it then rejects
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError):
        if zipfile.is_zipfile(path):
            return read_archive(path)
        return to_conversion_names(read_blobs(path))


def first_line(error: Exception) -> str:
    """Type and first sentence of the error."""
    return f"{type(error).__name__}: {error}".splitlines()[0].split(". ")[0]


def tensors_below(
    content: Mapping[object, object], prefix: str = ""
) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors of a dict and of its nested dicts, with dotted names."""
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, torch.Tensor):
            yield name, value
        elif isinstance(value, Mapping):
            yield from tensors_below(value, f"{name}.")
