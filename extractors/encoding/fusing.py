"""Moves sums and ReLUs of a traced network into the convolutions before them.

A convolution of the CPU (`packed`) or of a GPU (`gpu.folding`) then computes all three in one
kernel, and the map between them is never written to memory.
"""

import operator

import torch
from torch import fx, nn

SUMS = (operator.add, operator.iadd, torch.add)


class FusedConvolution(nn.Module):
    """A convolution, followed by an optional sum and an optional ReLU.

    Subclasses map clips (clips, channels, frames, height, width), channels last, and an optional
    `residual` of the output's shape, which is added before the ReLU.
    """

    relu = False
    """Whether a ReLU follows."""


def fuse(traced: fx.GraphModule) -> None:
    """Fuses sums, then ReLUs, into the fused convolutions of the network."""
    for node in list(traced.graph.nodes):
        if node.target in SUMS:
            take_sum_in(traced, node)
    for node in list(traced.graph.nodes):
        take_relu_in(traced, node)
    traced.delete_all_unused_submodules()
    traced.recompile()


def take_sum_in(traced: fx.GraphModule, node: fx.Node) -> None:
    """Fuses a sum into a convolution that computes one of its two sides, if there is one."""
    left, right = node.args
    for conv, other in ((right, left), (left, right)):
        if fused_at(traced, conv) is None or not isinstance(conv, fx.Node):
            continue
        with traced.graph.inserting_after(node):
            fused = traced.graph.call_module(str(conv.target), (conv.args[0], other))
        node.replace_all_uses_with(fused)
        traced.graph.erase_node(node)
        traced.graph.erase_node(conv)
        return


def take_relu_in(traced: fx.GraphModule, node: fx.Node) -> None:
    """Fuses a ReLU into the convolution before it, if nothing else reads that convolution."""
    if node.op != "call_module" or not isinstance(traced.get_submodule(str(node.target)), nn.ReLU):
        return
    before = node.args[0]
    conv = fused_at(traced, before)
    if conv is not None and isinstance(before, fx.Node):
        conv.relu = True
        node.replace_all_uses_with(before)
        traced.graph.erase_node(node)


def fused_at(traced: fx.GraphModule, value: object) -> FusedConvolution | None:
    """The fused convolution that computes this value, if exactly one operation reads the value."""
    if not isinstance(value, fx.Node) or value.op != "call_module" or len(value.users) != 1:
        return None
    module = traced.get_submodule(str(value.target))
    return module if isinstance(module, FusedConvolution) else None
