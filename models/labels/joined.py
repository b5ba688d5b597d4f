"""Evidence and a detector's scores of the same segments as one score. Knows no detector.

The detector is one more view beside the evidence's two: both as normal scores, the evidence counts
double. A chain of two states, fitted to videos of the training set, makes log-odds of their mean,
smooth in time as far as the videos themselves are. The score says how rare such odds are: with p
the share of training segments whose odds are as high, it is mostly ln(1/p), as a fraction of its
largest value, so that few segments have a high score whatever the share of the higher state.
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

_RARITY = 0.9  # of the score; the rest are the odds, which keep the order beyond the known ones
_SOFTER = 4.0  # odds are divided by this: float32 then keeps the order of all that occur


@dataclass(frozen=True, eq=False)
class Joined:
    """What turns evidence and detector scores of a video into its scores."""

    evidence: Evidence
    """Measures the evidence."""
    detected: Array
    """(knots,) ascending: the detector's scores of training segments."""
    chain: two_states.TwoStates
    """Fitted to the mean of both in training videos."""
    odds: Array
    """(knots,) ascending: log-odds of training segments."""

    def scores(self, evidence: Array, detected: NDArray[np.float32]) -> NDArray[np.float32]:
        """(segments,) of one video in [0, 1], from its evidence and its detector scores."""
        with threadpool_limits(limits=1):
            view = _mean(evidence, detected, self.detected)
            (odds,) = two_states.log_odds([view], self.chain)
        count = len(self.odds)
        share = 1 - (np.interp(odds, self.odds, np.arange(count)) + 0.5) / count
        rarity = np.log(share) / np.log(0.5 / count)
        scores: Array = _RARITY * rarity + (1 - _RARITY) * expit(odds / _SOFTER)
        return scores.astype(np.float32)

    def as_arrays(self) -> dict[str, NDArray[Any]]:
        """For a file: flat, by name."""
        chain = {f"chain.{name}": np.asarray(value) for name, value in asdict(self.chain).items()}
        return {**self.evidence.as_arrays(), "detected": self.detected, "odds": self.odds, **chain}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Joined":
        """What `as_arrays` gave."""
        chain = two_states.TwoStates(
            means=np.asarray(arrays["chain.means"]),
            shares=np.asarray(arrays["chain.shares"]),
            **{n: float(arrays[f"chain.{n}"]) for n in ("deviation", "renewal", "gain")},
        )
        detected, odds = (np.asarray(arrays[name]) for name in ("detected", "odds"))
        return cls(Evidence.from_arrays(arrays), detected, chain, odds)


def join(
    evidence: Evidence, values: Sequence[Array], detected: Sequence[NDArray[np.float32]]
) -> Joined:
    """Fit to some training videos; their order reaches no bit.

    Args:
        evidence: made from the training videos.
        values: per video (segments,) its evidence.
        detected: per video (segments,) the detector's scores.
    """
    with threadpool_limits(limits=1):
        known = knots_of(np.concatenate(list(detected)).astype(np.float64))
        views = [_mean(z, s, known) for z, s in zip(values, detected, strict=True)]
        views.sort(key=lambda view: view.tobytes())
        chain = two_states.fit(views)
        odds = knots_of(np.concatenate(two_states.log_odds(views, chain)))
    return Joined(evidence, known, chain, odds)


def _mean(evidence: Array, detected: NDArray[np.float32], known: Array) -> Array:
    return (2 * evidence + normal_scores(detected.astype(np.float64), known)) / 3
