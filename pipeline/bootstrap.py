"""How far a result would move with other test videos: a bootstrap over videos, by exact counts.

Whole videos are drawn with replacement, as many as there are, for frames of one video are not
independent. A drawn video only weighs its runs, so each replicate is two cumulative sums over runs
sorted once; nothing is sorted again and no frame is copied.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from c2fpl.pipeline.frame_runs import FrameRuns

Interval = tuple[float, float]

_BOUNDS_PER_CENT = (2.5, 97.5)


@dataclass(frozen=True)
class Intervals:
    """95 % intervals; None when no replicate had both kinds of frames."""

    auc: Interval | None
    """Of the ROC AUC."""
    ap: Interval | None
    """Of the average precision."""
    replicates: int
    """Replicates that had both kinds of frames."""


def bootstrap_intervals(runs: FrameRuns, video_count: int, replicates: int, seed: int) -> Intervals:
    """Percentile intervals of AUC and AP.

    Args:
        runs: all frames, each run with its video's index below `video_count`.
        video_count: videos, also those without frames.
        replicates: draws.
        seed: of the draws; the same seed gives the same interval.
    """
    rng = np.random.default_rng(seed)
    ranked = RankedRuns(runs)
    results = []
    for _ in range(replicates):
        drawn = rng.integers(video_count, size=video_count)
        result = ranked.auc_and_ap(np.bincount(drawn, minlength=video_count))
        if result is not None:
            results.append(result)
    if not results:
        return Intervals(None, None, 0)
    bounds = np.percentile(results, _BOUNDS_PER_CENT, axis=0)
    (auc_low, ap_low), (auc_high, ap_high) = bounds.tolist()
    return Intervals((auc_low, auc_high), (ap_low, ap_high), len(results))


class RankedRuns:
    """Runs sorted by falling score once, to be weighed by video many times."""

    def __init__(self, runs: FrameRuns) -> None:
        order = np.argsort(-runs.scores, kind="stable")
        scores = runs.scores[order]
        self._videos = runs.videos[order]
        self._anomalous = np.where(runs.labels, runs.lengths, 0)[order]
        self._lengths = runs.lengths[order]
        last_of_ties = np.append(np.diff(scores) != 0, True)
        self._ends = np.flatnonzero(last_of_ties) if len(scores) else np.empty(0, np.int64)

    def auc_and_ap(self, weights: NDArray[np.int64]) -> tuple[float, float] | None:
        """ROC AUC and average precision when video v counts `weights[v]` times.

        Ties share a threshold, as in scikit-learn. None unless both kinds of frames have weight.
        """
        weight = weights[self._videos]
        true_positives = np.cumsum(weight * self._anomalous)[self._ends]
        alarms = np.cumsum(weight * self._lengths)[self._ends]
        if not len(alarms) or not 0 < true_positives[-1] < alarms[-1]:
            return None
        false_positives = alarms - true_positives
        gained = np.diff(true_positives, prepend=0)
        heights = np.diff(false_positives, prepend=0) * (true_positives - gained / 2)
        auc = heights.sum() / (float(true_positives[-1]) * float(false_positives[-1]))
        seen = alarms > 0
        ap = (gained[seen] * (true_positives[seen] / alarms[seen])).sum() / true_positives[-1]
        return float(auc), float(ap)
