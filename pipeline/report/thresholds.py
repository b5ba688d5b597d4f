"""Choose the score threshold of a run from its unlabelled scores."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadScores

BINS = 1 << 16
"""Histogram bins over [0, 1], each 1.5e-5 wide; memory does not grow with the run."""
SEPARATE = 0.75
"""Fraction of the variance that the best cut explains for a uniform distribution.

Scores above it form two groups. A Gaussian gives 0.64, an exponential distribution 0.65."""
MAD_TO_STD = 1.4826
"""Ratio of the standard deviation of a Gaussian to its median absolute deviation."""
OUTLIER_STDS = 3.0
FLAGGED_FRACTIONS = (0.01, 0.05)
"""Least and most footage above the threshold when the scores do not form two groups."""


@dataclass(frozen=True)
class Threshold:
    """A threshold and the rule that chose it."""

    value: float
    """Frames with a score above this are anomalous; in [0, 1]."""
    background: float
    """Median score over all frames of the run; in [0, 1]."""
    rule: str
    """Description of how the value was chosen."""


def count_scores(tracks: Iterable[NDArray[np.float32]]) -> NDArray[np.int64]:
    """Histogram of the scores of all videos over [0, 1], with one video in memory at a time.

    Args:
        tracks: one float32 (frames,) array per video, in [0, 1].

    Returns:
        (BINS,) frames in each bin.

    Raises:
        BadScores: a score is not finite or not in [0, 1].
    """
    counts = np.zeros(BINS, dtype=np.int64)
    for scores in tracks:
        if scores.size and not (scores.min() >= 0 and scores.max() <= 1):
            raise BadScores(
                f"scores from {scores.min()} to {scores.max()} must all be in [0, 1]; score again"
            )
        bins = np.minimum((scores * np.float32(BINS)).astype(np.int64), BINS - 1)
        counts += np.bincount(bins, minlength=BINS)
    return counts


def choose_threshold(
    counts: NDArray[np.int64], *, value: float | None = None, quantile: float | None = None
) -> Threshold:
    """Choose the score above which frames become events.

    A given `value` is used unchanged, and a `quantile` is taken over all frames of the run.
    Otherwise:

    1. If the scores form two groups, the threshold is halfway between the group means. They do if
       the best cut explains more than 75 % of the variance, as it would for a uniform distribution.
       Source: Otsu, A threshold selection method from gray-level histograms, IEEE SMC 9, 1979.
    2. Otherwise it is the median plus 3 robust standard deviations (1.4826 median absolute
       deviations), adjusted so that 1 % to 5 % of the footage is above it.
       Source: Hampel, The influence curve and its role in robust estimation, JASA 69, 1974.

    Frames count equally, so long videos weigh more than short ones. If all scores are equal,
    nothing is above the threshold.

    Args:
        counts: (BINS,) from `count_scores`.
        value: the threshold itself, in [0, 1].
        quantile: fraction of frames at or below the threshold, in [0, 1].
    """
    background = quantile_of(counts, 0.5)
    if value is not None:
        return Threshold(value, background, "given")
    if quantile is not None:
        return Threshold(
            quantile_of(counts, quantile), background, f"quantile {quantile:g} of all frames"
        )
    cut, explained = otsu(counts)
    if explained > SEPARATE:
        rule = f"halfway between two groups of scores (Otsu, {explained:.0%} of the variance)"
        return Threshold(cut, background, rule)
    least, most = FLAGGED_FRACTIONS
    outlying = background + OUTLIER_STDS * MAD_TO_STD * median_deviation(counts)
    low, high = quantile_of(counts, 1 - most), quantile_of(counts, 1 - least)
    rule = "median + 3 robust standard deviations, between 1 % and 5 % of the footage above it"
    return Threshold(min(max(outlying, low), high), background, rule)


def quantile_of(counts: NDArray[np.int64], share: float) -> float:
    """The lowest bin edge with at least `share` of the frames below it; 1.0 if there are no frames.

    Args:
        counts: (BINS,) frames per bin of scores in [0, 1].
        share: fraction of the frames, in [0, 1].
    """
    cumulative = np.cumsum(counts)
    if cumulative[-1] == 0:
        return 1.0
    # Tolerate rounding: 0.95 of 20 frames is 19 frames, not 19.000000000000004.
    needed = max(1.0, share * float(cumulative[-1]) - 1e-6)
    return float(np.searchsorted(cumulative, needed) + 1) / BINS


def median_deviation(counts: NDArray[np.int64]) -> float:
    """Median absolute deviation of binned scores from their median; `counts` is (BINS,) frames."""
    edges = np.arange(1, BINS + 1) / BINS
    deviations = np.abs(edges - quantile_of(counts, 0.5))
    order = np.argsort(deviations, kind="stable")
    cumulative = np.cumsum(counts[order])
    half = np.searchsorted(cumulative, cumulative[-1] / 2)
    return float(deviations[order[min(half, BINS - 1)]])


def otsu(counts: NDArray[np.int64]) -> tuple[float, float]:
    """The midpoint of the means of the best two groups, and the fraction of variance they explain.

    `counts` is (BINS,) frames per bin. If all scores are equal, the fraction is 0.
    """
    occupied = np.flatnonzero(counts)
    centres, weights = (occupied + 0.5) / BINS, counts[occupied] / max(1, counts.sum())
    if len(occupied) < 2:
        return 1.0, 0.0
    mean = float(weights @ centres)
    below = np.cumsum(weights)[:-1]
    sums = np.cumsum(weights * centres)[:-1]
    between = (mean * below - sums) ** 2 / (below * (1 - below))
    best = int(np.argmax(between))
    low_mean, high_mean = sums[best] / below[best], (mean - sums[best]) / (1 - below[best])
    total = float(weights @ (centres - mean) ** 2)
    return float(low_mean + high_mean) / 2, float(between[best]) / total
