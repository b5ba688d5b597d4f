"""Evidence and a detector's scores of the same segments as one score. Knows no detector.

The detector is one more view beside the evidence's two: both as normal scores, the evidence counts
double. A chain of two states, fitted to videos of the training set, makes a probability of their
mean, smooth in time as far as the videos themselves are.
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

_SOFTER = 4.0  # log-odds are divided by this: float32 then keeps the order of all that occur


@dataclass(frozen=True, eq=False)
class Joined:
    """What turns evidence and detector scores of a video into its scores."""

    evidence: Evidence
    """Measures the evidence."""
    detected: Array
    """(knots,) ascending: the detector's scores of training segments."""
    chain: two_states.TwoStates
    """Fitted to the mean of both in training videos."""

    def scores(self, evidence: Array, detected: NDArray[np.float32]) -> NDArray[np.float32]:
        """(segments,) of one video in (0, 1), from its evidence and its detector scores."""
        with threadpool_limits(limits=1):
            view = _mean(evidence, detected, self.detected)
            (odds,) = two_states.log_odds([view], self.chain)
        return expit(odds / _SOFTER).astype(np.float32)

    def as_arrays(self) -> dict[str, NDArray[Any]]:
        """For a file: flat, by name."""
        chain = {f"chain.{name}": np.asarray(value) for name, value in asdict(self.chain).items()}
        return {**self.evidence.as_arrays(), "detected": self.detected, **chain}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Joined":
        """What `as_arrays` gave."""
        chain = two_states.TwoStates(
            means=np.asarray(arrays["chain.means"]),
            shares=np.asarray(arrays["chain.shares"]),
            **{n: float(arrays[f"chain.{n}"]) for n in ("deviation", "renewal", "gain")},
        )
        return cls(Evidence.from_arrays(arrays), np.asarray(arrays["detected"]), chain)


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
        chain = two_states.fit(sorted(views, key=lambda view: view.tobytes()))
    return Joined(evidence, known, chain)


def _mean(evidence: Array, detected: NDArray[np.float32], known: Array) -> Array:
    return (2 * evidence + normal_scores(detected.astype(np.float64), known)) / 3
