"""Above which score a frame is worth looking at, chosen from the scores of a run without labels."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 1 << 16
"""Scores in [0, 1] are counted this finely: 1.5e-5 apart, whatever the length of the run."""
SEPARATE = 0.75
"""Share of the variance that the best cut explains when scores are spread evenly over a range;
a run above it falls in two groups (a Gaussian gives 0.64, an exponential 0.65)."""
MAD_TO_STD = 1.4826
"""Standard deviation of a Gaussian over its median absolute deviation."""
OUTLIER_STDS = 3.0
LOOKED_AT = (0.01, 0.05)
"""Least and largest share of the footage above the threshold when the scores do not separate."""


class BadScores(ValueError):
    """Scores that are not finite numbers in [0, 1]."""


@dataclass(frozen=True)
class Threshold:
    """A score and the reason why it was chosen."""

    value: float
    """A frame counts when its score is above this; in [0, 1]."""
    background: float
    """Median score over all frames of the run; in [0, 1]."""
    rule: str
    """How the value was chosen, in words."""


def count_scores(tracks: Iterable[NDArray[np.float32]]) -> NDArray[np.int64]:
    """Count the scores of all videos in BINS equal bins of [0, 1], one video in memory at a time.

    Args:
        tracks: one (frames,) array a video, values in [0, 1].

    Raises:
        BadScores: a value is not finite or not in [0, 1].
    """
    counts = np.zeros(BINS, dtype=np.int64)
    for scores in tracks:
        if scores.size and not (scores.min() >= 0 and scores.max() <= 1):
            raise BadScores(
                f"scores from {scores.min()} to {scores.max()} are not all in [0, 1]; score again"
            )
        bins = np.minimum((scores * np.float32(BINS)).astype(np.int64), BINS - 1)
        counts += np.bincount(bins, minlength=BINS)
    return counts


def choose_threshold(
    counts: NDArray[np.int64], *, value: float | None = None, quantile: float | None = None
) -> Threshold:
    """Choose the score above which frames become events.

    A `value` is taken as it is; a `quantile` is read off the pooled frames of the run. Without
    either, what serves someone with footage and no labels is a cut between groups where there are
    groups, and else a small share of the footage to look at:

    1. Scores that fall in two groups (the best cut explains more than 75 % of the variance, which
       is what evenly spread scores would give) are cut halfway between the means of the groups.
       Source: Otsu, A threshold selection method from gray-level histograms, IEEE SMC 9, 1979.
    2. Otherwise the cut is 3 robust standard deviations (1.4826 median absolute deviations) over
       the median, and never leaves less than 1 % or more than 5 % of the footage above it.
       Source: Hampel, The influence curve and its role in robust estimation, JASA 69, 1974.

    Long videos weigh more than short ones: the shares are shares of footage. Equal scores
    everywhere leave nothing above the threshold.

    Args:
        counts: (BINS,) from `count_scores`.
        value: the threshold itself, in [0, 1].
        quantile: the share of frames at or below the threshold, in [0, 1].
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
    least, largest = LOOKED_AT
    outlying = background + OUTLIER_STDS * MAD_TO_STD * median_deviation(counts)
    low, high = quantile_of(counts, 1 - largest), quantile_of(counts, 1 - least)
    rule = "median + 3 robust standard deviations, between 1 % and 5 % of the footage above it"
    return Threshold(min(max(outlying, low), high), background, rule)


def quantile_of(counts: NDArray[np.int64], share: float) -> float:
    """The lowest bin edge with at least `share` of all frames below it; 1.0 without frames."""
    cumulative = np.cumsum(counts)
    if cumulative[-1] == 0:
        return 1.0
    # A share such as 0.95 of 20 frames is 19 frames, not 19.000000000000004.
    needed = max(1.0, share * float(cumulative[-1]) - 1e-6)
    return float(np.searchsorted(cumulative, needed) + 1) / BINS


def median_deviation(counts: NDArray[np.int64]) -> float:
    """Median absolute deviation from the median."""
    edges = np.arange(1, BINS + 1) / BINS
    deviations = np.abs(edges - quantile_of(counts, 0.5))
    order = np.argsort(deviations, kind="stable")
    cumulative = np.cumsum(counts[order])
    half = np.searchsorted(cumulative, cumulative[-1] / 2)
    return float(deviations[order[min(half, BINS - 1)]])


def otsu(counts: NDArray[np.int64]) -> tuple[float, float]:
    """The middle of the means of the two best groups, and the share of variance they explain.

    Equal scores everywhere explain nothing: share 0.
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
