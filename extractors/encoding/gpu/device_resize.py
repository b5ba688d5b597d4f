"""Pillow's resize of uint8 frames as integer tensor operations: equal to the bit on any device.

Pillow weights the pixels under a kernel with integers of 22 fractional bits, along one axis and
then along the other, and rounds to uint8 after each.

Source: Pillow's Resample.c (precompute_coeffs, normalize_coeffs_8bpc, clip8).
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from PIL import Image

from c2fpl.extractors.decoding.resizing import KERNELS, PendingResize
from c2fpl.extractors.settings import Interpolation

logger = logging.getLogger(__name__)

FRACTION_BITS = 22
ROWS, COLUMNS = 1, 2
"""Axes of frames (frames, height, width, 3)."""
PROBE_PIXELS = 4096
"""Resized pixels at least by which two orders are told apart; most are equal."""
SIZES_KEPT = 64
"""Pairs of input and output sizes whose weights stay on the device."""


def triangle(x: float) -> float:
    """Weight at a distance of x pixels: bilinear."""
    return max(0.0, 1.0 - abs(x))


def cubic(x: float) -> float:
    """Weight at a distance of x pixels: Keys' cubic with a = -0.5."""
    x = abs(x)
    if x < 1:
        return (1.5 * x - 2.5) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * -0.5 if x < 2 else 0.0


def lanczos(x: float) -> float:
    """Weight at a distance of x pixels: sinc times a sinc three times as wide."""
    return sinc(x) * sinc(x / 3) if -3 <= x < 3 else 0.0


def sinc(x: float) -> float:
    """sin(pi x) / (pi x)."""
    return 1.0 if x == 0 else math.sin(math.pi * x) / (math.pi * x)


WEIGHTS: dict[Interpolation, tuple[float, Callable[[float], float]]] = {
    "bilinear": (1.0, triangle),
    "cubic": (2.0, cubic),
    "lanczos": (3.0, lanczos),
}
"""Reach in pixels, and weights by distance."""


@dataclass(frozen=True)
class Pass:
    """A resize along one axis: which pixels make up each output pixel, and their weights."""

    axis: int
    """ROWS or COLUMNS."""
    indices: torch.Tensor
    """int64 (taps, pixels)."""
    weights: torch.Tensor
    """int32 (taps, pixels); zero for pixels with fewer taps."""
    may_exceed: bool
    """Whether weights are negative, so that sums may exceed 0..255."""

    def on(self, device: torch.device) -> "Pass":
        """The same pass on another device."""
        return replace(self, indices=self.indices.to(device), weights=self.weights.to(device))


class DeviceResize:
    """Resizes frames on one device, which keeps the weights of the sizes seen last."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._passes = lru_cache(SIZES_KEPT)(self._find_passes)

    def __call__(self, frames: torch.Tensor, pending: PendingResize) -> torch.Tensor:
        """Frames uint8 (frames, height, width, 3) on the device, resized."""
        passes = self._passes(frames.shape[1], frames.shape[2], pending)
        if passes is None:
            return by_pillow(frames.cpu(), pending).to(self._device)
        return resized(frames, passes)

    def _find_passes(
        self, height_pixels: int, width_pixels: int, pending: PendingResize
    ) -> tuple[Pass, ...] | None:
        passes = passes_of_pillow(height_pixels, width_pixels, pending)
        if passes is None:
            logger.warning("this version of Pillow resizes in a new way: resizing on the CPU")
            return None
        return tuple(each.on(self._device) for each in passes)


def passes_of_pillow(
    height_pixels: int, width_pixels: int, pending: PendingResize
) -> list[Pass] | None:
    """The passes in the order of the installed Pillow; None if no order gives its result.

    Until version 12 it resized along rows first. Version 13 begins with columns where the height
    shrinks much more than the width. So both orders are tried on noise.
    """
    sides = (
        (COLUMNS, width_pixels, pending.width_pixels),
        (ROWS, height_pixels, pending.height_pixels),
    )
    passes = [pass_along(*side, pending.interpolation) for side in sides if side[1] != side[2]]
    generator = torch.Generator().manual_seed(0)
    count = 1 + PROBE_PIXELS // (pending.width_pixels * pending.height_pixels)
    shape = (count, height_pixels, width_pixels, 3)
    noise = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    expected = by_pillow(noise, pending)
    for order in (passes, passes[::-1]):
        if torch.equal(resized(noise, order), expected):
            return order
    return None


def by_pillow(frames: torch.Tensor, pending: PendingResize) -> torch.Tensor:
    """Frames uint8 (frames, height, width, 3) on the CPU, resized by Pillow."""
    size, kernel = (pending.width_pixels, pending.height_pixels), KERNELS[pending.interpolation]
    images = (Image.fromarray(frame) for frame in frames.numpy())
    return torch.from_numpy(np.stack([np.asarray(image.resize(size, kernel)) for image in images]))


def resized(frames: torch.Tensor, passes: Sequence[Pass]) -> torch.Tensor:
    """Frames uint8 (frames, height, width, 3) after all passes."""
    for each in passes:
        frames = resized_along(frames, each)
    return frames


def resized_along(frames: torch.Tensor, one: Pass) -> torch.Tensor:
    """Weighted sums of the pixels of uint8 frames (frames, height, width, 3) along an axis.

    The result is rounded to uint8; its size along the axis is the new one.

    The sums are one operation per tap, because memory traffic limits the speed.
    """
    shape = list(frames.shape)
    shape[one.axis] = one.weights.shape[1]
    half = 1 << (FRACTION_BITS - 1)
    total = torch.full(shape, half, dtype=torch.int32, device=frames.device)
    across = [-1 if number == one.axis else 1 for number in range(frames.ndim)]
    for index, weight in zip(one.indices, one.weights, strict=True):
        total.addcmul_(frames.index_select(one.axis, index), weight.view(across))
    if one.may_exceed:
        total.clamp_(0, (256 << FRACTION_BITS) - 1)
    rounded = torch.empty(shape, dtype=torch.uint8, device=frames.device)
    return torch.bitwise_right_shift(total, FRACTION_BITS, out=rounded)


def pass_along(axis: int, pixels_in: int, pixels_out: int, interpolation: Interpolation) -> Pass:
    """The pass along one axis, on the CPU."""
    rows = [pixel_weights(pixels_in, pixels_out, out, interpolation) for out in range(pixels_out)]
    taps = max(len(weights) for _, weights in rows)
    indices = [[min(first + tap, pixels_in - 1) for first, _ in rows] for tap in range(taps)]
    weights = [[*weights, *[0] * (taps - len(weights))] for _, weights in rows]
    by_tap = torch.tensor(weights, dtype=torch.int32).t().contiguous()
    return Pass(axis, torch.tensor(indices), by_tap, may_exceed=bool(by_tap.min() < 0))


def pixel_weights(
    pixels_in: int, pixels_out: int, out: int, interpolation: Interpolation
) -> tuple[int, list[int]]:
    """The first input pixel of output pixel `out`, and the integer weights from there on."""
    reach, kernel = WEIGHTS[interpolation]
    scale = pixels_in / pixels_out
    widening = max(scale, 1.0)
    centre, support = (out + 0.5) * scale, reach * widening
    first = max(0, int(centre - support + 0.5))
    end = min(pixels_in, int(centre + support + 0.5))
    weights = [kernel((pixel - centre + 0.5) * (1 / widening)) for pixel in range(first, end)]
    total = sum(weights)
    shares = [weight / total if total else weight for weight in weights]
    ones = 1 << FRACTION_BITS
    return first, [int(share * ones + (0.5 if share >= 0 else -0.5)) for share in shares]
