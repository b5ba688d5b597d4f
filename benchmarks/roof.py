"""What the arithmetic of this machine allows: the rate of matrix products, and a network's work."""

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
    """Billions of operations a core-second, a multiplication and its addition being two."""

    float32_gflops: float
    bfloat16_gflops: float


def measured_roof() -> Roof:
    """The rate of large matrix products on all cores."""
    return Roof(product_gflops(torch.float32), product_gflops(torch.bfloat16))


def product_gflops(dtype: torch.dtype) -> float:
    """Of one type, in billions of operations a core-second, after a warm-up."""
    torch.manual_seed(0)
    left, right = torch.randn(2, MATRIX_SIDE, MATRIX_SIDE).to(dtype)
    left @ right
    start = time.process_time()
    for _ in range(REPEATS):
        left @ right
    return REPEATS * 2 * MATRIX_SIDE**3 / (time.process_time() - start) / 1e9


def segment_gflop(backbone: Backbone) -> float:
    """Billions of operations of the builder's network on ten crops of a segment."""
    side = backbone.crop_pixels
    network = backbone.build().to("meta").eval()
    with FlopCounterMode(display=False) as counter:
        network(torch.empty(1, 3, backbone.clip_frames, side, side, device="meta"))
    return CROPS * counter.get_total_flops() / 1e9


def told(roof: Roof, gflop: float) -> str:
    """One line: the fewest core-seconds in which plain arithmetic does a segment here."""
    return (
        f"Matrix products run at {roof.float32_gflops:.0f} GFLOP/s a core in float32 and"
        f" {roof.bfloat16_gflops:.0f} in bfloat16 here; ten crops are {gflop:.0f} GFLOP, at those"
        f" rates {gflop / roof.float32_gflops:.3g} and {gflop / roof.bfloat16_gflops:.3g} core-s."
    )
