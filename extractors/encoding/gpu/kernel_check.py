"""Checks at the start that a GPU computes a network rightly: one clip against float32.

Some versions of cuDNN give wrong values without an error, for certain sizes of 3D convolutions.
The check therefore fills a batch of the size that will be used, and compares every row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from c2fpl.extractors.backbones.catalogue import Backbone
from c2fpl.extractors.encoding.network import IntegerPixels

MAX_ERRORS = {"fp32": 1e-3, "fp16": 0.05, "bf16": 0.2}
"""Largest relative L2 error by precision. Right kernels stay five times below it, even with random
weights (docs/performance.md); wrong ones are off by about one."""
COARSE_PIXELS = 28
"""The test clip is noise of this size, enlarged: smooth like a video."""


@dataclass(frozen=True)
class KernelCheck:
    """Outcome of the check of one form of a network."""

    form: str
    """`2D` (folded, with fused kernels) or `3D`."""
    clips: int
    """Clips of a batch."""
    error: float
    """Largest relative L2 error of a row against float32; infinite if it is not a number."""
    ms_per_clip: float
    """Milliseconds a clip, in batches."""
    fp32_ms_per_clip: float
    """Milliseconds of the one clip in float32."""

    @property
    def is_slow(self) -> bool:
        """Whether low precision takes longer than float32, as where cuDNN has no kernel for it."""
        return self.ms_per_clip > self.fp32_ms_per_clip


def check_frames(backbone: Backbone) -> torch.Tensor:
    """The frames of the test clip: uint8 (frames, pixels, pixels, 3), always the same."""
    shape = (backbone.clip_frames, 3, COARSE_PIXELS, COARSE_PIXELS)
    noise = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(0)).float()
    side = backbone.crop_pixels
    frames = F.interpolate(noise, size=(side, side), mode="bilinear")
    return frames.permute(0, 2, 3, 1).round().byte().contiguous()


def relative_error(rows: torch.Tensor, expected: torch.Tensor) -> float:
    """Largest L2 norm of a row's difference to `expected` (dim,) over the norm of `expected`."""
    differences = (rows.double() - expected.double()).norm(dim=1)
    error = float((differences / expected.double().norm()).max())
    return error if error == error else float("inf")


def refusal(failed: Sequence[KernelCheck], precision: str, cudnn: object) -> str:
    """One line on checks that all failed."""
    found = ", ".join(f"{check.form}: {check.error:.1%}" for check in failed)
    others = "fp32" if precision == "bf16" else "bf16 or fp32"
    cure = f"use --precision {others}, or " if precision != "fp32" else ""
    return (
        f"{precision} features differ from float32 ({found}; at most {MAX_ERRORS[precision]:.1%} "
        f"is allowed) with cuDNN {cudnn}: {cure}install another version of torch"
    )


def pixels_of(frames: torch.Tensor, backbone: Backbone, dtype: torch.dtype) -> torch.Tensor:
    """The test clip as a batch of one: (1, frames, pixels, pixels, 4)."""
    return IntegerPixels(backbone, dtype, frames.device)(frames)[None]
