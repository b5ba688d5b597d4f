"""Both labelling methods as plain slow loops, written from METHOD sections 2 and 3 alone."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm as gaussian
from sklearn.mixture import GaussianMixture

Floats = NDArray[np.floating[Any]]
Labelled = tuple[list[Floats], list[Floats]]


def mixture(points: Floats) -> GaussianMixture:
    return GaussianMixture(
        n_components=2, covariance_type="spherical", max_iter=150, random_state=0
    ).fit(points)


def released_norms(features: Floats) -> Floats:
    """n_ij = mean over crops of sum(f^2)."""
    norms: Floats = np.mean(np.sum(features**2, axis=2), axis=1)
    return norms


def released_summary(norms: Floats) -> tuple[Any, Any]:
    return norms.mean(), norms.var(ddof=1)


def released_coarse(summaries: ArrayLike, eta: float = 1.0) -> list[list[int]]:
    """The numbers of the anomalous videos in the order in which they left, round by round."""
    points = np.array(summaries)
    component = mixture(points).predict(points)
    abag = [i for i in range(len(points)) if component[i] == 1]
    nbag = [i for i in range(len(points)) if component[i] == 0]
    rounds = [list(abag)]
    while len(abag) / len(nbag) < eta:
        scores = mixture(points[nbag]).score_samples(points[nbag])
        threshold = np.percentile(scores, 3)
        moved = [i for i, s in zip(nbag, scores, strict=True) if s < threshold]
        nbag = [i for i in nbag if i not in set(moved)]
        abag += moved
        rounds.append(moved)
    return rounds


def released_fine(
    norms: Sequence[Floats], anomalous: NDArray[np.bool_], beta: float = 0.2
) -> Labelled:
    """Windows of int(beta * m) with the greatest total variation of the density."""
    normal = np.concatenate([n for n, a in zip(norms, anomalous, strict=True) if not a])
    mean, variance = np.mean(normal), np.var(normal, ddof=1)
    labels: list[Floats] = []
    densities: list[Floats] = []
    for n, is_anomalous in zip(norms, anomalous, strict=True):
        p = gaussian.pdf(n, mean, np.sqrt(variance))
        label = np.zeros(len(n))
        length = int(beta * len(n))
        if is_anomalous and length > 0:
            first = plain_largest_variation(p, length)
            label[first : first + length] = 1
        labels.append(label)
        densities.append(p)
    return labels, densities


def plain_largest_variation(densities: ArrayLike, length: int) -> int:
    best, best_first = -1.0, -1
    p = [float(x) for x in np.asarray(densities)]
    for first in range(len(p) - length + 1):
        total = 0.0
        for t in range(first, first + length - 1):
            total += abs(p[t + 1] - p[t])
        if total > best:
            best, best_first = total, first
    return best_first


def paper_norms(features: Floats) -> NDArray[np.float64]:
    """n_ij = mean over crops of ||f_ij||."""
    return np.array(
        [np.mean([np.linalg.norm(crop.astype(np.float64)) for crop in s]) for s in features]
    )


def paper_summary(norms: Floats) -> tuple[Any, Any]:
    return norms.mean(), norms.std(ddof=1)


def paper_coarse(summaries: ArrayLike, eta: float = 1.0) -> list[list[int]]:
    """Round by round; visited by mean norm, so that the order of videos reaches no random start.

    Of two equal parts the one with the higher mean norm counts as the smaller.
    """
    points = np.array(summaries, dtype=np.float64)
    anomalous: list[int] = []
    normal = sorted(range(len(points)), key=lambda i: tuple(points[i]))
    rounds = []
    while len(anomalous) / len(normal) <= eta:
        component = mixture(points[normal]).predict(points[normal])
        parts = [[i for i, c in zip(normal, component, strict=True) if c == k] for k in (0, 1)]
        smaller, larger = sorted(parts, key=lambda part: (len(part), -points[part, 0].mean()))
        anomalous, normal = anomalous + smaller, larger
        rounds.append(smaller)
    return rounds


def paper_fine(
    norms: Sequence[Floats], anomalous: NDArray[np.bool_], beta: float = 0.2
) -> Labelled:
    normal = np.concatenate([n for n, a in zip(norms, anomalous, strict=True) if not a])
    mean, std = np.mean(normal), np.std(normal, ddof=1)
    labels: list[Floats] = []
    densities: list[Floats] = []
    for n, is_anomalous in zip(norms, anomalous, strict=True):
        p = gaussian.pdf(n, mean, std)
        label = np.zeros(len(n))
        if is_anomalous:
            length = math.ceil(beta * len(n))
            first = plain_lowest_mean(p, length)
            label[first : first + length] = 1
        labels.append(label)
        densities.append(p)
    return labels, densities


def plain_lowest_mean(densities: ArrayLike, length: int) -> int:
    best, best_first = math.inf, -1
    p = [float(x) for x in np.asarray(densities)]
    for first in range(len(p) - length + 1):
        total = 0.0
        for t in range(first, first + length):
            total += p[t]
        if total < best:
            best, best_first = total, first
    return best_first
