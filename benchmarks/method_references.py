"""Baseline scores that need no trained network, which every method should exceed."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from method_sets import RealSet
from numpy.typing import NDArray
from sklearn.mixture import GaussianMixture

from c2fpl.models.labels.change import larger_side, steps_of

Scores = list[NDArray[np.float64]]

_NEIGHBOURS = 5
_SAMPLED = 2048


def _means(videos: Sequence[NDArray[np.float32]]) -> Scores:
    """Means over crops, (segments, dim) per video."""
    return [video.mean(axis=1).astype(np.float64) for video in videos]


def minus_length(real: RealSet) -> Scores:
    """Minus the length: shorter videos score higher."""
    pairs = zip(real.tested, real.truths, strict=True)
    return [np.full(len(video), -float(len(truth))) for video, truth in pairs]


def later(real: RealSet) -> Scores:
    """Position in the video, from 0 to 1."""
    return [(np.arange(len(video)) + 0.5) / len(video) for video in real.tested]


def nearer_to_middle(real: RealSet) -> Scores:
    """Minus the distance from the middle of the video."""
    return [-np.abs(place - 0.5) for place in later(real)]


def norm(real: RealSet) -> Scores:
    """L2 norm of the feature vector."""
    return [np.linalg.norm(video, axis=1) for video in _means(real.tested)]


def change(real: RealSet) -> Scores:
    """Distance to the more different of the two neighbouring segments."""
    return [larger_side(steps) for steps in steps_of([[one] for one in _means(real.tested)])]


def own_median_distance(real: RealSet) -> Scores:
    """Distance to the median of the segment's own video."""
    return [np.linalg.norm(v - np.median(v, axis=0), axis=1) for v in _means(real.tested)]


def nearest_neighbours(real: RealSet) -> Scores:
    """Mean distance to the five nearest of 2048 training segments, without the segment itself."""
    known = np.concatenate(_means(real.trained))
    known = known[np.linspace(0, len(known) - 1, min(_SAMPLED, len(known))).astype(int)]
    squares = (known**2).sum(axis=1)
    found = []
    for video in _means(real.tested):
        squared = (video**2).sum(axis=1)[:, None] + squares - 2 * video @ known.T
        near = np.sort(np.sqrt(np.where(squared > 1e-9 * squares.mean(), squared, np.inf)), axis=1)
        found.append(near[:, :_NEIGHBOURS].mean(axis=1))
    return found


def two_part_mixture(real: RealSet) -> Scores:
    """Probability of the smaller of two Gaussians fitted to eight principal components."""
    known = np.concatenate(_means(real.trained))
    centre = known.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov(known - centre, rowvar=False))
    axes = axes[:, -8:]
    mixture = GaussianMixture(2, random_state=0).fit((known - centre) @ axes)
    smaller = int(np.argmin(mixture.weights_))
    tested = _means(real.tested)
    return [mixture.predict_proba((video - centre) @ axes)[:, smaller] for video in tested]


REFERENCES: Mapping[str, Callable[[RealSet], Scores]] = {
    "minus the length": minus_length,
    "later": later,
    "nearer to the middle": nearer_to_middle,
    "norm": norm,
    "change": change,
    "own-median distance": own_median_distance,
    "nearest neighbours": nearest_neighbours,
    "two-part mixture": two_part_mixture,
}
