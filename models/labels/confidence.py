"""A confidence for the labels of `refined`: how far the features are from noise.

It is the product of two numbers that read no annotation:

- agreement: the dimensions of the features are divided at random into two halves. In footage, both
  change at the same times; in noise, at different ones.
- order: neighbours in time are more alike than other segments of their video. In noise, or with
  segments in random order, they are not.

docs/methods.md reports how it separates noise from footage, and what it says about the AUC.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from c2fpl.models.chunks import blocks
from c2fpl.models.labels.change import Array, Videos, larger_side

Level = Literal["weak", "passed"]

_DIVISIONS = 4
_PIECE = 64  # segments that are compared with each other
_FEWEST = 3  # segments of a piece in which neighbours are not all
LEAST_SIGNAL = 0.1
"""Between the highest signal of noise, 0.06, and the lowest of eight real sets, 0.16
(docs/methods.md)."""


@dataclass(frozen=True)
class Confidence:
    """How far the features of some videos are from noise."""

    agreement: float
    """Correlation within videos, in [-1, 1], of the change of one half of the dimensions with that
    of the other."""
    order: float
    """1 - distance between neighbours / distance between all pairs, mean over pieces; at most 1."""

    @property
    def signal(self) -> float:
        """Product of both, in [0, 1]."""
        return max(self.agreement, 0.0) * max(self.order, 0.0)

    @property
    def level(self) -> Level:
        """`passed` from 0.1 on: it tells footage from noise, not how good scores are."""
        return "passed" if self.signal >= LEAST_SIGNAL else "weak"

    def __str__(self) -> str:
        """One line for people."""
        line = (
            f"noise check: {self.level} (signal {self.signal:.2f}; at least {LEAST_SIGNAL} passes)"
        )
        if self.level == "weak":
            return f"{line}: do not trust the scores; add videos or try another backbone"
        return line

    def as_json(self) -> dict[str, object]:
        """Content for labels.json and run.json."""
        numbers = {"signal": self.signal, "agreement": self.agreement, "order": self.order}
        return {
            "level": self.level,
            **{name: round(value, 4) for name, value in numbers.items()},
            "line": str(self),
        }


def measure_confidence(videos: Videos) -> Confidence:
    """Measures all videos, each read once. The result does not depend on their order.

    Args:
        videos: crop means of each video as (segments, dim) chunks in order of time.
    """
    halves: list[tuple[Array, Array]] = []
    orders: list[float] = []
    for video in videos:
        steps: list[Array] = []
        before: Array | None = None
        for block in blocks(video, _PIECE):
            rows = block.astype(np.float64)
            joined = rows if before is None else np.concatenate((before, rows))
            steps.append(_steps_of_halves(joined))
            before = rows[-1:]
            if len(rows) >= _FEWEST:
                orders.append(_order(rows))
        of_video = np.concatenate(steps)
        if len(of_video):
            halves.append((_changes(of_video[..., 0]), _changes(of_video[..., 1])))
    order = math.fsum(orders) / len(orders) if orders else 0.0
    return Confidence(_agreement(halves) if halves else 0.0, order)


def _steps_of_halves(rows: Array) -> Array:
    """(rows - 1, divisions, 2) distances between neighbours, in both halves of the dimensions."""
    dim = rows.shape[1]
    drawn = np.random.default_rng(0)
    first = np.stack([drawn.permutation(dim) < dim // 2 for _ in range(_DIVISIONS)], axis=1)
    squares = np.diff(rows, axis=0) ** 2
    steps: Array = np.sqrt(np.stack((squares @ first, squares @ ~first), axis=2))
    return steps


def _changes(steps: Array) -> Array:
    """(segments, divisions) change from (segments - 1, divisions) steps."""
    return np.stack([larger_side(column) for column in steps.T], axis=1)


def _order(rows: Array) -> float:
    """1 - mean distance between neighbours / mean distance between all pairs; 0 if all are equal.

    Args:
        rows: (n, dim) consecutive segments.
    """
    values = rows - rows.mean(axis=0)  # small, so that the squares below do not cancel
    squares = (values**2).sum(axis=1)
    squared = squares[:, None] + squares - 2 * values @ values.T
    between = np.sqrt(np.maximum(squared, 0)).sum() / (len(rows) * (len(rows) - 1))
    near = float(np.linalg.norm(np.diff(rows, axis=0), axis=1).mean())
    return 1 - near / float(between) if between > 0 else 0.0


def _agreement(halves: Sequence[tuple[Array, Array]]) -> float:
    """Mean over divisions of the correlation of normal scores within videos."""
    ends = np.cumsum([len(one) for one, _ in halves])[:-1]
    first, second = (
        [part - part.mean(axis=0) for part in np.split(_normal(column), ends)]
        for column in zip(*halves, strict=True)
    )
    both, one, other = (
        _sum_over_videos(products)
        for products in (
            ((a * b).sum(axis=0) for a, b in zip(first, second, strict=True)),
            ((a * a).sum(axis=0) for a in first),
            ((b * b).sum(axis=0) for b in second),
        )
    )
    spread = np.sqrt(one * other)
    return float(np.mean(np.divide(both, spread, out=np.zeros_like(both), where=spread > 0)))


def _normal(parts: Sequence[Array]) -> Array:
    """(all segments, divisions) normal scores of each column over all segments."""
    values = np.concatenate(list(parts))
    scores: Array = ndtri(rankdata(values, axis=0) / (len(values) + 1))
    return scores


def _sum_over_videos(parts: Iterable[NDArray[Any]]) -> Array:
    """(divisions,) sums, exact and therefore the same in any order of the videos."""
    return np.array([math.fsum(column) for column in zip(*parts, strict=True)])
