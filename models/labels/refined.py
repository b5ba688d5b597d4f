"""Labels from the evidence in time: `--method refined`. Knows no files.

Coarse to fine like the paper's, with another z. Its derivation, what chose each part and what it
brought stand in docs/methods.md.

1. Evidence: change in time, distance from what is usual, and position where it counts, as one
   normal score a segment (evidence.py).
2. A chain of two states is fitted to all videos (two_states.py). The state of more evidence is
   the anomalous one. Its posterior is the soft label; a window is as long as the evidence says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits

from c2fpl.models.labels import two_states
from c2fpl.models.labels.change import Array, Videos, steps_of
from c2fpl.models.labels.evidence import Evidence, make_evidence

_APART = 3  # segments: the change of t rests on t - 1, t and t + 1
_SAME = 1e-6  # relative: changes nearer than float32 can tell are the same change


class NothingToTell(ValueError):
    """No segment differs from another in any way that this method sees."""


@dataclass(frozen=True)
class RefinedLabels:
    """The pseudo-labels, in the order in which the videos were given."""

    anomalous: NDArray[np.bool_]
    """(videos,) true where more than half of the video is expected to be anomalous."""
    shares: Array
    """(videos,) expected share of anomalous segments, in [0, 1]: the coarse statistic."""
    labels: tuple[NDArray[np.float32], ...]
    """Per video (segments,) in [0, 1]: probability that the segment is anomalous."""
    evidence: Evidence
    """How it was measured, for other videos."""
    scores: tuple[Array, ...]
    """Per video (segments,) the evidence z, a standard normal over all segments."""
    p_values: tuple[Array, ...]
    """Per video (segments,) in (0, 1]: share of all segments whose evidence is as high."""
    notes: tuple[str, ...]
    """One line for each reason to distrust the labels; empty when there is none."""


def label(videos: Videos) -> RefinedLabels:
    """Soft labels for every segment.

    Nothing is set, and the order of the videos reaches no bit of a label.

    Args:
        videos: per video its crop means as chunks (segments, dim), float16 or float32.

    Raises:
        BadSegments: features that cannot be compared.
        NothingToTell: all segments change alike (constant features, or one segment a video).
    """
    with threadpool_limits(limits=1):  # sums in one order, whatever the machine's cores
        steps = steps_of(videos)
        _refuse_constant(steps)
        evidence, scores = make_evidence(videos, steps)
        # The chain sums over the videos in the order of their evidence, not in the one given.
        order = sorted(range(len(scores)), key=lambda video: scores[video].tobytes())
        ordered = [scores[video] for video in order]
        posterior = two_states.higher_state(ordered, two_states.fit(ordered))
        notes = _doubts(ordered)
    labels = [posterior[place] for place in np.argsort(order)]
    shares = np.array([float(one.mean()) for one in labels])
    return RefinedLabels(
        anomalous=shares > 0.5,
        shares=shares,
        labels=tuple(one.astype(np.float32) for one in labels),
        evidence=evidence,
        scores=scores,
        p_values=tuple(_upper_tails(scores)),
        notes=notes,
    )


def _refuse_constant(steps: Sequence[Array]) -> None:
    """Refuse videos in which nothing changes.

    Raises:
        NothingToTell: there is no change at all, or the same everywhere.
    """
    known = np.concatenate(list(steps))
    if len(known) == 0 or np.ptp(known) <= _SAME * known.max():
        largest = f"{known.max():.3g}" if len(known) else "unknown (one segment a video)"
        count = len(known) + len(steps)
        raise NothingToTell(
            f"the {count} segments all differ from their neighbours by the same {largest}, so "
            "none can be told from the others; give features that vary in time"
        )


def _split(every: Array, like: Sequence[Array]) -> list[Array]:
    return np.split(every, np.cumsum([len(video) for video in like])[:-1])


def _upper_tails(evidence: Sequence[Array]) -> list[Array]:
    every = np.concatenate(list(evidence))
    return _split(rankdata(-every, method="max") / len(every), evidence)


def _doubts(evidence: Sequence[Array]) -> tuple[str, ...]:
    """A note where one population without memory explains the evidence as well as two states do.

    Judged on every third segment: those share no pair of neighbours, so change is not alike in
    them by its definition alone.
    """
    apart = [video[::_APART] for video in evidence]
    every = np.concatenate(apart)
    if np.ptp(every) > 0 and two_states.fit(apart).gain > 0:
        return ()
    return (
        f"the statistic is uninformative: one population explains {len(every)} segments far enough "
        "apart as well as two states in time (BIC), so the labels may be noise; give more videos",
    )
