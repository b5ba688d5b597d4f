"""Inception I3D as plain functions on tensors by their public names, padded as TensorFlow pads.

Written from the paper's figure 3 and TensorFlow's rule of "same" padding; it shares no code with
the backbone. Max pools are padded with zeros, as the public PyTorch version does.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

WIDTHS = {  # channels in, then out of b0, b1a, b1b, b2a, b2b, b3b
    "Mixed_3b": (192, 64, 96, 128, 16, 32, 32),
    "Mixed_3c": (256, 128, 128, 192, 32, 96, 64),
    "Mixed_4b": (480, 192, 96, 208, 16, 48, 64),
    "Mixed_4c": (512, 160, 112, 224, 24, 64, 64),
    "Mixed_4d": (512, 128, 128, 256, 24, 64, 64),
    "Mixed_4e": (512, 112, 144, 288, 32, 64, 64),
    "Mixed_4f": (528, 256, 160, 320, 32, 128, 128),
    "Mixed_5b": (832, 256, 160, 320, 32, 128, 128),
    "Mixed_5c": (832, 384, 192, 384, 48, 128, 128),
}


def same(clips: torch.Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> torch.Tensor:
    """Zeros around the last three axes: ceil(size / stride) outputs, the odd zero behind."""
    padding: list[int] = []
    for size, length, step in zip(clips.shape[2:], kernel, stride, strict=True):
        total = max((-(-size // step) - 1) * step + length - size, 0)
        padding = [total // 2, total - total // 2, *padding]
    return F.pad(clips, padding)


def pool(clips: torch.Tensor, kernel: tuple[int, ...], stride: tuple[int, ...]) -> torch.Tensor:
    return F.max_pool3d(same(clips, kernel, stride), kernel, stride)


def unit(state: Mapping[str, torch.Tensor], name: str, clips: torch.Tensor, step: int = 1) -> Any:
    weight = state[f"{name}.conv3d.weight"]
    stride = (step,) * 3
    mapped = F.conv3d(same(clips, tuple(weight.shape[2:]), stride), weight, stride=stride)
    parts = ("running_mean", "running_var", "weight", "bias")
    mean, var, scale, shift = (state[f"{name}.bn.{part}"] for part in parts)
    return F.batch_norm(mapped, mean, var, scale, shift, eps=1e-3).relu()


def mixed(state: Mapping[str, torch.Tensor], name: str, clips: torch.Tensor) -> torch.Tensor:
    branches = [
        unit(state, f"{name}.b0", clips),
        unit(state, f"{name}.b1b", unit(state, f"{name}.b1a", clips)),
        unit(state, f"{name}.b2b", unit(state, f"{name}.b2a", clips)),
        unit(state, f"{name}.b3b", pool(clips, (3, 3, 3), (1, 1, 1))),
    ]
    return torch.cat(branches, 1)


def features(state: Mapping[str, torch.Tensor], clips: torch.Tensor) -> torch.Tensor:
    """(clips, 3, 16, 224, 224) in [-1, 1] to (clips, 1024)."""
    x = unit(state, "Conv3d_1a_7x7", clips, step=2)
    x = unit(state, "Conv3d_2b_1x1", pool(x, (1, 3, 3), (1, 2, 2)))
    x = pool(unit(state, "Conv3d_2c_3x3", x), (1, 3, 3), (1, 2, 2))
    for name in WIDTHS:
        if name == "Mixed_4b":
            x = pool(x, (3, 3, 3), (2, 2, 2))
        if name == "Mixed_5b":
            x = pool(x, (2, 2, 2), (2, 2, 2))
        x = mixed(state, name, x)
    return F.avg_pool3d(x, (2, 7, 7), stride=1)[:, :, 0, 0, 0]


def random_state() -> dict[str, torch.Tensor]:
    """Random tensors of `rgb_imagenet.pt`'s names and shapes, the classifier among them."""
    state: dict[str, torch.Tensor] = {}

    def add(name: str, in_dim: int, out_dim: int, kernel: int) -> None:
        shape = (out_dim, in_dim, kernel, kernel, kernel)
        state[f"{name}.conv3d.weight"] = torch.randn(shape) * (2 / (in_dim * kernel**3)) ** 0.5
        state[f"{name}.bn.weight"] = torch.rand(out_dim) * 0.5 + 0.75
        state[f"{name}.bn.bias"] = torch.rand(out_dim) * 0.2 - 0.1
        state[f"{name}.bn.running_mean"] = torch.rand(out_dim) * 0.2 - 0.1
        state[f"{name}.bn.running_var"] = torch.rand(out_dim) * 0.4 + 0.8

    add("Conv3d_1a_7x7", 3, 64, 7)
    add("Conv3d_2b_1x1", 64, 64, 1)
    add("Conv3d_2c_3x3", 64, 192, 3)
    for name, (dim, b0, b1a, b1b, b2a, b2b, b3b) in WIDTHS.items():
        add(f"{name}.b0", dim, b0, 1)
        add(f"{name}.b1a", dim, b1a, 1)
        add(f"{name}.b1b", b1a, b1b, 3)
        add(f"{name}.b2a", dim, b2a, 1)
        add(f"{name}.b2b", b2a, b2b, 3)
        add(f"{name}.b3b", dim, b3b, 1)
    state["logits.conv3d.weight"] = torch.randn(400, 1024, 1, 1, 1)
    state["logits.conv3d.bias"] = torch.zeros(400)
    return state


class PlainInception(nn.Module):
    """The functions above with random tensors, in the form of a library's network."""

    def __init__(self) -> None:
        super().__init__()
        self.tensors = random_state()

    def state_dict(self, *_args: Any, **_named: Any) -> Any:
        """The tensors by their public names."""
        return self.tensors

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return features(self.tensors, clips)
