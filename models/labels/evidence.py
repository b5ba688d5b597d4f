"""How much speaks for an anomaly in each segment, as a standard normal: `--method refined`.

Views, each a normal score over the segments that the evidence was made from:

- change: distance to the less alike neighbour in time (change.py);
- distance: mean distance to the segments of the video itself where scenes differ, else to segments
  of all videos (usual.py says which); it counts where it agrees with change;
- position, where videos begin and end stiller than they are in between: nearness to the middle.

The evidence is the mean of change and distance, then of that and position, again as a normal score.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from c2fpl.models.labels.change import Array, Videos, larger_side, steps_of
from c2fpl.models.labels.usual import ends_are_stiller, scenes_differ
from c2fpl.models.rows import blocks, thinned

_OWN_ROWS = 256  # of a video, that its segments are compared with
_ASKED_VIDEOS = 128
_ASKED_ROWS = 32  # of each video asked
_SET_ROWS = 256  # of all videos
_BLOCK = 256
_AGREED = 0.4
"""Rank correlation with change from which on distance counts. Seen: .51 to .72 where it helps, .19
and .27 where it harms."""
_MOST_KNOTS = 4096


@dataclass(frozen=True, eq=False)
class Evidence:
    """Measures any video on the scale of those that it was made from."""

    relative: bool
    """Distance is to the video's own segments; else to `reference`."""
    distant: bool
    """Distance counts."""
    centred: bool
    """Position counts."""
    reference: NDArray[np.float32]
    """(rows, dim) segments of all videos; (0, dim) with `relative`."""
    changes: Array
    """(knots,) ascending: change of the segments it was made from."""
    distances: Array
    """(knots,) ascending: their distance."""
    means: Array
    """(knots,) ascending: their mean of views."""

    def of(self, video: Iterable[NDArray[Any]]) -> Array:
        """(segments,) evidence; the video is read two or three times.

        Args:
            video: its crop means in order of time, as chunks of (segments, dim).
        """
        (steps,) = steps_of([video])
        change = _change(steps, self.changes)
        if not self.distant:
            return normal_scores(self._mean(change, change), self.means)
        far = distance(video, None if self.relative else self.reference)
        return normal_scores(self._mean(change, far), self.means)

    def _mean(self, change: Array, far: Array) -> Array:
        """Mean of the views that count."""
        mean = normal_scores(change, self.changes)
        if self.distant:
            mean = (mean + normal_scores(far, self.distances)) / 2
        return (mean + nearness_to_middle(len(mean))) / 2 if self.centred else mean

    def as_arrays(self) -> dict[str, NDArray[Any]]:
        """For a file: all fields by name."""
        return {name: np.asarray(value) for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Evidence":
        """What `as_arrays` gave."""
        return cls(
            relative=bool(arrays["relative"]),
            distant=bool(arrays["distant"]),
            centred=bool(arrays["centred"]),
            reference=np.asarray(arrays["reference"], np.float32),
            **{name: np.asarray(arrays[name]) for name in ("changes", "distances", "means")},
        )


def make_evidence(videos: Videos, steps: Sequence[Array]) -> tuple[Evidence, tuple[Array, ...]]:
    """The evidence of all videos, and per video (segments,) its values.

    The order of the videos reaches no bit.

    Args:
        videos: per video its crop means as chunks; each is read up to three times.
        steps: of them, as `steps_of` gives them.
    """
    known = np.sort(np.concatenate([larger_side(one) for one in steps if len(one)]))
    changes = [_change(one, known) for one in steps]
    order = sorted(range(len(videos)), key=lambda number: changes[number].tobytes())
    asked = [order[i] for i in _evenly(len(order), _ASKED_VIDEOS)]
    sampled = [thinned(videos[number], _ASKED_ROWS) for number in asked]
    rows = [one.astype(np.float32) for _, one in sampled]
    told = [changes[number][places] for number, (places, _) in zip(asked, sampled, strict=True)]
    relative = scenes_differ(rows, told)
    every = np.concatenate(rows)
    reference = every[[] if relative else _evenly(len(every), _SET_ROWS)]
    distances = [distance(video, None if relative else reference) for video in videos]
    agreement = _rank_correlation(np.concatenate(changes), np.concatenate(distances))
    draft = Evidence(
        relative=relative,
        distant=agreement >= _AGREED,
        centred=ends_are_stiller(steps),
        reference=reference,
        changes=knots_of(known),
        distances=knots_of(np.concatenate(distances)),
        means=np.empty(0),
    )
    means = [draft._mean(*views) for views in zip(changes, distances, strict=True)]
    evidence = Evidence(**{**vars(draft), "means": knots_of(np.concatenate(means))})
    return evidence, tuple(normal_scores(mean, evidence.means) for mean in means)


def _rank_correlation(one: Array, other: Array) -> float:
    """Of values in the same order; 0 where one of them is constant. Their order reaches no bit."""
    order = np.lexsort((other, one))
    ranks = rankdata(one[order]), rankdata(other[order])
    return float(np.corrcoef(*ranks)[0, 1]) if min(map(np.ptp, ranks)) > 0 else 0.0


def distance(video: Iterable[NDArray[Any]], reference: NDArray[np.float32] | None) -> Array:
    """(segments,) mean distance to the rows of `reference`, or to the video's own (thinned)."""
    rows = (thinned(video, _OWN_ROWS)[1] if reference is None else reference).astype(np.float64)
    origin = rows.mean(axis=0)  # near the rows, so that the squares below do not cancel
    rows = rows - origin
    squares = (rows**2).sum(axis=1)
    found = []
    for block in blocks(video, _BLOCK):
        values = block.astype(np.float64) - origin
        squared = (values**2).sum(axis=1)[:, None] + squares - 2 * values @ rows.T
        found.append(np.sqrt(np.maximum(squared, 0)).mean(axis=1))
    return np.concatenate(found)


def nearness_to_middle(count: int) -> Array:
    """(count,) normal scores, highest in the middle; one segment has 0."""
    apart = np.abs(2 * (np.arange(count) + 0.5) / count - 1)
    scores: Array = ndtri((1 - apart) * count / (count + 1))
    return scores


def normal_scores(values: Array, knots: Array) -> Array:
    """Ranks among ascending knots to quantiles of the standard normal; equal values stay equal."""
    places = np.searchsorted(knots, values, "left") + np.searchsorted(knots, values, "right")
    scores: Array = ndtri((places + 1) / (2 * (len(knots) + 1)))
    return scores


def _change(steps: Array, known: Array) -> Array:
    """A video of one segment has no change: it is given the median, which says nothing."""
    return larger_side(steps) if len(steps) else np.full(1, np.median(known))


def knots_of(values: Array) -> Array:
    """Ascending values, thinned to evenly spaced ranks."""
    ascending = np.sort(values)
    return ascending[_evenly(len(ascending), _MOST_KNOTS)]


def _evenly(count: int, most: int) -> NDArray[np.int64]:
    """At most `most` of the numbers below count, evenly spaced."""
    wanted = min(count, most)
    return (np.arange(wanted) * 2 + 1) * count // (2 * wanted)
