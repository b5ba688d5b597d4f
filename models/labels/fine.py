"""Finds the pseudo-anomalous segments of the anomalous videos (paper, Algorithm 2)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm as gaussian

from c2fpl.errors import BadFeatures, CannotLabel
from c2fpl.models.settings import LabelSettings, WindowLength

Norms = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class FineLabels:
    """Fine pseudo-labels, in the order of the given videos."""

    labels: tuple[NDArray[np.uint8], ...]
    """(segments,) per video: 1 inside the window of an anomalous video, else 0."""
    densities: tuple[NDArray[np.float64], ...]
    """(segments,) per video: density of the norm under the null model, at least 0."""
    null_mean: float
    """Mean norm of all segments of normal videos."""
    null_std: float
    """Their standard deviation, ddof=1."""
    notes: tuple[str, ...]
    """Reasons to distrust the labels, one line each."""


def label_windows(
    norms: Sequence[Norms], anomalous: NDArray[np.bool_], settings: LabelSettings
) -> FineLabels:
    """Labels one window of segments in each anomalous video; all other segments are normal.

    The null model is one Gaussian, fitted to the norms of all segments of normal videos (ddof=1).
    Its density is what the paper calls a p-value (docs/method.md, fine labels). Norms are sorted
    before they are summed, so the result does not depend on the order of the videos. `released`
    sums them in the given order and dtype, as the notebook does.

    Args:
        norms: (segments,) per video, from `summaries.segment_norms`.
        anomalous: (videos,) from `coarse.label_videos`.
        settings: method, beta, window and window_length.

    Raises:
        CannotLabel: every video is anomalous.
        BadFeatures: `norms` and `anomalous` differ in length, or a video has no segment.
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
        raise BadFeatures(
            f"norms of {len(norms)} videos for {len(anomalous)} coarse labels; give one non-empty "
            "(segments,) array for each label"
        )
    if np.all(anomalous):
        raise CannotLabel(
            f"all {len(norms)} videos are anomalous, so there is no normal segment to compare "
            "with; lower eta, so that at least one video stays normal"
        )


def _null_model(
    normal: Sequence[Norms], settings: LabelSettings
) -> tuple[np.floating[Any], np.floating[Any]]:
    """Mean and standard deviation of all normal segments; 0 for the deviation of a single one."""
    values = np.concatenate(normal)
    if settings.method != "released":
        values = np.sort(values.astype(np.float64))
    variance = np.var(values, ddof=1) if len(values) > 1 else values.dtype.type(0)
    return np.mean(values), np.sqrt(variance)


def _density(
    norms: Norms, mean: np.floating[Any], std: np.floating[Any], settings: LabelSettings
) -> NDArray[np.float64]:
    """Gaussian density (segments,); if std is 0, 1 where a norm equals the mean, else 0."""
    if std == 0:
        return np.asarray(norms == mean, dtype=np.float64)
    if settings.method != "released":
        norms = norms.astype(np.float64)
    return np.asarray(gaussian.pdf(norms, mean, std), dtype=np.float64)


def _labels(densities: NDArray[np.float64], settings: LabelSettings) -> NDArray[np.uint8]:
    """(segments,) labels of one anomalous video: 1 in its window, else 0."""
    length = window_length(len(densities), settings.beta, settings.window_length or "ceil")
    labels = np.zeros(len(densities), dtype=np.uint8)
    if length > 0:
        find = lowest_mean if settings.window == "lowest-mean-p" else largest_variation
        first = find(densities, length)
        labels[first : first + length] = 1
    return labels


def window_length(segment_count: int, beta: float, rule: WindowLength) -> int:
    """ceil(beta * m), at least 1 (paper), or floor(beta * m), which can be 0 (released).

    The product is rounded to a float first, as in the released code.
    """
    share = beta * segment_count
    return math.ceil(share) if rule == "ceil" else int(share)


def lowest_mean(densities: NDArray[np.float64], length: int) -> int:
    """First segment of the window of `length` segments with the lowest mean; ties: the first.

    `densities` is float64 (segments,).
    """
    return _first_least_sum(densities, length, sign=1)


def largest_variation(densities: NDArray[np.float64], length: int) -> int:
    """First segment of the window with the largest sum of |p[t+1] - p[t]|; ties: the first.

    `densities` is float64 (segments,). A window of `length` segments has `length - 1` differences.
    Windows of one segment have none, so they all tie and segment 0 wins.
    """
    if length == 1:
        return 0
    return _first_least_sum(np.abs(np.diff(densities)), length - 1, sign=-1)


def _first_least_sum(values: NDArray[np.float64], length: int, *, sign: int) -> int:
    """First k with the lowest `sign * (values[k] + ... + values[k + length - 1])`.

    The result is that of a plain loop which adds each window from left to right. Differences of one
    cumulative sum deviate from these sums by at most 4 * m * eps * sum(values), so only windows
    that close to the best are summed exactly. If a window and the value before it are all equal,
    the preceding window has the same sum, so this one cannot be the first.

    Args:
        values: (m,) at least 0.
        length: 1 <= length <= m.
        sign: 1 for the lowest sum, -1 for the highest.
    """
    totals = np.concatenate(([0.0], np.cumsum(values)))
    rough = sign * (totals[length:] - totals[:-length])  # (m - length + 1,)
    slack = 4 * len(values) * np.finfo(np.float64).eps * totals[-1]
    near = np.flatnonzero(rough <= rough.min() + slack)
    near = near[~_repeats(values, length)[near]]
    exact = [sign * np.add.accumulate(values[k : k + length])[-1] for k in near]
    return int(near[np.argmin(exact)])


def _repeats(values: NDArray[np.float64], length: int) -> NDArray[np.bool_]:
    """(m - length + 1,) True where values[k - 1 : k + length] are all equal."""
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
            "the null model has no spread; use method refined"
        )
    if not any(video.any() for video in labels):
        notes.append(
            "no segment is labelled anomalous, so the detector has nothing to learn; raise beta or "
            "eta, or give longer videos"
        )
    return tuple(notes)
