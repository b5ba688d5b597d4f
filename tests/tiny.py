"""A network of two convolutions, to test every mechanism of the encoders at no cost."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from c2fpl.extractors.backbones.catalogue import MC3_18, Backbone
from c2fpl.extractors.encoding.cpu_encoder import CpuEncoder
from c2fpl.extractors.encoding.network import fast_form
from c2fpl.extractors.settings import Crops
from plain import with_lively_norms

Frames: TypeAlias = NDArray[np.uint8]
Features: TypeAlias = NDArray[np.float32]


class TinyNetwork(nn.Module):
    """Two convolutions and a mean: every mechanism of the encoders at no cost."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(3, 8, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm3d(8)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv3d(8, 12, (1, 3, 3), stride=(1, 2, 2))
        self.pool = nn.AdaptiveAvgPool3d(1)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        last = self.conv2(self.relu(self.norm1(self.conv1(clips))))
        features: torch.Tensor = self.pool(last).flatten(1)
        return features


TINY = replace(
    MC3_18, build=TinyNetwork, dim=12, clip_frames=7, crop_pixels=16, short_side_pixels=20
)


def tiny_network() -> nn.Module:
    """The same random weights every time."""
    torch.manual_seed(0)
    return with_lively_norms(TinyNetwork(), seed=0).eval()


def cpu_encoder(
    network: nn.Module, backbone: Backbone = TINY, *, crops: Crops = 10, bgr: bool = False
) -> CpuEncoder:
    fast = fast_form(with_copied_weights(network), backbone, torch.float32, bgr=bgr)
    return CpuEncoder(
        fast,
        backbone,
        crops,
        precision="fp32",
        weights_sha256="",
        threads=2,
        segments_per_batch=4,
    )


def with_copied_weights(network: nn.Module) -> nn.Module:
    copied = TinyNetwork()
    copied.load_state_dict(network.state_dict())
    return copied


def segments_of(
    count: int, sizes: Sequence[tuple[int, int]] = ((20, 27),), seed: int = 0
) -> list[Frames]:
    rng = np.random.default_rng(seed)
    shapes = itertools.islice(itertools.cycle(sizes), count)
    return [rng.integers(0, 256, (16, *size, 3), dtype=np.uint8) for size in shapes]
