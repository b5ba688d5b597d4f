"""The fast form of a network: folded batch norm, integer pixels, channels last, low precision.

It computes the same function as the original network on normalised pixels; tests verify this.
"""

import copy
import operator

import torch
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from c2fpl.extractors.backbones.catalogue import Backbone
from c2fpl.extractors.backbones.clip import Body

PIXEL_CHANNELS = 4
"""Red, green, blue, and a constant one (see `IntegerPixels`)."""


def fast_form(
    network: nn.Module, backbone: Backbone, dtype: torch.dtype, *, bgr: bool = False
) -> fx.GraphModule:
    """The same network on integer pixels, for inference only.

    Maps the pixels of `IntegerPixels` (clips, 4, frames, height, width) to features (clips, dim),
    both of `dtype`.
    """
    traced = trace(with_fast_layers(network.eval()))
    fold_batch_norm(traced)
    scale_queries(traced)
    name, stem = give_pixels(traced, backbone, bgr=bgr)
    patches = Float32Patches(stem, dtype) if stem.kernel_size == stem.stride else None
    traced.to(dtype).to(memory_format=torch.channels_last_3d)
    if patches is not None:
        traced.set_submodule(name, patches)
    return traced.requires_grad_(False)


class IntegerPixels:
    """Converts uint8 frames (..., 3) to the network's input: `dtype` (..., 4), channels last.

    From each colour the integer nearest to its mean is subtracted. This gives integers in
    [-115, 145], which bf16 and fp16 represent exactly. The fourth channel is one inside the frame
    and zero in the padding. It carries the fractional part of the mean, so that padding still
    equals the mean colour.

    The subtracted integers stay on the device: copying them at every call would make a GPU wait.
    """

    def __init__(
        self, backbone: Backbone, dtype: torch.dtype, device: torch.device | None = None
    ) -> None:
        self._dtype = dtype
        whole = [float(whole) for whole, _ in split_mean(backbone)]
        self._whole = torch.tensor(whole, device=device)

    def __call__(self, frames: torch.Tensor) -> torch.Tensor:
        """Converts frames on the device given at construction."""
        pixels = torch.ones((*frames.shape[:-1], PIXEL_CHANNELS), device=frames.device)
        torch.sub(frames.float(), self._whole, out=pixels[..., :3])
        return pixels.to(self._dtype)


def split_mean(backbone: Backbone) -> tuple[tuple[int, float], ...]:
    """The mean of each colour in 0..255, as an integer and a fractional part."""
    means = (255 * mean for mean in backbone.mean)
    return tuple((round(mean), mean - round(mean)) for mean in means)


def give_pixels(traced: fx.GraphModule, backbone: Backbone, *, bgr: bool) -> tuple[str, nn.Conv3d]:
    """Moves the normalisation of pixels into the weights of the first convolution.

    Inside the frame, normalised = (u - mean) / std = ((u - whole) - rest) / std.

    Returns:
        The name of the convolution and the convolution.
    """
    name, stem = next((n, m) for n, m in traced.named_modules() if isinstance(m, nn.Conv3d))
    weight = stem.weight.flip(1) if bgr else stem.weight
    scale = weight.new_tensor([1 / (255 * std) for std in backbone.std])
    rest = weight.new_tensor([rest for _, rest in split_mean(backbone)])
    colours = weight * scale.view(1, 3, 1, 1, 1)
    one = -(colours * rest.view(1, 3, 1, 1, 1)).sum(dim=1, keepdim=True)
    stem.weight = nn.Parameter(torch.cat([colours, one], dim=1))
    stem.in_channels = PIXEL_CHANNELS
    traced.set_submodule(name, stem)
    return name, stem


class Float32Patches(nn.Module):
    """A first convolution on disjoint patches, computed in float32 whatever the network's dtype.

    oneDNN's bf16 convolution of 16x16 patches with four channels has errors as large as its values
    (PyTorch 2.15 on a CPU with AMX). The layer is only a hundredth of the network's work.
    """

    def __init__(self, stem: nn.Conv3d, dtype: torch.dtype) -> None:
        super().__init__()
        self.stem = copy.deepcopy(stem).float()
        self.dtype = dtype

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pixels (clips, 3, frames, height, width) to a map (clips, channels, frames, rows, cols).

        Pixels have any dtype; the map has the dtype of the network.
        """
        patches: torch.Tensor = self.stem(pixels.float())
        return patches.to(self.dtype)


def in_float32(network: fx.GraphModule) -> fx.GraphModule:
    """A copy of a network in its fast form that computes in float32."""
    copied = copy.deepcopy(network).float()
    for layer in copied.modules():
        if isinstance(layer, Float32Patches):
            layer.dtype = torch.float32
    return copied


class LayerTracer(fx.Tracer):
    """Traces down to the layers that have a fast form, including subclasses of them."""

    def is_leaf_module(self, module: nn.Module, module_qualified_name: str) -> bool:
        """Also treats torchvision's subclasses of a convolution as leaves."""
        ours = isinstance(module, (nn.Conv3d, PairwiseMax, Body))
        return ours or super().is_leaf_module(module, module_qualified_name)


def trace(network: nn.Module) -> fx.GraphModule:
    """The network as a flat list of layers."""
    return fx.GraphModule(network, LayerTracer().trace(network))


def with_fast_layers(network: nn.Module) -> nn.Module:
    """Replaces two kinds of layers by faster ones with the same values."""
    for module in network.modules():
        for name, child in module.named_children():
            if type(child).__name__ == "Swish":  # in pytorchvideo, a Python autograd function
                setattr(module, name, nn.SiLU())
            elif isinstance(child, nn.MaxPool3d) and is_pairwise(child):
                setattr(module, name, PairwiseMax())
    return network


def is_pairwise(pool: nn.MaxPool3d) -> bool:
    """Whether a pool takes the maximum of frames 0 and 1, 2 and 3, ... (in i3d)."""
    window = (pool.kernel_size, pool.stride, pool.padding)
    return window == ((2, 1, 1), (2, 1, 1), (0, 0, 0))


class PairwiseMax(nn.Module):
    """The maximum of each pair of frames; 16 times faster than MaxPool3d, which stores indices."""

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """(clips, channels, frames, height, width) to half the frames; drops an odd last frame."""
        last = clips.shape[2] // 2 * 2
        return torch.maximum(clips[:, :, 0:last:2], clips[:, :, 1:last:2])


def fold_batch_norm(traced: fx.GraphModule) -> None:
    """Folds every batch norm into the convolution before it."""
    for node in list(traced.graph.nodes):
        norm = module_of(traced, node)
        before = node.args[0] if node.args else None
        if not isinstance(norm, nn.BatchNorm3d) or not isinstance(before, fx.Node):
            continue
        conv = module_of(traced, before)
        if isinstance(conv, nn.Conv3d):
            traced.set_submodule(str(before.target), fuse_conv_bn_eval(conv, norm))
            node.replace_all_uses_with(before)
            traced.graph.erase_node(node)
    traced.delete_all_unused_submodules()
    traced.recompile()


def scale_queries(traced: fx.GraphModule) -> None:
    """Moves the factor d^-0.5 of a non-local block into the convolution of its queries (theta).

    pytorchvideo applies it to the product of queries and keys, which can exceed the range of fp16.
    """
    for node in list(traced.graph.nodes):
        product, factor = (*node.args, None, None)[:2]
        if node.target is not operator.mul or not isinstance(factor, float):
            continue
        if not isinstance(product, fx.Node) or product.target is not torch.einsum:
            continue
        query = product.all_input_nodes[0].all_input_nodes[0]  # einsum of views of convolutions
        theta = module_of(traced, query)
        if isinstance(theta, nn.Conv3d) and len(query.users) == len(product.users) == 1:
            theta.weight.data.mul_(factor)
            if theta.bias is not None:
                theta.bias.data.mul_(factor)
            node.replace_all_uses_with(product)
            traced.graph.erase_node(node)
    traced.recompile()


def module_of(traced: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """The layer that a node calls; None for a plain operation."""
    return traced.get_submodule(str(node.target)) if node.op == "call_module" else None
