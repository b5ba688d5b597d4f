"""Loads weights from a file, or from the official one, into a network.

Missing tensors, unexpected tensors and weights of another network are errors: no part of a network
silently keeps its random weights.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from c2fpl.errors import BadWeights
from c2fpl.extractors.backbones.catalogue import BACKBONES, I3D_NONLOCAL_NET_WITH_BLOCKS, Backbone
from c2fpl.extractors.backbones.official import official_file, sha256
from c2fpl.extractors.backbones.state_files import SavedState, read_state

logger = logging.getLogger(__name__)

HUB_PREFIX = "model_state."
HUB_MARKER = "blocks.0.conv.weight"
"""pytorchvideo's file of i3d_r50 has the names and shapes of i3d-nonlocal-net but computes another
function. Its `model_state` wrapper identifies it, and i3d-nonlocal-net rejects it."""
WRAPPERS = ("model_state", "state_dict", "model_state_dict", "model")
"""Usual keys of the network in a checkpoint that also holds its average or its teacher."""
COUNTER = "num_batches_tracked"
"""Counter of a batch norm, unused after training."""


@dataclass(frozen=True, eq=False)
class Fit:
    """The tensors under one prefix, compared with those of a network."""

    prefix: str
    tensors: Mapping[str, torch.Tensor]
    """By the network's names."""
    missing: list[str]
    unexpected: list[str]
    of_another_shape: list[str]

    @property
    def is_copy(self) -> bool:
        """Whether these tensors contain the whole network."""
        return not self.missing and not self.of_another_shape

    @property
    def problem_count(self) -> int:
        """Number of tensors that do not fit."""
        return len(self.missing) + len(self.unexpected) + len(self.of_another_shape)

    def __str__(self) -> str:
        kinds = {
            "missing": self.missing,
            "unexpected": self.unexpected,
            "of another shape": self.of_another_shape,
        }
        found = [
            f"{len(names)} tensors {kind} such as {names[0]}"
            for kind, names in kinds.items()
            if names
        ]
        return "; ".join(found)


def load_weights(network: nn.Module, backbone: Backbone, file: Path | None) -> str:
    """Loads the file, or the official one if None, into the network; returns the file's SHA-256.

    Raises:
        BadWeights: there is no such file, or the official one cannot be downloaded.
        BadWeights: the file cannot be read, is damaged, or belongs to another network.
    """
    path = file if file is not None else official_file(backbone)
    if not path.is_file():
        raise BadWeights(f"no weights file at {path}: give an existing weights file")
    fit = best_fit(network, backbone, read_state(path))
    network.load_state_dict(fit.tensors, strict=False)
    return sha256(path)


def best_fit(network: nn.Module, backbone: Backbone, saved: SavedState) -> Fit:
    """Finds the network in the file, under any prefix or without one.

    Nested dicts count as prefixes: `{"net": {"conv.weight": ...}}` holds `net.conv.weight`. Tensors
    outside the prefix belong to other parts of the checkpoint and are ignored.

    Raises:
        BadWeights: the network is incomplete, or the file holds it more than once.
    """
    wanted = network.state_dict()
    fits = [fit_under(p, wanted, backbone, saved) for p in prefixes(saved.tensors, len(wanted))]
    copies = [fit for fit in fits if fit.is_copy]
    if len(copies) > 1:
        named = [fit for fit in copies if fit.prefix.split(".")[0] in WRAPPERS]
        if len(named) != 1:
            raise BadWeights(
                f"{saved.path}: it holds the network {len(copies)} times, under"
                f" {' and '.join(fit.prefix or 'no prefix' for fit in copies)}: save one of them"
                " to its own file"
            )
        logger.warning(
            "%s: it holds %d copies of the network; using %s",
            saved.path,
            len(copies),
            named[0].prefix,
        )
        copies = named
    best = min(copies or fits, key=lambda fit: fit.problem_count)
    is_hub_file = best.prefix == HUB_PREFIX and HUB_PREFIX + HUB_MARKER in saved.tensors
    if best.problem_count or (is_hub_file and backbone.rename is not None):
        raise BadWeights(misfit(saved, best))
    return best


def prefixes(tensors: Mapping[str, torch.Tensor], wanted: int) -> list[str]:
    """The empty prefix, and every dotted prefix that enough tensors share to hold the network."""
    counts = Counter(
        name[: place + 1] for name in tensors for place, sign in enumerate(name) if sign == "."
    )
    return ["", *(prefix for prefix, count in counts.items() if count >= wanted / 2)]


def fit_under(
    prefix: str, wanted: Mapping[str, torch.Tensor], backbone: Backbone, saved: SavedState
) -> Fit:
    """Compares the tensors under the prefix, except the classifier, with the wanted ones."""
    stripped = {
        name.removeprefix(prefix): value
        for name, value in saved.tensors.items()
        if name.startswith(prefix)
    }
    renamed = stripped if backbone.rename is None else backbone.rename(stripped)
    given = {k: v for k, v in renamed.items() if not k.startswith((*backbone.left_out, "fc."))}
    return Fit(
        prefix,
        given,
        missing=[k for k in wanted if k not in given and not k.endswith(COUNTER)],
        unexpected=[k for k in given if k not in wanted],
        of_another_shape=[k for k in wanted if k in given and given[k].shape != wanted[k].shape],
    )


def misfit(saved: SavedState, fit: Fit) -> str:
    """One line: what does not fit, and which backbone the file looks like."""
    looks = resemblance(saved.tensors) or "no known backbone"
    under = [f"under {fit.prefix}"] * bool(fit.prefix)
    reasons = "; ".join([*filter(None, [str(fit)]), *under, f"it looks like {looks}"])
    return f"{saved.path}: not weights of this backbone: {reasons}: check --backbone and --weights"


def resemblance(state: Mapping[str, torch.Tensor]) -> str:
    """Names of the backbones whose marker is in the state under any prefix; "" if there is none."""
    candidates = [
        *BACKBONES.items(),
        ("i3d-nonlocal-net with blocks", I3D_NONLOCAL_NET_WITH_BLOCKS),
    ]
    found = [
        name
        for name, backbone in candidates
        if any(
            f".{key}".endswith(f".{backbone.marker[0]}") and value.shape == backbone.marker[1]
            for key, value in state.items()
        )
    ]
    return " or ".join(found)
