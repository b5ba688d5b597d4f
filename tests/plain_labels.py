"""Both labelling methods as plain slow loops, written from METHOD sections 2 and 3 alone."""

import math

import numpy as np
from scipy.stats import norm as gaussian
from sklearn.mixture import GaussianMixture


def mixture(points):
    return GaussianMixture(
        n_components=2, covariance_type="spherical", max_iter=150, random_state=0
    ).fit(points)


def released_norms(features):
    """n_ij = mean over crops of sum(f^2)."""
    return np.mean(np.sum(features**2, axis=2), axis=1)


def released_summary(norms):
    return norms.mean(), norms.var(ddof=1)


def released_coarse(summaries, eta=1.0):
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


def released_fine(norms, anomalous, beta=0.2):
    """Windows of int(beta * m) with the greatest total variation of the density."""
    normal = np.concatenate([n for n, a in zip(norms, anomalous, strict=True) if not a])
    mean, variance = np.mean(normal), np.var(normal, ddof=1)
    labels, densities = [], []
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


def plain_largest_variation(p, length):
    best, best_first = -1.0, None
    p = [float(x) for x in p]
    for first in range(len(p) - length + 1):
        total = 0.0
        for t in range(first, first + length - 1):
            total += abs(p[t + 1] - p[t])
        if total > best:
            best, best_first = total, first
    return best_first


def paper_norms(features):
    """n_ij = mean over crops of ||f_ij||."""
    return np.array(
        [np.mean([np.linalg.norm(crop.astype(np.float64)) for crop in s]) for s in features]
    )


def paper_summary(norms):
    return norms.mean(), norms.std(ddof=1)


def paper_coarse(summaries, eta=1.0):
    """Round by round; visited by mean norm, so that the order of videos reaches no random start."""
    points = np.array(summaries, dtype=np.float64)
    normal, anomalous = sorted(range(len(points)), key=lambda i: tuple(points[i])), []
    rounds = []
    while len(anomalous) / len(normal) <= eta:
        component = mixture(points[normal]).predict(points[normal])
        parts = [[i for i, c in zip(normal, component, strict=True) if c == k] for k in (0, 1)]
        smaller, larger = sorted(parts, key=len)
        anomalous, normal = anomalous + smaller, larger
        rounds.append(smaller)
    return rounds


def paper_fine(norms, anomalous, beta=0.2):
    normal = np.concatenate([n for n, a in zip(norms, anomalous, strict=True) if not a])
    mean, std = np.mean(normal), np.std(normal, ddof=1)
    labels, densities = [], []
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


def plain_lowest_mean(p, length):
    best, best_first = math.inf, None
    p = [float(x) for x in p]
    for first in range(len(p) - length + 1):
        total = 0.0
        for t in range(first, first + length):
            total += p[t]
        if total < best:
            best, best_first = total, first
    return best_first
