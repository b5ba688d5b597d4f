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
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from c2fpl.extractors.backbones import BACKBONES, I3D_NONLOCAL_NET_WITH_BLOCKS, Backbone
from c2fpl.extractors.caffe2 import read_blobs, to_builder_names, to_conversion_names

logger = logging.getLogger(__name__)

WRAPPERS = ("model_state", "state_dict", "model_state_dict", "model")
PREFIXES = ("module.", "_orig_mod.")
DOWNLOAD_TIMEOUT_S = 30


class MissingWeights(RuntimeError):
    """There is no weights file and the official one cannot be fetched."""


class WrongWeights(ValueError):
    """The weights file cannot be read, or is not of this network."""


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
    fill(network, backbone, read_state(path), path)
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


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a weights file by name, wrappers and prefixes taken off.

    Reads PyTorch files with `weights_only` and Caffe2 pickles with an unpickler that knows arrays
    alone: a file with code in it is refused with WrongWeights and not executed.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        if zipfile.is_zipfile(path):
            raise WrongWeights(
                f"{path}: not a file of plain tensors ({first_line(error)})"
            ) from error
        return read_caffe2(path)
    return plain_state(content, path)


def read_caffe2(path: Path) -> dict[str, torch.Tensor]:
    """A Caffe2 pickle's blobs under the names of their PyTorch conversion."""
    try:
        return to_conversion_names(read_blobs(path))
    except Exception as error:  # a damaged pickle can raise anything
        raise WrongWeights(
            f"{path}: neither a PyTorch nor a Caffe2 weights file ({first_line(error)});"
            " save plain tensors with torch.save(network.state_dict(), FILE)"
        ) from error


def first_line(error: Exception) -> str:
    """The error in a few words."""
    return f"{type(error).__name__}: {error}".splitlines()[0].split(". ")[0]


def plain_state(content: object, path: Path) -> dict[str, torch.Tensor]:
    """The innermost state dict, without "module." before each name."""
    while isinstance(content, dict) and (wrapper := wrapper_of(content)):
        content = content[wrapper]
    if not isinstance(content, dict) or not content:
        raise WrongWeights(f"{path}: a {type(content).__name__} instead of a state dict of tensors")
    tensors = {name: value for name, value in content.items() if isinstance(value, torch.Tensor)}
    prefixes = "|".join(map(re.escape, PREFIXES))
    return {re.sub(f"^({prefixes})+", "", str(name)): value for name, value in tensors.items()}


def wrapper_of(content: Mapping[str, object]) -> str | None:
    """The key under which a checkpoint keeps its state dict, if it is one."""
    return next((key for key in WRAPPERS if isinstance(content.get(key), dict)), None)


def fill(
    network: nn.Module, backbone: Backbone, state: dict[str, torch.Tensor], path: Path
) -> None:
    """Loads the state into the network; raises WrongWeights that says what does not fit."""
    wanted = network.state_dict()
    is_nonlocal_net = backbone in (BACKBONES["i3d-nonlocal-net"], I3D_NONLOCAL_NET_WITH_BLOCKS)
    renamed = to_builder_names(state) if is_nonlocal_net else state
    given = {k: v for k, v in renamed.items() if not k.startswith((backbone.classifier, "fc."))}
    missing = [k for k in wanted if k not in given and not k.endswith("num_batches_tracked")]
    unexpected = [k for k in given if k not in wanted]
    misshapen = [k for k in wanted if k in given and given[k].shape != wanted[k].shape]
    if missing or unexpected or misshapen:
        raise WrongWeights(misfit(state, path, missing, unexpected, misshapen))
    network.load_state_dict(given, strict=False)


def misfit(
    state: Mapping[str, torch.Tensor],
    path: Path,
    missing: list[str],
    unexpected: list[str],
    misshapen: list[str],
) -> str:
    """One line: what does not fit, and which backbone the file looks like."""
    parts = [
        f"{len(keys)} tensors {kind} such as {keys[0]}"
        for kind, keys in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("of another shape", misshapen),
        )
        if keys
    ]
    looks = resemblance(state)
    guess = f"it looks like {looks}" if looks else "it looks like none of the backbones"
    return (
        f"{path}: not weights of this backbone: {'; '.join(parts)}; {guess}:"
        " check --backbone and --weights"
    )


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
