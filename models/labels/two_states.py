"""A hidden Markov model with two states, observed through one number z per segment.

z scatters around the mean of the current state. Before each segment but the first, the state is
kept with probability 1 - r and drawn again with probability r. States therefore last, and the
length of an anomalous window follows from the evidence instead of a fixed share of the video:

    z_t | state k ~ N(mean_k, deviation^2)
    P(state_t = k | state_t-1 = j) = (1 - r) [j = k] + r share_k,   P(state_1 = k) = share_k

Both states share one deviation, so that a higher z never favours the lower state.

Fitted by expectation maximisation to all videos at once (Rabiner 1989, scaled passes).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PIECE_SEGMENTS = 256
"""Longer videos are cut into pieces of nearly equal length, which bounds time and memory. A state
lasts about ten segments, so a cut affects few of them."""
_MOST_ROUNDS = 200
_SETTLED = 1e-6  # gain in mean log-likelihood below which the fit has converged
_LEAST_DEVIATION = 1e-3  # relative to the deviation of z
_FIRST_RENEWAL = 0.1


@dataclass(frozen=True)
class TwoStates:
    """A fitted model; index 0 is the lower state, index 1 the higher."""

    means: Array
    """(2,) mean z of each state, ascending."""
    deviation: float
    """Standard deviation of z around the mean of its state."""
    shares: Array
    """(2,) probability of each state when it is drawn; they sum to 1."""
    renewal: float
    """Probability that the state is drawn again before a segment; 1 means no memory."""


def fit(z: Sequence[Array]) -> TwoStates:
    """Fits the model by maximum likelihood, starting at the quartiles of z; nothing is random.

    Args:
        z: (segments,) per video, finite and not all equal.
    """
    pieces = _Pieces(z)
    values = pieces.values[pieces.there]
    spread = float(values.std())
    chain = TwoStates(
        np.quantile(values, (0.25, 0.75)), spread / 2, np.full(2, 0.5), _FIRST_RENEWAL
    )
    before = -math.inf
    for _ in range(_MOST_ROUNDS):
        posterior = _smoothed(pieces, chain)
        chain = _likeliest(pieces, posterior, _LEAST_DEVIATION * spread)
        settled = posterior.log_likelihood - before < _SETTLED * len(values)
        before = posterior.log_likelihood
        if settled:
            break
    order = np.argsort(chain.means, kind="stable")
    return TwoStates(chain.means[order], chain.deviation, chain.shares[order], chain.renewal)


def higher_state(z: Sequence[Array], chain: TwoStates) -> tuple[Array, ...]:
    """(segments,) per video in [0, 1]: probability of the higher state, given the whole video."""
    pieces = _Pieces(z)
    return pieces.by_video(np.clip(_smoothed(pieces, chain).weights[..., 1], 0, 1))


def log_odds(z: Sequence[Array], chain: TwoStates) -> tuple[Array, ...]:
    """(segments,) per video: log-odds of the higher state, given the whole video."""
    pieces = _Pieces(z)
    weights = np.log(np.maximum(_smoothed(pieces, chain).weights, 1e-300))
    return pieces.by_video(weights[..., 1] - weights[..., 0])


@dataclass(frozen=True)
class _Posterior:
    weights: Array
    """(pieces, length, 2) probability of each state, given the whole piece."""
    drawn: Array
    """(2,) expected number of draws of each state, first segments included."""
    renewals: float
    """Expected number of draws, without first segments."""
    log_likelihood: float


class _Pieces:
    """Videos cut into pieces of at most PIECE_SEGMENTS, padded to one length."""

    def __init__(self, z: Sequence[Array]) -> None:
        pieces = [
            piece
            for video in z
            for piece in np.array_split(video, -(-len(video) // PIECE_SEGMENTS))
        ]
        lengths = np.array([len(piece) for piece in pieces])
        self.there = np.arange(lengths.max()) < lengths[:, None]
        """(pieces, length) True for segments, False for padding."""
        self.values = np.zeros(self.there.shape)
        """(pieces, length) z of the segments, 0 for padding."""
        self.values[self.there] = np.concatenate(pieces)
        self.pairs = int((lengths - 1).sum())
        """Number of pairs of neighbouring segments."""
        self._ends = np.cumsum([len(video) for video in z])

    def by_video(self, values: Array) -> tuple[Array, ...]:
        """Turns (pieces, length) values into (segments,) per video."""
        return tuple(np.split(values[self.there], self._ends[:-1]))


def _likeliest(pieces: _Pieces, posterior: _Posterior, least_deviation: float) -> TwoStates:
    """Maximisation step, in closed form because renewals are counted as events."""
    weights, values = posterior.weights[pieces.there], pieces.values[pieces.there]
    means = (values @ weights) / (weights.sum(axis=0) + 1e-12)
    variance = float((weights * (values[:, None] - means) ** 2).sum()) / len(values)
    drawn = posterior.drawn + 1e-12
    renewal = min(max(posterior.renewals / max(pieces.pairs, 1), 1e-6), 1.0)
    deviation = max(math.sqrt(variance), least_deviation)
    return TwoStates(means, deviation, drawn / drawn.sum(), renewal)


def _smoothed(pieces: _Pieces, chain: TwoStates) -> _Posterior:
    """Expectation step: forward and backward pass."""
    there, shares, renewal = pieces.there, chain.shares, chain.renewal
    logs = -0.5 * ((pieces.values[..., None] - chain.means) / chain.deviation) ** 2
    highest = logs.max(axis=2, keepdims=True)
    seen = np.where(there[..., None], np.exp(logs - highest), 1.0)
    forward, scale = _forward(seen, shares, renewal)
    backward = np.ones_like(forward)
    drawn, renewals = np.zeros(2), 0.0
    for t in range(seen.shape[1] - 1, 0, -1):
        coming = seen[:, t] * backward[:, t] / scale[:, t, None]
        from_draw = renewal * shares * coming * there[:, t, None]
        drawn += from_draw.sum(axis=0)
        renewals += float(from_draw.sum())
        mixed = (1 - renewal) * coming + renewal * (coming @ shares)[:, None]
        backward[:, t - 1] = np.where(there[:, t, None], mixed, 1.0)
    weights = forward * backward
    weights /= weights.sum(axis=2, keepdims=True)
    normaliser = math.log(chain.deviation * math.sqrt(2 * math.pi))
    terms = np.log(scale[there]) + highest[..., 0][there] - normaliser
    return _Posterior(weights, drawn + weights[:, 0].sum(axis=0), renewals, float(terms.sum()))


def _forward(seen: Array, shares: Array, renewal: float) -> tuple[Array, Array]:
    """(pieces, length, 2) filtered probabilities and (pieces, length) their scales."""
    forward, scale = np.empty_like(seen), np.empty(seen.shape[:2])
    prior = np.broadcast_to(shares, (len(seen), 2))
    for t in range(seen.shape[1]):
        joint = prior * seen[:, t]
        scale[:, t] = joint.sum(axis=1)
        forward[:, t] = joint / scale[:, t, None]
        prior = (1 - renewal) * forward[:, t] + renewal * shares
    return forward, scale
