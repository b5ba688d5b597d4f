"""Reads weights files of video-nonlocal-net (Caffe2 pickles) safely and renames their tensors.

Caffe2 blobs (`res2_0_branch2a_w`) are renamed to their widespread PyTorch conversion
(`layer1.0.conv1.weight`), and that conversion to the names of pytorchvideo's builder.
"""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from c2fpl.extractors.backbones.plain_pickles import load_plain_pickle

BLOB_SUFFIXES = {
    "w": "weight",
    "b": "bias",
    "s": "weight",
    "rm": "running_mean",
    "riv": "running_var",
}
PIECES = {"branch2a": ("conv1", "bn1"), "branch2b": ("conv2", "bn2"), "branch2c": ("conv3", "bn3")}
PIECES |= {"branch1": ("downsample.0", "downsample.1")}
STEM_BLOBS = {"conv1": "conv1", "res_conv1_bn": "bn1", "pred": "fc"}
BLOB = re.compile(r"(.+)_(w|b|s|rm|riv)$")
BRANCH_BLOB = re.compile(r"res([2-5])_(\d)_(branch2[abc]|branch1)(_bn)?$")
NONLOCAL_BLOB = re.compile(r"nonlocal_conv([34])_(\d)_(theta|phi|g|out|bn)$")

STEM_NAMES = {"conv1": "blocks.0.conv", "bn1": "blocks.0.norm"}
BLOCK_NAME = re.compile(r"layer([1-4])\.(\d)\.(.+)\.(\w+)$")
BLOCK_PIECES = {f"conv{i}": f"branch2.conv_{c}" for i, c in zip((1, 2, 3), "abc", strict=True)}
BLOCK_PIECES |= {f"bn{i}": f"branch2.norm_{c}" for i, c in zip((1, 2, 3), "abc", strict=True)}
BLOCK_PIECES |= {"downsample.0": "branch1_conv", "downsample.1": "branch1_norm"}
BLOCK_PIECES |= {f"nl.{name}": f"activation.1.conv_{name}" for name in ("theta", "phi", "g", "out")}
BLOCK_PIECES |= {"nl.bn": "activation.1.norm"}


STATE_OF_TRAINING = ("lr", "model_iter")
"""Training state that the publisher's code saves with the weights, as numbers or as arrays."""
MOMENTUM = "_momentum"


def read_blobs(path: Path) -> dict[str, torch.Tensor]:
    """The float32 tensors of a Caffe2 pickle `{'blobs': {name: array}}`, without training state.

    The scope of a GPU in front of a name (`gpu_0/conv1_w`) is removed. No code in the file runs.

    Raises:
        pickle.UnpicklingError: the file holds something other than arrays and numbers.
    """
    with path.open("rb") as file:
        content = load_plain_pickle(file)
    blobs = content.get("blobs", content) if isinstance(content, dict) else None
    if not isinstance(blobs, dict):
        raise pickle.UnpicklingError(f"it holds a {type(content).__name__}, not a dict of arrays")
    tensors = {}
    for key, value in blobs.items():
        name = str(key).rpartition("/")[2]
        trained = name not in STATE_OF_TRAINING and not name.endswith(MOMENTUM)
        if isinstance(value, np.ndarray) and trained:
            if value.dtype.hasobject:
                raise pickle.UnpicklingError(f"{name} has an element that is not a plain number")
            tensors[name] = torch.from_numpy(np.array(value, dtype=np.float32))
    return tensors


def conversion_name(blob: str) -> str | None:
    """Renames `res2_0_branch2a_bn_s` to `layer1.0.bn1.weight`; None for an unknown blob."""
    match = BLOB.match(blob)
    if match is None:
        return None
    stem, suffix = match[1], BLOB_SUFFIXES[match[2]]
    if stem in STEM_BLOBS:
        return f"{STEM_BLOBS[stem]}.{suffix}"
    if branch := BRANCH_BLOB.match(stem):
        piece = PIECES[branch[3]][branch[4] is not None]
        return f"layer{int(branch[1]) - 1}.{branch[2]}.{piece}.{suffix}"
    if nonlocal_block := NONLOCAL_BLOB.match(stem):
        layer, block, piece = nonlocal_block.groups()
        return f"layer{int(layer) - 1}.{block}.nl.{piece}.{suffix}"
    return None


def builder_name(name: str) -> str:
    """Renames `layer1.0.conv1.weight` to `blocks.1.res_blocks.0.branch2.conv_a.weight`."""
    match = BLOCK_NAME.match(name)
    if match and match[3] in BLOCK_PIECES:
        layer, block, piece, suffix = match.groups()
        stage = 1 if layer == "1" else int(layer) + 1  # block 2 is the temporal pool
        return f"blocks.{stage}.res_blocks.{block}.{BLOCK_PIECES[piece]}.{suffix}"
    stem, _, suffix = name.partition(".")
    return f"{STEM_NAMES[stem]}.{suffix}" if stem in STEM_NAMES else name


def to_conversion_names(blobs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Renames Caffe2 blobs to the names of the PyTorch conversion; unknown blobs keep theirs."""
    return {conversion_name(blob) or blob: value for blob, value in blobs.items()}


def to_builder_names(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Renames the PyTorch conversion to the names of pytorchvideo's builder; others keep theirs."""
    return {builder_name(name): value for name, value in state.items()}
