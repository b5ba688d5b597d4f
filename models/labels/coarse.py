"""Which videos are pseudo-anomalous, from two numbers a video (METHOD 2, Algorithm 1)."""

import itertools
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from c2fpl.models.settings import LabelSettings

_MAX_ITERATIONS = 150  # notebook cell 10
_LOW_LIKELIHOOD_PERCENT = 3  # notebook cell 16
_SAME = 1e-6  # relative: videos nearer than float32 can tell are the same video
_CONSTANT = 1e-3  # norms that vary by less than this share of their mean say nothing
_ENOUGH_FOR_BIC = 12  # below this two full Gaussians can always be drawn through the points


class BadSummaries(ValueError):
    """Summaries of another shape, or a value that is not finite."""


class TooFewVideos(ValueError):
    """One video has no other to be compared with."""


class CannotSplit(ValueError):
    """The mixture finds one group where it must find two, or cannot be fitted at all."""


@dataclass(frozen=True)
class CoarseLabels:
    """The coarse pseudo-labels, in the order in which the videos were given."""

    anomalous: NDArray[np.bool_]
    """(videos,) true where the video left the normal set."""
    round: NDArray[np.int64]
    """(videos,) 0 for the normal set, k for the round (from 1) in which the video left it."""
    notes: tuple[str, ...]
    """One line for each reason to distrust the labels; empty when there is none."""


def label_videos(summaries: ArrayLike, settings: LabelSettings) -> CoarseLabels:
    """Splits the videos into normal and anomalous until their ratio passes eta.

    `smaller-part` (paper): a 2-component spherical mixture splits the normal set and its smaller
    part leaves, while |anomalous| / |normal| <= eta. Of two equal parts the one with the higher
    mean norm leaves. `low-likelihood` (released): the first split takes the mixture's component 1,
    then those below the 3rd percentile of log-likelihood under a mixture refitted on the normal set
    leave, while the ratio is < eta. `stop="before"` undoes the round that passes eta.

    The order of the videos never reaches a label, because the rows are sorted before a fit; only
    `method="released"` keeps it, and the dtype of `summaries`, as the notebook does.

    Args:
        summaries: (videos, 2) of `summaries.describe`, at least two rows, finite.
        settings: method, eta, split, stop and seed.

    Raises:
        TooFewVideos: fewer than two videos.
        CannotSplit: all videos alike, or one group only.
        BadSummaries: another shape, or a value that is not finite.
    """
    settings = settings.resolved()
    points = _checked(summaries)
    order = np.arange(len(points))
    if settings.method != "released":
        order = np.lexsort((points[:, 1], points[:, 0]))
        points = _scaled(points.astype(np.float64))
    with threadpool_limits(limits=1):  # k-means adds in the order in which its threads arrive
        rounds_in_order, notes = _rounds(points[order], settings)
    rounds = np.empty_like(rounds_in_order)
    rounds[order] = rounds_in_order
    return CoarseLabels(rounds > 0, rounds, (*_doubts(points), *notes))


def _checked(summaries: ArrayLike) -> NDArray[np.floating[Any]]:
    points = np.asarray(summaries)
    if points.dtype not in (np.float32, np.float64):
        points = points.astype(np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise BadSummaries(
            f"summaries of shape {points.shape} must be (videos, 2) and finite; extract features "
            "without extreme values"
        )
    if len(points) < 2:
        raise TooFewVideos(
            f"{len(points)} video(s) cannot be split into normal and anomalous; give at least two"
        )
    if _alike(points):
        raise CannotSplit(
            f"all {len(points)} videos have the same norms (mean {points[0, 0]:.6g}), so the "
            "mixture cannot split them; give videos that differ, or check the features"
        )
    return points


def _alike(points: NDArray[np.floating[Any]]) -> bool:
    return bool(np.ptp(points, axis=0).max() <= _SAME * np.abs(points).max())


def _scaled(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Both axes divided by one power of two, so that the larger spread is about 1.

    A power of two changes no bit of a mantissa, and one factor for both axes keeps the spherical
    mixture the same; what goes is the weight of sklearn's absolute `reg_covar` on small norms.
    """
    _, exponent = np.frexp(points.std(axis=0).max())
    return np.ldexp(points, -int(exponent))


def _rounds(
    points: NDArray[np.floating[Any]], settings: LabelSettings
) -> tuple[NDArray[np.int64], list[str]]:
    """The round in which each point leaves, and why the rounds ended early, if they did."""
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
    """`<= eta` in the paper, `< eta` in the notebook (METHOD 7, item 6)."""
    return ratio <= settings.eta if settings.split == "smaller-part" else ratio < settings.eta


def _leaving(
    points: NDArray[np.floating[Any]], number: int, settings: LabelSettings
) -> NDArray[np.bool_]:
    """(points,) true for those that leave the normal set in this round; at least one stays."""
    if number > 1 and (len(points) < 2 or _alike(points)):
        return np.zeros(len(points), dtype=bool)
    mixture = _fitted(points, settings.seed)
    if number > 1 and settings.split == "low-likelihood":
        likelihood = mixture.score_samples(points)
        below: NDArray[np.bool_] = likelihood < np.percentile(likelihood, _LOW_LIKELIHOOD_PERCENT)
        return below
    second = np.asarray(mixture.predict(points) == 1)
    if number == 1 and second.all() | ~second.any():
        raise CannotSplit(
            f"the mixture puts all {len(points)} videos into one group, so none can be told from "
            "the others; give more videos that differ, or use --method refined"
        )
    return second if settings.split == "low-likelihood" else _smaller(second, points)


def _smaller(second: NDArray[np.bool_], points: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """The smaller part, whichever number the mixture gave it; empty when there is one part."""
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
        raise CannotSplit(
            f"the mixture cannot be fitted to {len(points)} videos in {points.dtype} (their norms "
            "are too nearly alike); use --method paper or refined"
        ) from error


def _ended_early(rounds: NDArray[np.int64], number: int, settings: LabelSettings) -> str:
    normal_count = int(np.count_nonzero(rounds == 0))
    return (
        f"the coarse split ended before round {number} at a ratio of {_ratio(rounds):.3g} (eta "
        f"{settings.eta:g}): no part of the {normal_count} normal videos can be told from the rest"
    )


def _nothing_left(after: NDArray[np.int64], settings: LabelSettings) -> str:
    return (
        f"no video is anomalous: the first split already has a ratio of {_ratio(after):.3g}, above "
        f"eta {settings.eta:g}; raise eta or let the last round stand (stop literal)"
    )


def _doubts(points: NDArray[np.floating[Any]]) -> list[str]:
    """Why the two numbers of the videos may say nothing: noise is never labelled in silence."""
    level = np.abs(points[:, 0]).mean()
    spreads = np.hypot(points[:, 0].std(), np.abs(points[:, 1]).mean())
    if spreads < _CONSTANT * level:
        return [
            f"the statistic is uninformative: the norms are constant to {spreads / level:.1g} of "
            "their mean, so the labels are noise; use --method refined"
        ]
    if len(points) >= _ENOUGH_FOR_BIC and _is_one_cloud(points.astype(np.float64)):
        return [
            "the statistic is uninformative: one Gaussian describes the videos better than two "
            "(BIC), so the coarse split is arbitrary; use --method refined"
        ]
    return []


def _is_one_cloud(points: NDArray[np.float64]) -> bool:
    """True when a single full Gaussian has the lower BIC; with full ones length is no split."""
    spread = points.std(axis=0)
    standard = (points - points.mean(axis=0)) / np.where(spread > 0, spread, 1)
    one, two = (
        GaussianMixture(n_components=count, max_iter=_MAX_ITERATIONS, random_state=0).fit(standard)
        for count in (1, 2)
    )
    return bool(one.bic(standard) <= two.bic(standard))
