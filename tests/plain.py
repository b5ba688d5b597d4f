"""Slow plain references of crops and extraction: one segment, one crop at a time, in float32.

PIL frames, torchvision's TenCrop, tensors on 0..255, normalised, through the library's own network
as its builder gives it. Nothing of c2fpl.extractors but the facts of a backbone is used here.
"""

from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from torchvision.transforms import CenterCrop, FiveCrop, Resize, TenCrop

from c2fpl.extractors.backbones.catalogue import Backbone
from plain_clip import PlainClip
from plain_inception import PlainInception

Untyped: TypeAlias = Any
"""A network of a library without types."""

BACKBONE_KERNELS = (
    (3, 1, 1),
    [(3, 1, 1), (1, 1, 1)],
    [(3, 1, 1), (1, 1, 1)],
    [(1, 1, 1), (3, 1, 1)],
)


def resized(frames: NDArray[np.uint8], short_side_pixels: int) -> NDArray[np.uint8]:
    """Short side as given, aspect kept, bilinear: torchvision's Resize of each PIL frame."""
    resize = Resize(short_side_pixels)
    return np.stack([np.asarray(resize(Image.fromarray(frame))) for frame in frames])


def crops_of(image: Image.Image, pixels: int, crops: int) -> list[Image.Image]:
    """torchvision's crops of one frame."""
    if crops == 1:
        return [CenterCrop(pixels)(image)]
    return list((TenCrop if crops == 10 else FiveCrop)(pixels)(image))


def plain_crops(frames: NDArray[np.uint8], pixels: int, crops: int) -> NDArray[np.uint8]:
    """(crops, frames, pixels, pixels, 3)."""
    by_frame = [crops_of(Image.fromarray(frame), pixels, crops) for frame in frames]
    return np.stack([[np.asarray(crop) for crop in of_frame] for of_frame in by_frame], axis=1)


def plain_features(
    network: nn.Module, backbone: Backbone, frames: NDArray[np.uint8], crops: int
) -> NDArray[np.float32]:
    """(crops, dim) of frames (16, height, width, 3) through a network that gives (1, dim)."""
    spread = np.linspace(0, 15, backbone.clip_frames).astype(int)
    chosen = [8] if backbone.clip_frames == 1 else spread
    mean = np.array(backbone.mean, np.float32) * 255
    std = np.array(backbone.std, np.float32) * 255
    rows = []
    for crop in plain_crops(frames[chosen], backbone.crop_pixels, crops):
        normalised = (crop.astype(np.float32) - mean) / std
        clip = torch.from_numpy(normalised.transpose(3, 0, 1, 2)[None].copy())
        with torch.no_grad():
            rows.append(network(clip)[0].numpy())
    return np.stack(rows)


class PytorchvideoFeatures(nn.Module):
    """A pytorchvideo network run block by block up to its last map, then the plain mean."""

    def __init__(self, network: Untyped) -> None:
        super().__init__()
        self.network = network

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        *body, head = self.network.blocks
        for block in body:
            clips = block(clips)
        if type(head.pool).__name__ == "ProjectedPool":
            clips = head.pool(clips)
        mean: torch.Tensor = clips.mean((2, 3, 4))
        return mean


class TorchvisionFeatures(nn.Module):
    """A torchvision network run stage by stage, then the plain mean."""

    def __init__(self, network: Untyped) -> None:
        super().__init__()
        self.network = network

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        net = self.network
        for stage in (net.stem, net.layer1, net.layer2, net.layer3, net.layer4):
            clips = stage(clips)
        mean: torch.Tensor = clips.mean((2, 3, 4))
        return mean


def library_network(name: str) -> Untyped:
    """The unmodified network of the library, classifier and all; random weights."""
    import torchvision.models.video
    from pytorchvideo.models import hub

    if name == "i3d-inception":
        return PlainInception()
    if name == "clip-vit-b-16":
        return PlainClip()
    if name in ("mc3-18", "r2plus1d-18"):
        return getattr(torchvision.models.video, name.replace("-", "_"))(weights=None)
    if name in ("x3d-s", "x3d-m"):
        return getattr(hub, name.replace("-", "_"))(pretrained=False)
    return hub.i3d_r50(pretrained=False) if name == "i3d" else nonlocal_net()


def nonlocal_net() -> Untyped:
    """pytorchvideo's builder with the strides of video-nonlocal-net (METHOD section 1)."""
    from pytorchvideo.models.resnet import create_resnet

    network = create_resnet(
        stem_conv_kernel_size=(5, 7, 7),
        stem_conv_stride=(2, 2, 2),
        stem_pool_kernel_size=(2, 3, 3),
        stem_pool_stride=(2, 2, 2),
        stage1_pool=nn.MaxPool3d,
        stage_conv_a_kernel_size=BACKBONE_KERNELS,
    )
    network.blocks[0].pool.padding = (0, 0, 0)
    return network


def features_of(network: nn.Module) -> nn.Module:
    """The library network as a map from clips to features."""
    if isinstance(network, PlainInception | PlainClip):
        return network
    form = PytorchvideoFeatures if hasattr(network, "blocks") else TorchvisionFeatures
    return form(network).eval()


def with_lively_norms(network: nn.Module, seed: int) -> nn.Module:
    """Random batch norms, as after training: fresh ones are the identity or zero."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(like: torch.Tensor | None, low: float, high: float) -> torch.Tensor:
        assert like is not None
        return torch.rand(like.shape, generator=generator) * (high - low) + low

    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            module.weight.data = uniform(module.weight, 0.5, 1.0)
            module.bias.data = uniform(module.bias, -0.1, 0.1)
            module.running_mean = uniform(module.running_mean, -0.1, 0.1)
            module.running_var = uniform(module.running_var, 0.8, 1.2)
    return network


def relative_error(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """L2 norm of the difference over the L2 norm of what is expected."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))
