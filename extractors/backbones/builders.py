"""Builds the networks with random weights and without their classifiers.

i3d and x3d come from pytorchvideo, r2plus1d and mc3 from torchvision, CLIP from open_clip. No
library has Inception I3D; it is in inception.py. The libraries are imported only when a network is
built, because pytorchvideo alone takes 5 s to import.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import torch
    from torch import nn

Untyped: TypeAlias = Any
"""A network from a library without type annotations."""

I3D_TEMPORAL_KERNELS = (  # of each stage's conv_a: pytorchvideo/models/hub/resnet.py, i3d_r50
    (3, 1, 1),
    [(3, 1, 1), (1, 1, 1)],
    [(3, 1, 1), (1, 1, 1)],
    [(1, 1, 1), (3, 1, 1)],
)


def build_i3d() -> "nn.Module":
    """Pytorchvideo's i3d_r50: 2048 features, the mean of the last stage over time and space."""
    from pytorchvideo.models.hub import i3d_r50

    return global_mean(i3d_r50(pretrained=False))


def build_i3d_nonlocal_net() -> "nn.Module":
    """i3d_r50 with the strides of video-nonlocal-net: 16 frames become 8, 4, then 2."""
    from pytorchvideo.models.resnet import create_resnet
    from torch import nn

    network = create_resnet(
        stem_conv_kernel_size=(5, 7, 7),
        stem_conv_stride=(2, 2, 2),
        stem_pool_kernel_size=(2, 3, 3),
        stem_pool_stride=(2, 2, 2),
        stage1_pool=nn.MaxPool3d,
        stage_conv_a_kernel_size=I3D_TEMPORAL_KERNELS,
    )
    network.blocks[0].pool.padding = (0, 0, 0)
    return global_mean(network)


def build_i3d_nonlocal_net_with_blocks() -> "nn.Module":
    """The same with five non-local blocks: after blocks 1 and 3 of res3, and 1, 3, 5 of res4."""
    from pytorchvideo.layers.nonlocal_net import create_nonlocal
    from torch import nn

    network: Untyped = build_i3d_nonlocal_net()
    for stage, dim in ((3, 512), (4, 1024)):  # block 2 of the network is the temporal pool
        for block in network.blocks[stage].res_blocks[1::2]:
            nonlocal_block = create_nonlocal(dim_in=dim, dim_inner=dim // 2, pool_size=(1, 2, 2))
            block.activation = nn.Sequential(block.activation, nonlocal_block)
    return as_module(network)


def nonlocal_net_names(state: Mapping[str, "torch.Tensor"]) -> dict[str, "torch.Tensor"]:
    """Renames the PyTorch conversion of video-nonlocal-net to the builder's names."""
    from c2fpl.extractors.backbones.caffe2 import to_builder_names

    return to_builder_names(state)


def build_i3d_inception() -> "nn.Module":
    """Inception I3D: 1024 features, the mean of the last stage."""
    from c2fpl.extractors.backbones.inception import inception_i3d

    return inception_i3d()


def build_x3d_s() -> "nn.Module":
    """Pytorchvideo's x3d_s: 2048 features, pooled and projected, before the classifier."""
    from pytorchvideo.models.hub import x3d_s

    return global_projected_mean(x3d_s(pretrained=False))


def build_x3d_m() -> "nn.Module":
    """Pytorchvideo's x3d_m: 2048 features, as for x3d_s."""
    from pytorchvideo.models.hub import x3d_m

    return global_projected_mean(x3d_m(pretrained=False))


def build_r2plus1d_18() -> "nn.Module":
    """Torchvision's r2plus1d_18: 512 features, the mean of the last stage."""
    from torch import nn
    from torchvision.models.video import r2plus1d_18

    network = r2plus1d_18(weights=None)
    network.fc = nn.Identity()
    return as_module(network)


def build_mc3_18() -> "nn.Module":
    """Torchvision's mc3_18: 512 features, the mean of the last stage."""
    from torch import nn
    from torchvision.models.video import mc3_18

    network = mc3_18(weights=None)
    network.fc = nn.Identity()
    return as_module(network)


def build_clip_vit_b_16() -> "nn.Module":
    """open_clip's ViT-B/16 image encoder: 512 projected features."""
    from c2fpl.extractors.backbones.clip import ClipImageEncoder

    return ClipImageEncoder()


def clip_names(state: Mapping[str, "torch.Tensor"]) -> dict[str, "torch.Tensor"]:
    """Renames the tensors of OpenAI, open_clip and Hugging Face to the encoder's names."""
    from c2fpl.extractors.backbones.clip import to_encoder_names

    return to_encoder_names(state)


def global_mean(network: Untyped) -> "nn.Module":
    """The network up to the mean of its last stage.

    pytorchvideo pools windows of (4, 7, 7), which are five overlapping ones at 16 frames. A global
    mean replaces them.
    """
    from torch import nn

    network.blocks[-1].pool = nn.AdaptiveAvgPool3d(1)
    return without_classifier(network)


def global_projected_mean(network: Untyped) -> "nn.Module":
    """As `global_mean`, for x3d: its pool is between two projections and covers the whole map."""
    from torch import nn

    network.blocks[-1].pool.pool = nn.AdaptiveAvgPool3d(1)
    return without_classifier(network)


def without_classifier(network: Untyped) -> "nn.Module":
    """A pytorchvideo network whose head only pools; gives (clips, dim)."""
    from torch import nn

    head = network.blocks[-1]
    head.proj, head.dropout, head.activation = nn.Identity(), None, None
    return as_module(network)


def as_module(network: object) -> "nn.Module":
    """The network, typed as an nn.Module."""
    from torch import nn

    assert isinstance(network, nn.Module)
    return network
