"""Measure the arithmetic limit: the rate of matrix products and the operations of a network."""

import time
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from c2fpl.extractors.backbones.catalogue import Backbone

MATRIX_SIDE = 2048
REPEATS = 10
CROPS = 10


@dataclass(frozen=True)
class Roof:
    """GFLOP per core-second; a multiply-add counts as two operations."""

    float32_gflops: float
    bfloat16_gflops: float


def measured_roof() -> Roof:
    """Measure the rate of large matrix products on all cores."""
    return Roof(product_gflops(torch.float32), product_gflops(torch.bfloat16))


def product_gflops(dtype: torch.dtype) -> float:
    """Rate of matrix products of one dtype in GFLOP per core-second, after a warm-up."""
    torch.manual_seed(0)
    left, right = torch.randn(2, MATRIX_SIDE, MATRIX_SIDE).to(dtype)
    left @ right
    start = time.process_time()
    for _ in range(REPEATS):
        left @ right
    return REPEATS * 2 * MATRIX_SIDE**3 / (time.process_time() - start) / 1e9


def segment_gflop(backbone: Backbone) -> float:
    """GFLOP of the unmodified network for ten crops of a segment."""
    side = backbone.crop_pixels
    network = backbone.build().to("meta").eval()
    with FlopCounterMode(display=False) as counter:
        network(torch.empty(1, 3, backbone.clip_frames, side, side, device="meta"))
    return CROPS * counter.get_total_flops() / 1e9


def summary(roof: Roof, gflop: float) -> str:
    """One line with the fewest core-seconds that a segment needs at these rates."""
    return (
        f"Matrix products run at {roof.float32_gflops:.0f} GFLOP/s per core in float32 and"
        f" {roof.bfloat16_gflops:.0f} in bfloat16. Ten crops are {gflop:.0f} GFLOP: at these"
        f" rates {gflop / roof.float32_gflops:.3g} and {gflop / roof.bfloat16_gflops:.3g} core-s."
    )
