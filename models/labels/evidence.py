"""Evidence for an anomaly in each segment, on the scale of a standard normal (`--method refined`).

It has up to four views, each a normal score over the segments that the evidence was made from:

- change: distance to the more different neighbour in time (change.py)
- surroundings: distance from the usual state of the segments around (surroundings.py)
- elsewhere: distance to the nearest segment of another video (distance.py); used only if scenes do
  not differ, and if it agrees with change
- position: nearness to the middle; used only if videos begin and end with less change

The evidence is the mean of the first three, then the mean of that and position, converted to a
normal score again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from c2fpl.models.chunks import thinned
from c2fpl.models.labels.change import Array, Videos, larger_side, steps_of
from c2fpl.models.labels.distance import Reference, distance
from c2fpl.models.labels.surroundings import distance_from_surroundings
from c2fpl.models.labels.usual import ends_are_stiller, scenes_differ

_SAMPLED_VIDEOS = 128
_SAMPLED_ROWS = 32  # of each of these videos, or more if they are few
_REFERENCE_ROWS = 1024  # of all videos
_AGREED = 0.4
"""Minimum rank correlation with change for other videos to count. Measured: 0.42 to 0.79 where they
help, 0.18 where they harm."""
_MOST_KNOTS = 4096
_KNOTS = ("changes", "surroundings", "distances", "means")


@dataclass(frozen=True, eq=False)
class Evidence:
    """Measures any video on the scale of the videos that it was made from."""

    relative: bool
    """Whether scenes differ, so that only a video's own segments tell what is usual in it."""
    elsewhere: bool
    """Whether the distance to other videos counts."""
    centred: bool
    """Whether position counts."""
    reference: Reference
    """Segments sampled from all videos; empty if other videos do not count."""
    changes: Array
    """(knots,) change of the segments that it was made from, ascending."""
    surroundings: Array
    """(knots,) their distance from the segments around, ascending."""
    distances: Array
    """(knots,) their distance to other videos, ascending; empty if other videos do not count."""
    means: Array
    """(knots,) the mean of their views, ascending."""

    def of(self, video: Iterable[NDArray[Any]]) -> Array:
        """(segments,) evidence of a video, which is read up to four times.

        Args:
            video: its crop means in order of time, as chunks of (segments, dim).
        """
        (steps,) = steps_of([video])
        far = distance(video, self.reference) if self.elsewhere else None
        mean = self._mean(_change(steps, self.changes), distance_from_surroundings(video), far)
        return normal_scores(mean, self.means)

    def _mean(self, change: Array, around: Array, far: Array | None) -> Array:
        """(segments,) mean of the views that count, of one video."""
        views = [
            normal_scores(change, self.changes),
            # Both ends are their own surroundings, so a video of two segments has none.
            normal_scores(around, self.surroundings) * (len(around) > 2),
        ]
        if far is not None:
            views.append(normal_scores(far, self.distances))
        mean: Array = np.mean(views, axis=0)
        return (mean + nearness_to_middle(len(mean))) / 2 if self.centred else mean

    def as_arrays(self) -> dict[str, NDArray[Any]]:
        """All fields as arrays by name, for a file."""
        fields = {name: value for name, value in vars(self).items() if name != "reference"}
        reference = {f"reference.{name}": value for name, value in vars(self.reference).items()}
        return {name: np.asarray(value) for name, value in (fields | reference).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "Evidence":
        """Inverse of `as_arrays`."""
        return cls(
            relative=bool(arrays["relative"]),
            elsewhere=bool(arrays["elsewhere"]),
            centred=bool(arrays["centred"]),
            reference=Reference(
                np.asarray(arrays["reference.rows"]), np.asarray(arrays["reference.owners"])
            ),
            **{name: np.asarray(arrays[name]) for name in _KNOTS},
        )


def make_evidence(videos: Videos, steps: Sequence[Array]) -> tuple[Evidence, tuple[Array, ...]]:
    """Makes the evidence from all videos, and its (segments,) values for each video.

    The result does not depend on the order of the videos.

    Args:
        videos: crop means of each video, in chunks; each is read up to four times.
        steps: the result of `steps_of` for the same videos.
    """
    known = np.sort(np.concatenate([larger_side(one) for one in steps if len(one)]))
    changes = [_change(one, known) for one in steps]
    order = sorted(range(len(videos)), key=lambda number: changes[number].tobytes())
    chosen = [order[i] for i in _evenly(len(order), _SAMPLED_VIDEOS)]
    each = max(_SAMPLED_ROWS, _REFERENCE_ROWS // len(chosen))
    sampled = [thinned(videos[number], each) for number in chosen]
    rows = [one.astype(np.float32) for _, one in sampled]
    their_changes = [
        changes[number][places] for number, (places, _) in zip(chosen, sampled, strict=True)
    ]
    relative = scenes_differ(rows, their_changes)
    around = [distance_from_surroundings(video) for video in videos]
    reference, far = _elsewhere(videos, [] if relative else rows, changes)
    draft = Evidence(
        relative=relative,
        elsewhere=len(far) > 0,
        centred=ends_are_stiller(steps),
        reference=reference,
        changes=knots_of(known),
        surroundings=knots_of(np.concatenate(around)),
        distances=knots_of(np.concatenate(far)) if far else np.empty(0),
        means=np.empty(0),  # of the views that count, so they need the draft
    )
    means = [
        draft._mean(change, near, far[number] if far else None)
        for number, (change, near) in enumerate(zip(changes, around, strict=True))
    ]
    evidence = replace(draft, means=knots_of(np.concatenate(means)))
    return evidence, tuple(normal_scores(mean, evidence.means) for mean in means)


def _elsewhere(
    videos: Videos, rows: Sequence[NDArray[np.float32]], changes: Sequence[Array]
) -> tuple[Reference, list[Array]]:
    """The reference, and (segments,) distances per video; both empty if they do not count.

    Args:
        videos: crop means of each video, in chunks.
        rows: (n, dim) segments sampled from each of some videos; at most one to use no other video.
        changes: (segments,) change per video.
    """
    nothing = Reference(np.empty((0, 0), np.float32), np.empty(0, np.int64))
    if len(rows) < 2:
        return nothing, []
    reference = _reference(rows)
    far = [found for video in videos if (found := distance(video, reference)) is not None]
    if len(far) < len(videos):
        return nothing, []  # all samples are copies of one video
    agreement = _rank_correlation(np.concatenate(changes), np.concatenate(far))
    return (reference, far) if agreement >= _AGREED else (nothing, [])


def _reference(rows: Sequence[NDArray[np.float32]]) -> Reference:
    every = np.concatenate(rows)
    owners = np.repeat(np.arange(len(rows)), [len(one) for one in rows])
    kept = _evenly(len(every), _REFERENCE_ROWS)
    return Reference(every[kept], owners[kept])


def _rank_correlation(one: Array, other: Array) -> float:
    """Rank correlation; 0 if either side is constant. It does not depend on the order of pairs."""
    order = np.lexsort((other, one))
    ranks = rankdata(one[order]), rankdata(other[order])
    return float(np.corrcoef(*ranks)[0, 1]) if min(map(np.ptp, ranks)) > 0 else 0.0


def nearness_to_middle(count: int) -> Array:
    """(count,) normal scores, highest in the middle; 0 for a single segment."""
    apart = np.abs(2 * (np.arange(count) + 0.5) / count - 1)
    scores: Array = ndtri((1 - apart) * count / (count + 1))
    return scores


def normal_scores(values: Array, knots: Array) -> Array:
    """Converts ranks among ascending knots to standard normal quantiles; ties stay equal."""
    places = np.searchsorted(knots, values, "left") + np.searchsorted(knots, values, "right")
    scores: Array = ndtri((places + 1) / (2 * (len(knots) + 1)))
    return scores


def _change(steps: Array, known: Array) -> Array:
    """(segments,) change; a single segment has none and gets the median, which is neutral."""
    return larger_side(steps) if len(steps) else np.full(1, np.median(known))


def knots_of(values: Array) -> Array:
    """Sorts values and keeps at most 4096 of them, at evenly spaced ranks."""
    ascending = np.sort(values)
    return ascending[_evenly(len(ascending), _MOST_KNOTS)]


def _evenly(count: int, most: int) -> NDArray[np.int64]:
    """At most `most` evenly spaced integers in [0, count)."""
    wanted = min(count, most)
    return (np.arange(wanted) * 2 + 1) * count // (2 * wanted)
