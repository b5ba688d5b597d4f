"""Which segments of the anomalous videos are pseudo-anomalous (METHOD 3, Algorithm 2)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm as gaussian

from c2fpl.models.settings import LabelSettings, WindowLength

Norms = NDArray[np.floating[Any]]


class BadNorms(ValueError):
    """Norms that are not one array, with a segment in it, for each coarse label."""


class EmptyNullModel(ValueError):
    """No normal video is left to say what is normal."""


@dataclass(frozen=True)
class FineLabels:
    """The fine pseudo-labels, in the order in which the videos were given."""

    labels: tuple[NDArray[np.uint8], ...]
    """Per video (segments,): 1 inside the window of an anomalous video, else 0."""
    densities: tuple[NDArray[np.float64], ...]
    """Per video (segments,): density of the segment's norm under the null, at least 0."""
    null_mean: float
    """Mean norm of the segments of the normal videos."""
    null_std: float
    """Their standard deviation, ddof=1."""
    notes: tuple[str, ...]
    """One line for each reason to distrust the labels; empty when there is none."""


def label_segments(
    norms: Sequence[Norms], anomalous: NDArray[np.bool_], settings: LabelSettings
) -> FineLabels:
    """One window of segments in each anomalous video; all other segments are normal.

    The null model is one Gaussian over the norms of all segments of the normal videos (sample
    mean, ddof=1); what the paper calls a p-value is its density (METHOD 7, item 9). The norms are
    sorted before they are added, so the order of videos changes no bit; `released` adds them in
    list order and in their own dtype, as the notebook does.

    Args:
        norms: per video (segments,) of `summaries.segment_norms`.
        anomalous: (videos,) of `coarse.label_videos`.
        settings: method, beta, window and window_length.

    Raises:
        EmptyNullModel: every video is anomalous.
        BadNorms: as many videos in `norms` as in `anomalous`, each with a segment, is the rule.
    """
    settings = settings.resolved()
    _check(norms, anomalous)
    mean, std = _null_model([n for n, a in zip(norms, anomalous, strict=True) if not a], settings)
    every = np.concatenate(norms)
    ends = np.cumsum([len(n) for n in norms])[:-1]
    densities = tuple(np.split(_density(every, mean, std, settings), ends))
    labels = tuple(
        _labels(p, settings) if a else np.zeros(len(p), dtype=np.uint8)
        for p, a in zip(densities, anomalous, strict=True)
    )
    return FineLabels(labels, densities, float(mean), float(std), _notes(labels, mean, std))


def _check(norms: Sequence[Norms], anomalous: NDArray[np.bool_]) -> None:
    if len(norms) != len(anomalous) or any(n.ndim != 1 or not len(n) for n in norms):
        raise BadNorms(
            f"norms of {len(norms)} videos for {len(anomalous)} coarse labels: there must be one "
            "(segments,) array with a segment in it for each label"
        )
    if np.all(anomalous):
        raise EmptyNullModel(
            f"all {len(norms)} videos are anomalous, so there is no normal segment to compare "
            "with; leave at least one video normal (a smaller eta)"
        )


def _null_model(
    normal: Sequence[Norms], settings: LabelSettings
) -> tuple[np.floating[Any], np.floating[Any]]:
    """Mean and standard deviation of all normal segments; one segment alone has spread 0."""
    values = np.concatenate(normal)
    if settings.method != "released":
        values = np.sort(values.astype(np.float64))
    variance = np.var(values, ddof=1) if len(values) > 1 else values.dtype.type(0)
    return np.mean(values), np.sqrt(variance)


def _density(
    norms: Norms, mean: np.floating[Any], std: np.floating[Any], settings: LabelSettings
) -> NDArray[np.float64]:
    """The Gaussian density (scipy); without spread, 1 where a norm is the mean and 0 elsewhere."""
    if std == 0:
        return np.asarray(norms == mean, dtype=np.float64)
    if settings.method != "released":
        norms = norms.astype(np.float64)
    return np.asarray(gaussian.pdf(norms, mean, std), dtype=np.float64)


def _labels(densities: NDArray[np.float64], settings: LabelSettings) -> NDArray[np.uint8]:
    """(segments,) of one anomalous video: 1 in its window."""
    length = window_length(len(densities), settings.beta, settings.window_length or "ceil")
    labels = np.zeros(len(densities), dtype=np.uint8)
    if length > 0:
        find = lowest_mean if settings.window == "lowest-mean-p" else largest_variation
        first = find(densities, length)
        labels[first : first + length] = 1
    return labels


def window_length(segment_count: int, beta: float, rule: WindowLength) -> int:
    """ceil(beta * m), at least 1 (paper), or int(beta * m), 0 for the shortest videos (released).

    In floating point, as `math.ceil(beta * m)` and `int(beta * m)` are written by everyone.
    """
    share = beta * segment_count
    return math.ceil(share) if rule == "ceil" else int(share)


def lowest_mean(densities: NDArray[np.float64], length: int) -> int:
    """First segment of the window of `length` segments with the lowest mean; the first of ties."""
    return _first_least_sum(densities, length, sign=1)


def largest_variation(densities: NDArray[np.float64], length: int) -> int:
    """First segment of the window with the largest sum of |p[t+1] - p[t]|; the first of ties.

    A window of `length` segments has `length - 1` differences: one segment has none, and all such
    windows tie at 0 (METHOD 3: segment 0 is labelled).
    """
    if length == 1:
        return 0
    return _first_least_sum(np.abs(np.diff(densities)), length - 1, sign=-1)


def _first_least_sum(values: NDArray[np.float64], length: int, *, sign: int) -> int:
    """First k with the least `sign * (values[k] + ... + values[k + length - 1])`, added in order.

    Differences of one cumulative sum are within 4 * m * eps * sum(values) of the sums in order, so
    only windows that near to the best are added again, each from its own first value, exactly as a
    plain loop would. A window that is constant together with the value before it has the sum of
    the window before it, and cannot be the first.

    Args:
        values: (m,) at least 0.
        length: 1 <= length <= m.
        sign: 1 for the least sum, -1 for the largest.
    """
    totals = np.concatenate(([0.0], np.cumsum(values)))
    rough = sign * (totals[length:] - totals[:-length])  # (m - length + 1,)
    slack = 4 * len(values) * np.finfo(np.float64).eps * totals[-1]
    near = np.flatnonzero(rough <= rough.min() + slack)
    near = near[~_repeats(values, length)[near]]
    exact = [sign * np.add.accumulate(values[k : k + length])[-1] for k in near]
    return int(near[np.argmin(exact)])


def _repeats(values: NDArray[np.float64], length: int) -> NDArray[np.bool_]:
    """(m - length + 1,) true where values[k - 1 : k + length] are all equal."""
    changes = np.concatenate(([0], np.cumsum(values[1:] != values[:-1])))  # changes up to index
    repeats = np.zeros(len(values) - length + 1, dtype=bool)
    repeats[1:] = changes[length:] == changes[: len(values) - length]
    return repeats


def _notes(
    labels: Sequence[NDArray[np.uint8]], mean: np.floating[Any], std: np.floating[Any]
) -> tuple[str, ...]:
    notes = []
    if std == 0:
        notes.append(
            f"the statistic is uninformative: the norms of all normal segments are {mean:.6g}, so "
            "the null model has no spread; use --method refined"
        )
    if not any(video.any() for video in labels):
        notes.append(
            "no segment is labelled anomalous: there is nothing for the detector to learn; "
            "raise beta, give longer videos or let more of them be anomalous (eta)"
        )
    return tuple(notes)
