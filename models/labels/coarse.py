"""Finds the pseudo-anomalous videos from two numbers per video (paper, Algorithm 1)."""

import itertools
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from c2fpl.errors import CannotLabel
from c2fpl.models.settings import LabelSettings

_MAX_ITERATIONS = 150  # notebook cell 10
_LOW_LIKELIHOOD_PERCENT = 3  # notebook cell 16
_SAME = 1e-6  # relative difference below which float32 cannot distinguish videos
_CONSTANT = 1e-3  # norms that vary by less than this share of their mean are uninformative
_ENOUGH_FOR_BIC = 12  # two full Gaussians fit any smaller set of points


@dataclass(frozen=True)
class CoarseLabels:
    """Coarse pseudo-labels, in the order of the given videos."""

    anomalous: NDArray[np.bool_]
    """(videos,) True where the video left the normal set."""
    round: NDArray[np.int64]
    """(videos,) round in which the video left the normal set, from 1; 0 if it stayed."""
    notes: tuple[str, ...]
    """Reasons to distrust the labels, one line each."""


def label_videos(summaries: ArrayLike, settings: LabelSettings) -> CoarseLabels:
    """Splits the videos into normal and anomalous until their ratio passes eta.

    - `smaller-part` (paper): while |anomalous| / |normal| <= eta, a mixture of two spherical
      Gaussians splits the normal set, and the smaller part leaves. Of two equal parts, the one with
      the higher mean norm leaves.
    - `low-likelihood` (released): component 1 of the mixture leaves first. Then, while the ratio is
      < eta, a mixture is refitted to the normal set, and the videos below the 3rd percentile of
      log-likelihood leave.
    - `stop="before"` undoes the round that exceeds eta.

    Rows are sorted before each fit, so labels do not depend on the order of the videos. Only
    `method="released"` keeps the order and the dtype of `summaries`, as the notebook does.

    Args:
        summaries: (videos, 2) finite, one row of `summaries.describe` per video, at least two.
        settings: method, eta, split, stop and seed.

    Raises:
        CannotLabel: fewer than two videos.
        CannotLabel: all videos are alike, or the mixture finds only one group.
        CannotLabel: wrong shape, or a value that is not finite.
    """
    settings = settings.resolved()
    points = _checked(summaries)
    order = np.arange(len(points))
    if settings.method != "released":
        order = np.lexsort((points[:, 1], points[:, 0]))
        points = _scaled(points.astype(np.float64))
    with threadpool_limits(limits=1):  # threads of k-means add in varying order
        rounds_in_order, notes = _rounds(points[order], settings)
    rounds = np.empty_like(rounds_in_order)
    rounds[order] = rounds_in_order
    return CoarseLabels(rounds > 0, rounds, (*_doubts(points), *notes))


def _checked(summaries: ArrayLike) -> NDArray[np.floating[Any]]:
    points = np.asarray(summaries)
    if points.dtype not in (np.float32, np.float64):
        points = points.astype(np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise CannotLabel(
            f"summaries of shape {points.shape} must be (videos, 2) and finite; extract features "
            "without extreme values"
        )
    if len(points) < 2:
        raise CannotLabel(
            f"{len(points)} video(s) cannot be split into normal and anomalous; give at least two"
        )
    if _alike(points):
        raise CannotLabel(
            f"all {len(points)} videos have the same norms (mean {points[0, 0]:.6g}), so the "
            "mixture cannot split them; give videos that differ, or check the features"
        )
    return points


def _alike(points: NDArray[np.floating[Any]]) -> bool:
    return bool(np.ptp(points, axis=0).max() <= _SAME * np.abs(points).max())


def _scaled(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divides points (videos, 2) by one power of two, so that the larger spread is about 1.

    sklearn adds an absolute `reg_covar`, which would dominate small norms. A power of two leaves
    every mantissa unchanged, and one factor for both axes leaves the spherical mixture unchanged.
    """
    _, exponent = np.frexp(points.std(axis=0).max())
    return np.ldexp(points, -int(exponent))


def _rounds(
    points: NDArray[np.floating[Any]], settings: LabelSettings
) -> tuple[NDArray[np.int64], list[str]]:
    """(points,) round in which each point leaves, and a note if the rounds ended early."""
    rounds = np.zeros(len(points), dtype=np.int64)
    for number in itertools.count(1):
        normal = np.flatnonzero(rounds == 0)
        leaving = _leaving(points[normal], number, settings)
        if not leaving.any():
            return rounds, [_ended_early(rounds, number, settings)]
        after = rounds.copy()
        after[normal[leaving]] = number
        if settings.stop == "before" and _ratio(after) > settings.eta:
            return rounds, [] if number > 1 else [_nothing_left(after, settings)]
        rounds = after
        if not _goes_on(_ratio(rounds), settings):
            break
    return rounds, []


def _ratio(rounds: NDArray[np.int64]) -> float:
    normal_count = int(np.count_nonzero(rounds == 0))
    return (len(rounds) - normal_count) / normal_count


def _goes_on(ratio: float, settings: LabelSettings) -> bool:
    """The paper continues while the ratio is `<= eta`, the notebook while it is `< eta`."""
    return ratio <= settings.eta if settings.split == "smaller-part" else ratio < settings.eta


def _leaving(
    points: NDArray[np.floating[Any]], number: int, settings: LabelSettings
) -> NDArray[np.bool_]:
    """(points,) True for points that leave the normal set in this round; at least one stays."""
    if number > 1 and (len(points) < 2 or _alike(points)):
        return np.zeros(len(points), dtype=bool)
    mixture = _fitted(points, settings.seed)
    if number > 1 and settings.split == "low-likelihood":
        likelihood = mixture.score_samples(points)
        below: NDArray[np.bool_] = likelihood < np.percentile(likelihood, _LOW_LIKELIHOOD_PERCENT)
        return below
    second = np.asarray(mixture.predict(points) == 1)
    if number == 1 and second.all() | ~second.any():
        raise CannotLabel(
            f"the mixture puts all {len(points)} videos into one group, so it cannot split them; "
            "give more videos that differ, or use method refined"
        )
    return second if settings.split == "low-likelihood" else _smaller(second, points)


def _smaller(second: NDArray[np.bool_], points: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """(points,) True for the smaller of two parts; all False if there is only one part."""
    count = int(np.count_nonzero(second))
    if 2 * count != len(second):
        return second if 2 * count < len(second) else ~second
    higher = points[second, 0].mean() > points[~second, 0].mean()
    return second if higher else ~second


def _fitted(points: NDArray[np.floating[Any]], seed: int) -> GaussianMixture:
    mixture = GaussianMixture(
        n_components=2, covariance_type="spherical", max_iter=_MAX_ITERATIONS, random_state=seed
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return mixture.fit(points)
    except ValueError as error:
        raise CannotLabel(
            f"the mixture cannot be fitted to {len(points)} videos in {points.dtype} (their norms "
            "are too similar); use method paper or refined"
        ) from error


def _ended_early(rounds: NDArray[np.int64], number: int, settings: LabelSettings) -> str:
    normal_count = int(np.count_nonzero(rounds == 0))
    return (
        f"the coarse split ended before round {number} at a ratio of {_ratio(rounds):.3g} (eta "
        f"{settings.eta:g}): the {normal_count} normal videos cannot be split further"
    )


def _nothing_left(after: NDArray[np.int64], settings: LabelSettings) -> str:
    return (
        f"no video is anomalous: the ratio of the first split is {_ratio(after):.3g}, above "
        f"eta {settings.eta:g}; raise eta or set stop to literal"
    )


def _doubts(points: NDArray[np.floating[Any]]) -> list[str]:
    """Notes if the two numbers per video, (videos, 2), look like noise."""
    level = np.abs(points[:, 0]).mean()
    spreads = np.hypot(points[:, 0].std(), np.abs(points[:, 1]).mean())
    if spreads < _CONSTANT * level:
        return [
            f"the statistic is uninformative: the norms vary by only {spreads / level:.1g} of "
            "their mean, so the labels are noise; use method refined"
        ]
    if len(points) >= _ENOUGH_FOR_BIC and _is_one_cloud(points.astype(np.float64)):
        return [
            "the statistic is uninformative: one Gaussian describes the videos better than two "
            "(BIC), so the coarse split is arbitrary; use method refined"
        ]
    return []


def _is_one_cloud(points: NDArray[np.float64]) -> bool:
    """Whether one full Gaussian has a lower BIC than two.

    Full covariances, because two spherical Gaussians also fit one elongated cloud better.
    """
    spread = points.std(axis=0)
    standard = (points - points.mean(axis=0)) / np.where(spread > 0, spread, 1)
    one, two = (
        GaussianMixture(n_components=count, max_iter=_MAX_ITERATIONS, random_state=0).fit(standard)
        for count in (1, 2)
    )
    return bool(one.bic(standard) <= two.bic(standard))
