"""Pseudo-labels from evidence over time (`--method refined`).

1. Change in time, distance from the usual and, where it helps, position give one normal score per
   segment, the evidence (evidence.py).
2. A hidden Markov model with two states is fitted to all videos (two_states.py). The state with
   more evidence is the anomalous one, and its posterior is the soft label.

docs/methods.md derives the method and reports its results.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits

from c2fpl.errors import CannotLabel
from c2fpl.models.labels import two_states
from c2fpl.models.labels.change import Array, Videos, steps_of
from c2fpl.models.labels.confidence import Confidence, measure_confidence
from c2fpl.models.labels.evidence import Evidence, make_evidence

_SAME = 1e-6  # relative difference below which float32 cannot distinguish changes


@dataclass(frozen=True)
class RefinedLabels:
    """Pseudo-labels, in the order of the given videos."""

    anomalous: NDArray[np.bool_]
    """(videos,) True where the expected share of anomalous segments is above one half."""
    shares: Array
    """(videos,) expected share of anomalous segments, in [0, 1]."""
    labels: tuple[NDArray[np.float32], ...]
    """(segments,) per video in [0, 1]: probability that the segment is anomalous."""
    evidence: Evidence
    """Measures the evidence of other videos."""
    scores: tuple[Array, ...]
    """(segments,) per video: the evidence z, a standard normal over all segments."""
    p_values: tuple[Array, ...]
    """(segments,) per video in (0, 1]: share of all segments with at least this evidence."""
    confidence: Confidence
    """How far the features are from noise."""


def label(videos: Videos) -> RefinedLabels:
    """Computes soft labels for every segment.

    There are no settings, and labels do not depend on the order of the videos.

    Args:
        videos: crop means of each video as (segments, dim) chunks, float16 or float32.

    Raises:
        BadFeatures: features that cannot be compared.
        CannotLabel: all segments change alike (constant features, or one segment a video).
    """
    with threadpool_limits(limits=1):  # same order of summation on any number of cores
        steps = steps_of(videos)
        _refuse_constant(steps)
        evidence, scores = make_evidence(videos, steps)
        # Sorted by evidence, so that sums do not depend on the given order.
        order = sorted(range(len(scores)), key=lambda video: scores[video].tobytes())
        ordered = [scores[video] for video in order]
        posterior = two_states.higher_state(ordered, two_states.fit(ordered))
        confidence = measure_confidence(videos)
    labels = [posterior[place] for place in np.argsort(order)]
    shares = np.array([float(one.mean()) for one in labels])
    return RefinedLabels(
        anomalous=shares > 0.5,
        shares=shares,
        labels=tuple(one.astype(np.float32) for one in labels),
        evidence=evidence,
        scores=scores,
        p_values=tuple(_upper_tails(scores)),
        confidence=confidence,
    )


def _refuse_constant(steps: Sequence[Array]) -> None:
    """Refuse videos in which nothing changes.

    Raises:
        CannotLabel: no change at all, or the same change everywhere.
    """
    known = np.concatenate(list(steps))
    if len(known) == 0 or np.ptp(known) <= _SAME * known.max():
        largest = f"{known.max():.3g}" if len(known) else "unknown (one segment a video)"
        count = len(known) + len(steps)
        if count == 1:
            raise CannotLabel("a single segment cannot be compared with any other; add footage")
        raise CannotLabel(
            f"the {count} segments all differ from their neighbours by the same {largest}, so "
            "they cannot be distinguished; give features that vary over time"
        )


def _split(every: Array, like: Sequence[Array]) -> list[Array]:
    return np.split(every, np.cumsum([len(video) for video in like])[:-1])


def _upper_tails(evidence: Sequence[Array]) -> list[Array]:
    every = np.concatenate(list(evidence))
    return _split(rankdata(-every, method="max") / len(every), evidence)
