"""Confidence intervals of AUC and AP by a bootstrap over test videos, with exact counts.

Whole videos are drawn with replacement, because frames of one video are not independent. AUC and
AP only need the number of frames above the scores of anomalous frames, which are few. Frames are
therefore counted once by (threshold, video) in sparse matrices, and a replicate is the product of
these with the number of times each video was drawn.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from c2fpl.pipeline.truth.frame_runs import FrameRuns

Interval = tuple[float, float]

_BOUNDS_PER_CENT = (2.5, 97.5)
_CELLS_AT_ONCE = 4_000_000
"""Thresholds times replicates in one product: 32 MB per array."""


@dataclass(frozen=True)
class Intervals:
    """95 % intervals; None if no replicate has both normal and anomalous frames."""

    auc: Interval | None
    """Interval of the ROC AUC."""
    ap: Interval | None
    """Interval of the average precision."""
    replicates: int
    """Replicates with both kinds of frames."""


def bootstrap_intervals(runs: FrameRuns, video_count: int, replicates: int, seed: int) -> Intervals:
    """Percentile bootstrap intervals of AUC and AP.

    Args:
        runs: all frames; video indices are below `video_count`.
        video_count: number of videos, including those without frames.
        replicates: number of bootstrap replicates.
        seed: seed of the draws.
    """
    both = bootstrapped(runs, video_count, replicates, seed)
    if not both.shape[1]:
        return Intervals(None, None, 0)
    (auc_low, auc_high), (ap_low, ap_high) = np.percentile(both, _BOUNDS_PER_CENT, axis=1).T
    auc, ap = (float(auc_low), float(auc_high)), (float(ap_low), float(ap_high))
    return Intervals(auc, ap, both.shape[1])


def bootstrapped(
    runs: FrameRuns, video_count: int, replicates: int, seed: int
) -> NDArray[np.float64]:
    """AUC and AP of test sets drawn from the videos: (2, replicates with both kinds of frames).

    Arguments as in `bootstrap_intervals`.
    """
    if not runs.labels.any() or runs.labels.all() or replicates == 0:
        return np.empty((2, 0))
    rng = np.random.default_rng(seed)
    counts = ThresholdCounts(runs, video_count)
    at_once = max(1, _CELLS_AT_ONCE // counts.threshold_count)
    results = []
    for start in range(0, replicates, at_once):
        drawn = [
            np.bincount(rng.integers(video_count, size=video_count), minlength=video_count)
            for _ in range(min(at_once, replicates - start))
        ]
        results.append(counts.auc_and_ap(np.stack(drawn, axis=1)))
    both = np.concatenate(results, axis=1)
    return both[:, np.isfinite(both[0])]


class ThresholdCounts:
    """Frame counts by threshold (scores of anomalous frames, in descending order) and video."""

    def __init__(self, runs: FrameRuns, video_count: int) -> None:
        """Count the frames of `runs`, which must include both kinds."""
        thresholds, place = np.unique(-runs.scores[runs.labels], return_inverse=True)
        count = len(thresholds)
        self.threshold_count = count
        normal = -runs.scores[~runs.labels]
        first_reached = np.searchsorted(thresholds, normal, side="left")  # `count` if below all
        tied = np.zeros(len(normal), bool)
        tied[first_reached < count] = (
            thresholds[first_reached[first_reached < count]] == normal[first_reached < count]
        )
        videos, lengths = runs.videos[~runs.labels], runs.lengths[~runs.labels]

        def matrix(rows: NDArray[np.intp], keep: NDArray[np.bool_]) -> csr_matrix:
            cells = (rows[keep], videos[keep])
            return csr_matrix((lengths[keep].astype(float), cells), (count + 1, video_count))

        self._tied = matrix(first_reached, tied)
        self._above = matrix(first_reached, ~tied)
        self._anomalous = csr_matrix(
            (runs.lengths[runs.labels].astype(float), (place, runs.videos[runs.labels])),
            (count + 1, video_count),
        )

    def auc_and_ap(self, weights: NDArray[np.int64]) -> NDArray[np.float64]:
        """ROC AUC and average precision, (2, replicates); tied scores count as in scikit-learn.

        Args:
            weights: (videos, replicates), number of times that each video counts.

        Returns:
            Values in [0, 1]; nan unless both kinds of frames have weight.
        """
        anomalous = self._anomalous @ weights  # (thresholds + 1, replicates)
        tied = self._tied @ weights
        above = np.cumsum(self._above @ weights + tied, axis=0)
        positives, negatives = anomalous.sum(axis=0), above[-1]
        true_positives = np.cumsum(anomalous, axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            ranked_below = negatives - above + tied / 2
            auc = (anomalous * ranked_below).sum(axis=0) / (positives * negatives)
            precision = true_positives / np.maximum(true_positives + above, 1)
            ap = (anomalous * precision).sum(axis=0) / positives
        ap[~np.isfinite(auc)] = np.nan
        result: NDArray[np.float64] = np.stack((auc, ap))
        return result
