"""Joins the evidence and a detector's scores of the same segments into one score.

Both are converted to normal scores. Their mean counts the evidence, which has up to three views of
the features, three times. A hidden Markov model (two_states.py), fitted to training videos, turns
the mean into log-odds and smooths them over time. The score is mostly ln(1/p) as a fraction of its
maximum, where p is the share of training segments with log-odds at least as high. High scores are
therefore rare, whatever the share of the higher state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from threadpoolctl import threadpool_limits

from c2fpl.models.labels import two_states
from c2fpl.models.labels.change import Array
from c2fpl.models.labels.evidence import Evidence, knots_of, normal_scores

_RARITY = (
    0.9  # weight in the score; the rest is the odds, which keep the order beyond training odds
)
_SOFTER = 4.0  # divides log-odds, so that their order survives in float32


@dataclass(frozen=True, eq=False)
class Joined:
    """Turns the evidence and detector scores of a video into its final scores."""

    evidence: Evidence
    """Measures the evidence of a video."""
    detected: Array
    """(knots,) detector scores of training segments, ascending."""
    chain: two_states.TwoStates
    """Fitted to the weighted means of training videos."""
    odds: Array
    """(knots,) log-odds of training segments, ascending."""

    def scores(self, evidence: Array, detected: NDArray[np.float32]) -> NDArray[np.float32]:
        """(segments,) float32 final scores of one video in [0, 1]."""
        with threadpool_limits(limits=1):
            view = _mean(evidence, detected, self.detected)
            (odds,) = two_states.log_odds([view], self.chain)
        count = len(self.odds)
        share = 1 - (np.interp(odds, self.odds, np.arange(count)) + 0.5) / count
        rarity = np.log(share) / np.log(0.5 / count)
        scores: Array = _RARITY * rarity + (1 - _RARITY) * expit(odds / _SOFTER)
        return scores.astype(np.float32)

    def as_arrays(self) -> dict[str, NDArray[Any]]:
        """All values as arrays by name, for a file."""
        chain = {f"chain.{name}": np.asarray(value) for name, value in asdict(self.chain).items()}
        return {**self.evidence.as_arrays(), "detected": self.detected, "odds": self.odds, **chain}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Joined":
        """Inverse of `as_arrays`."""
        chain = two_states.TwoStates(
            means=np.asarray(arrays["chain.means"]),
            shares=np.asarray(arrays["chain.shares"]),
            **{name: float(arrays[f"chain.{name}"]) for name in ("deviation", "renewal")},
        )
        detected, odds = (np.asarray(arrays[name]) for name in ("detected", "odds"))
        return cls(Evidence.from_arrays(arrays), detected, chain, odds)


def join(
    evidence: Evidence, values: Sequence[Array], detected: Sequence[NDArray[np.float32]]
) -> Joined:
    """Fits to some training videos; the result does not depend on their order.

    Args:
        evidence: made from the training videos.
        values: (segments,) evidence per video.
        detected: (segments,) detector scores per video, in [0, 1].
    """
    with threadpool_limits(limits=1):
        known = knots_of(np.concatenate(list(detected)).astype(np.float64))
        views = [_mean(z, s, known) for z, s in zip(values, detected, strict=True)]
        views.sort(key=lambda view: view.tobytes())
        chain = two_states.fit(views)
        odds = knots_of(np.concatenate(two_states.log_odds(views, chain)))
    return Joined(evidence, known, chain, odds)


def _mean(evidence: Array, detected: NDArray[np.float32], known: Array) -> Array:
    """(segments,) mean of the evidence, counted three times, and the detector's normal scores."""
    mean: Array = (3 * evidence + normal_scores(detected.astype(np.float64), known)) / 4
    return mean
