"""Builds networks of other libraries, with random weights and without their classifiers.

The libraries are imported when a network is built, because pytorchvideo takes 5 s to import.
"""

from typing import Any, TypeAlias

from torch import nn

Untyped: TypeAlias = Any
"""A network from a library without type annotations."""

I3D_TEMPORAL_KERNELS = (  # of each stage's conv_a: pytorchvideo/models/hub/resnet.py, i3d_r50
    (3, 1, 1),
    [(3, 1, 1), (1, 1, 1)],
    [(3, 1, 1), (1, 1, 1)],
    [(1, 1, 1), (3, 1, 1)],
)


def build_i3d() -> nn.Module:
    """Pytorchvideo's i3d_r50: 2048 features, the mean of the last stage over time and space."""
    from pytorchvideo.models.hub import i3d_r50

    return global_mean(i3d_r50(pretrained=False))


def build_i3d_nonlocal_net() -> nn.Module:
    """i3d_r50 with the strides of video-nonlocal-net: 16 frames become 8, 4, then 2."""
    from pytorchvideo.models.resnet import create_resnet

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


def build_i3d_nonlocal_net_with_blocks() -> nn.Module:
    """The same with five non-local blocks: after blocks 1 and 3 of res3, and 1, 3, 5 of res4."""
    from pytorchvideo.layers.nonlocal_net import create_nonlocal

    network: Untyped = build_i3d_nonlocal_net()
    for stage, dim in ((3, 512), (4, 1024)):  # block 2 of the network is the temporal pool
        for block in network.blocks[stage].res_blocks[1::2]:
            nonlocal_block = create_nonlocal(dim_in=dim, dim_inner=dim // 2, pool_size=(1, 2, 2))
            block.activation = nn.Sequential(block.activation, nonlocal_block)
    return as_module(network)


def build_x3d(name: str) -> nn.Module:
    """Pytorchvideo's x3d_s or x3d_m: 2048 features, pooled and projected.

    The pool, which is between two projections, covers the whole map.
    """
    from pytorchvideo.models import hub

    network = getattr(hub, name)(pretrained=False)
    network.blocks[-1].pool.pool = nn.AdaptiveAvgPool3d(1)
    return without_classifier(network)


def build_torchvision(name: str) -> nn.Module:
    """Torchvision's r2plus1d_18 or mc3_18: 512 features, the mean of the last stage."""
    from torchvision.models import video

    network = getattr(video, name)(weights=None)
    network.fc = nn.Identity()
    return as_module(network)


def global_mean(network: Untyped) -> nn.Module:
    """The network up to the mean of its last stage.

    pytorchvideo pools windows of (4, 7, 7), which are five overlapping ones at 16 frames. A global
    mean replaces them.
    """
    network.blocks[-1].pool = nn.AdaptiveAvgPool3d(1)
    return without_classifier(network)


def without_classifier(network: Untyped) -> nn.Module:
    """A pytorchvideo network whose head only pools; gives (clips, dim)."""
    head = network.blocks[-1]
    head.proj, head.dropout, head.activation = nn.Identity(), None, None
    return as_module(network)


def as_module(network: object) -> nn.Module:
    """The network, typed as an nn.Module."""
    assert isinstance(network, nn.Module)
    return network
