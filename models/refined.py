"""Labels from how segments change and how rare they are: `--method refined`. Knows no files.

Coarse to fine like the paper's, with another z. Its derivation, what chose each part and what it
brought stand in docs/methods.md.

1. change_t: distance of a segment to the less alike of its neighbours in time. A difference in time
   takes the scene away, which is most of what features hold and says nothing about anomaly.
2. rarity_t: distance to the nearest segments of other videos.
3. Both become normal scores (ranks to Gaussian quantiles), free of unit, norm and outliers. Rarity
   joins with its correlation to change as weight, and not at all when that is negative: two signs
   that have nothing but anomaly in common must agree when both are good.
4. A chain of two states is fitted to all videos (models/two_states.py). The state of more change is
   the anomalous one. Its posterior is the soft label; a window is as long as the evidence says.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits

from c2fpl.models import two_states
from c2fpl.models.segment_space import Array, Videos, first_pass, rarities
from c2fpl.models.settings import LabelSettings

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
    scores: tuple[Array, ...]
    """Per video (segments,) the evidence z, a standard normal over all segments."""
    p_values: tuple[Array, ...]
    """Per video (segments,) in (0, 1]: share of all segments whose evidence is as high."""
    rarity_weight: float
    """In [0, 1]: how much rarity counts beside change; 0 when they disagree."""
    notes: tuple[str, ...]
    """One line for each reason to distrust the labels; empty when there is none."""


def label(videos: Videos, settings: LabelSettings) -> RefinedLabels:
    """Soft labels for every segment, in two passes over the videos.

    Neither the order of the videos nor the length of their chunks reaches a label, and nothing is
    drawn: `settings.seed` only salts the hash that samples the segments which rarity compares with.

    Args:
        videos: per video its crop means as chunks (segments, dim), float16 or float32. Each video
            is iterated twice.
        settings: `seed`; the other switches belong to the other methods.

    Raises:
        BadSegments: features that cannot be compared.
        NothingToTell: all segments change alike (constant features, or one segment a video).
    """
    with threadpool_limits(limits=1):  # sums in one order, whatever the machine's cores
        seen = first_pass(videos, settings.seed)
        changes = normal_scores(_filled(seen.changes))
        rare = rarities(videos, seen)
        # From here on the videos stand in the order of their keys: no sum knows their position.
        order = sorted(range(len(seen.keys)), key=lambda video: seen.keys[video])
        changes = [changes[video] for video in order]
        weight, evidence = 0.0, changes
        if rare is not None:
            weight, evidence = _joined(changes, normal_scores([rare[video] for video in order]))
        chain = two_states.fit(evidence)
        posterior = two_states.higher_state(evidence, chain)
    back = np.argsort(order)
    p_values = _upper_tails(evidence)
    shares = np.array([float(posterior[place].mean()) for place in back])
    return RefinedLabels(
        anomalous=shares > 0.5,
        shares=shares,
        labels=tuple(posterior[place].astype(np.float32) for place in back),
        scores=tuple(evidence[place] for place in back),
        p_values=tuple(p_values[place] for place in back),
        rarity_weight=weight,
        notes=_doubts(evidence),
    )


def _filled(changes: Sequence[Array]) -> list[Array]:
    """A video of one segment has no change: it is given the median, which says nothing.

    Raises:
        NothingToTell: there is no change at all, or the same everywhere.
    """
    every = np.concatenate(list(changes))
    known = every[np.isfinite(every)]
    if len(known) == 0 or np.ptp(known) <= _SAME * known.max():
        largest = f"{known.max():.3g}" if len(known) else "unknown (one segment a video)"
        raise NothingToTell(
            f"the {len(every)} segments all differ from their neighbours by the same {largest}, so "
            "none can be told from the others; give features that vary in time"
        )
    return [np.where(np.isfinite(change), change, np.median(known)) for change in changes]


def _split(every: Array, like: Sequence[Array]) -> list[Array]:
    return np.split(every, np.cumsum([len(video) for video in like])[:-1])


def normal_scores(values: Sequence[Array]) -> list[Array]:
    """Ranks over all videos to quantiles of the standard normal; equal values stay equal."""
    every = np.concatenate(list(values))
    return _split(ndtri((rankdata(every) - 0.5) / len(every)), values)


def _joined(changes: list[Array], rare: list[Array]) -> tuple[float, list[Array]]:
    """The weight of rarity and the evidence of both, again as normal scores."""
    change, rarity = np.concatenate(changes), np.concatenate(rare)
    if rarity.std() == 0:
        return 0.0, changes
    weight = max(0.0, float(np.corrcoef(change, rarity)[0, 1]))
    return weight, normal_scores(_split(change + weight * rarity, changes))


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
