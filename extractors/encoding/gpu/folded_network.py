"""A whole network in its fast form on folded axes (see `folding`), with fused convolutions."""

import copy

from torch import fx, nn

from c2fpl.extractors.encoding.fusing import fuse
from c2fpl.extractors.encoding.gpu.folding import (
    FoldedConvolution,
    folded_convolution,
    folded_pool,
)
from c2fpl.extractors.encoding.network import module_of


def folded_network(traced: fx.GraphModule) -> fx.GraphModule | None:
    """A copy of a network on folded axes; None if a convolution of it cannot be folded.

    It maps the same clips to the same features. Its fused convolutions use cuDNN on a GPU, and
    plain operations elsewhere.
    """
    folded = copy.deepcopy(traced)
    convolutions = 0
    for node in folded.graph.nodes:
        layer = module_of(folded, node)
        if isinstance(layer, nn.Conv3d):
            convolution = folded_convolution(layer)
            if convolution is None:
                return None
            folded.set_submodule(str(node.target), convolution)
            convolutions += 1
        elif isinstance(layer, nn.MaxPool3d) and (pool := folded_pool(layer)):
            folded.set_submodule(str(node.target), pool)
    fuse(folded)
    join_biases(folded)
    return folded if convolutions else None


def join_biases(folded: fx.GraphModule) -> None:
    """Adds the bias of a convolution on a shortcut to that of the convolution that adds it.

    cuDNN adds the bias of an unfused convolution in a pass of its own over the map.
    """
    for node in folded.graph.nodes:
        adding = folded_at(folded, node)
        added = node.args[1] if adding is not None and len(node.args) == 2 else None
        shortcut = folded_at(folded, added)
        if adding is None or shortcut is None or shortcut.relu or shortcut.bias is None:
            continue
        if isinstance(added, fx.Node) and len(added.users) == 1:
            bias = shortcut.bias if adding.bias is None else adding.bias + shortcut.bias
            adding.bias, shortcut.bias = nn.Parameter(bias, requires_grad=False), None


def folded_at(folded: fx.GraphModule, value: object) -> FoldedConvolution | None:
    """The folded convolution that computes this value."""
    layer = module_of(folded, value) if isinstance(value, fx.Node) else None
    return layer if isinstance(layer, FoldedConvolution) else None
