"""Weights from a file or the official URL into a network, and the file's SHA-256.

Never random weights in silence: what is missing, unexpected or of another network is an error.
"""

import hashlib
import logging
import os
import pickle
import re
import tempfile
import urllib.request
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from c2fpl.extractors.backbones.caffe2 import read_blobs, to_builder_names, to_conversion_names
from c2fpl.extractors.backbones.catalogue import BACKBONES, I3D_NONLOCAL_NET_WITH_BLOCKS, Backbone

logger = logging.getLogger(__name__)

HUB_WRAPPER = "model_state"
HUB_MARKER = "blocks.0.conv.weight"
"""A pytorchvideo hub file of i3d_r50 has the names and shapes of i3d-nonlocal-net, and is another
function: such a file is told by its wrapper and refused there."""
WRAPPERS = (HUB_WRAPPER, "state_dict", "model_state_dict", "model")
PREFIXES = ("module.", "_orig_mod.")
DOWNLOAD_TIMEOUT_S = 30


class MissingWeights(RuntimeError):
    """There is no weights file and the official one cannot be fetched."""


class WrongWeights(ValueError):
    """The weights file cannot be read, or is not of this network."""


@dataclass(frozen=True, eq=False)
class SavedState:
    """What a weights file holds."""

    path: Path
    tensors: dict[str, torch.Tensor]
    """By name, without wrappers, prefixes and optimiser state."""
    wrapper: str = ""
    """Key of the checkpoint under which the tensors were."""


def load_weights(network: nn.Module, backbone: Backbone, file: Path | None) -> str:
    """Fills the network from the file, or from the official one, and gives the file's SHA-256.

    Raises MissingWeights or WrongWeights.
    """
    path = file if file is not None else official_file(backbone)
    if not path.is_file():
        raise MissingWeights(f"no weights file at {path}: give --weights an existing file")
    digest = sha256(path)
    if file is None and not digest.startswith(backbone.sha256_prefix):
        raise WrongWeights(
            f"{path} has SHA-256 {digest[:8]}..., not {backbone.sha256_prefix}...:"
            " delete it to have it fetched again"
        )
    fill(network, backbone, read_state(path))
    return digest


def official_file(backbone: Backbone) -> Path:
    """The official weights file in the torch hub cache, fetched where it is not there."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / backbone.url.rsplit("/", 1)[1]
    if not path.exists():
        try:
            fetch(backbone.url, path)
        except OSError as error:
            raise MissingWeights(
                f"cannot fetch {backbone.url} ({error}): give a weights file with --weights FILE,"
                " or use --backbone flow, which needs none"
            ) from error
    return path


def fetch(url: str, path: Path) -> None:
    """Downloads beside the path and renames, so that a file that exists is whole."""
    logger.info("fetching %s", url)
    path.parent.mkdir(parents=True, exist_ok=True)
    with urllib.request.urlopen(url, timeout=DOWNLOAD_TIMEOUT_S) as response:
        expected = response.headers.get("Content-Length")
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "wb") as part:
                while block := response.read(1 << 20):
                    part.write(block)
            if expected is not None and Path(beside).stat().st_size != int(expected):
                raise ConnectionError(f"the connection ended before byte {expected}")
            Path(beside).replace(path)
        finally:
            Path(beside).unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_state(path: Path) -> SavedState:
    """The tensors of a weights file by name, wrappers and prefixes taken off.

    Reads PyTorch files with `weights_only` and Caffe2 pickles with an unpickler that knows arrays
    alone: a file with code in it is refused with WrongWeights and not executed.
    """
    try:
        with warnings.catch_warnings():  # torch warns of pickles that it then refuses
            warnings.simplefilter("ignore", UserWarning)
            content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        if zipfile.is_zipfile(path):
            raise WrongWeights(
                f"{path}: not a file of plain tensors ({first_line(error)})"
            ) from error
        return read_caffe2(path)
    return plain_state(content, path)


def read_caffe2(path: Path) -> SavedState:
    """A Caffe2 pickle's blobs under the names of their PyTorch conversion."""
    try:
        return SavedState(path, to_conversion_names(read_blobs(path)))
    except Exception as error:  # a damaged pickle can raise anything
        raise WrongWeights(
            f"{path}: neither a PyTorch nor a Caffe2 weights file ({first_line(error)});"
            " save plain tensors with torch.save(network.state_dict(), FILE)"
        ) from error


def first_line(error: Exception) -> str:
    """The error in a few words."""
    return f"{type(error).__name__}: {error}".splitlines()[0].split(". ")[0]


def plain_state(content: object, path: Path) -> SavedState:
    """The innermost state dict, without "module." before each name."""
    wrapper = ""
    while isinstance(content, dict) and (inner := wrapper_of(content)):
        wrapper, content = inner, content[inner]
    if not isinstance(content, dict) or not content:
        raise WrongWeights(f"{path}: a {type(content).__name__} instead of a state dict of tensors")
    prefixes = re.compile(f"^({'|'.join(map(re.escape, PREFIXES))})+")
    tensors = {
        prefixes.sub("", str(name)): value
        for name, value in content.items()
        if isinstance(value, torch.Tensor)
    }
    return SavedState(path, tensors, wrapper)


def wrapper_of(content: Mapping[str, object]) -> str | None:
    """The key under which a checkpoint keeps its state dict, if it is one."""
    return next((key for key in WRAPPERS if isinstance(content.get(key), dict)), None)


def fill(network: nn.Module, backbone: Backbone, saved: SavedState) -> None:
    """Loads the state into the network; raises WrongWeights that says what does not fit."""
    wanted = network.state_dict()
    renamed = saved.tensors if backbone.builder_names else to_builder_names(saved.tensors)
    given = {k: v for k, v in renamed.items() if not k.startswith((backbone.classifier, "fc."))}
    problems = {
        "missing": [k for k in wanted if k not in given and not k.endswith("num_batches_tracked")],
        "unexpected": [k for k in given if k not in wanted],
        "of another shape": [k for k in wanted if k in given and given[k].shape != wanted[k].shape],
    }
    is_hub_file = saved.wrapper == HUB_WRAPPER and HUB_MARKER in saved.tensors
    if any(problems.values()) or (is_hub_file and not backbone.builder_names):
        raise WrongWeights(misfit(saved, problems))
    network.load_state_dict(given, strict=False)


def misfit(saved: SavedState, problems: Mapping[str, list[str]]) -> str:
    """One line: what does not fit, and which backbone the file looks like."""
    parts = [
        f"{len(names)} tensors {kind} such as {names[0]}"
        for kind, names in problems.items()
        if names
    ]
    looks = resemblance(saved.tensors) or "none of the backbones"
    said = "; ".join([*parts, f"it looks like {looks}"])
    return f"{saved.path}: not weights of this backbone: {said}: check --backbone and --weights"


def resemblance(state: Mapping[str, torch.Tensor]) -> str:
    """Names of the backbones whose marker is in the state, "" for none."""
    candidates = [
        *BACKBONES.items(),
        ("i3d-nonlocal-net with blocks", I3D_NONLOCAL_NET_WITH_BLOCKS),
    ]
    found = [
        name
        for name, backbone in candidates
        if backbone.marker[0] in state
        and tuple(state[backbone.marker[0]].shape) == backbone.marker[1]
    ]
    return " or ".join(found)
