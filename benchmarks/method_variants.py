"""The three methods, and `refined` with one part taken away or exchanged at a time."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from method_rarity import rarities
from numpy.typing import NDArray

from c2fpl.models.labels import coarse, fine, summaries, two_states
from c2fpl.models.labels.change import Array, changes
from c2fpl.models.labels.refined import label, normal_scores
from c2fpl.models.settings import LabelSettings, Method

Videos = Sequence[NDArray[np.float32]]
"""(segments, crops, dim) each."""
Labels = list[NDArray[np.float32]]


def by_method(videos: Videos, method: Method) -> Labels:
    """The labels of the command line's methods."""
    if method == "refined":
        return list(label(_crop_means(videos)).labels)
    settings = LabelSettings(method=method).resolved()
    assert settings.norm is not None
    assert settings.spread is not None
    norms = [summaries.segment_norms(video, settings.norm) for video in videos]
    described = np.stack([summaries.describe(one, settings.spread) for one in norms])
    split = coarse.label_videos(described, settings)
    found = fine.label_segments(norms, split.anomalous, settings)
    return [labels.astype(np.float32) for labels in found.labels]


def _crop_means(videos: Videos) -> list[list[NDArray[np.float32]]]:
    return [[video.mean(axis=1)] for video in videos]


def change_of(videos: Videos) -> list[Array]:
    """Normal scores of the change in time: the method's z."""
    found = changes(_crop_means(videos))
    middle = float(np.nanmedian(np.concatenate(found)))
    return normal_scores([np.nan_to_num(change, nan=middle) for change in found])


def rarity_of(videos: Videos) -> list[Array]:
    """Normal scores of the rarity."""
    return normal_scores(rarities([video.mean(axis=1) for video in videos]))


def departure_of(videos: Videos) -> list[Array]:
    """Normal scores of the distance to the mean of the own video."""
    means = [video.mean(axis=1) for video in videos]
    return normal_scores([np.linalg.norm(m - m.mean(axis=0), axis=1) for m in means])


def with_rarity(videos: Videos, weight: float | None = None) -> Labels:
    """Of both signs' sum; rarity's weight is their correlation, at least 0, if not given."""
    change, rarity = change_of(videos), rarity_of(videos)
    if weight is None:
        found = np.corrcoef(np.concatenate(change), np.concatenate(rarity))[0, 1]
        weight = max(0.0, float(found))
    return soft(normal_scores([a + weight * b for a, b in zip(change, rarity, strict=True)]))


def soft(evidence: list[Array]) -> Labels:
    """The chain's posterior."""
    return _float32(two_states.higher_state(evidence, two_states.fit(evidence)))


def _float32(labels: Sequence[Array]) -> Labels:
    return [one.astype(np.float32) for one in labels]


def without_memory(videos: Videos) -> Labels:
    """Each segment for itself: the state is drawn anew every time."""
    evidence = change_of(videos)
    chain = replace(two_states.fit(evidence), renewal=1.0)
    return _float32(two_states.higher_state(evidence, chain))


def ranks(videos: Videos) -> Labels:
    """No states: the share of segments with less evidence is the label."""
    return [
        np.array([0.5 * math.erfc(-z / math.sqrt(2)) for z in one], np.float32)
        for one in change_of(videos)
    ]


def hard(videos: Videos) -> Labels:
    """1 where the posterior passes 1/2."""
    return [(one > 0.5).astype(np.float32) for one in by_method(videos, "refined")]


def paper_window(videos: Videos) -> Labels:
    """The paper's fine step: ceil(0.2 m) segments in a row of each anomalous video, else 0."""
    found = label(_crop_means(videos))
    labels = []
    for scores, anomalous in zip(found.scores, found.anomalous, strict=True):
        length = math.ceil(0.2 * len(scores))
        first = int(np.argmax(np.convolve(scores, np.ones(length), "valid")))
        one = np.zeros(len(scores), np.float32)
        one[first : first + length] = anomalous
        labels.append(one)
    return labels


def unranked(videos: Videos) -> Labels:
    """Logarithm of the change, standardised, in place of its ranks."""
    found = changes(_crop_means(videos))
    every = np.concatenate(found)
    logs = [np.log(np.nan_to_num(change, nan=1) + 1e-9 * np.nanmax(every)) for change in found]
    every = np.concatenate(logs)
    return soft([(one - every.mean()) / every.std() for one in logs])


VARIANTS: dict[str, Callable[[Videos], Labels]] = {
    "paper": lambda videos: by_method(videos, "paper"),
    "released": lambda videos: by_method(videos, "released"),
    "refined": lambda videos: by_method(videos, "refined"),
    "distance to own mean for change": lambda videos: soft(departure_of(videos)),
    "logarithms for ranks": unranked,
    "states without memory": without_memory,
    "ranks as labels, no states": ranks,
    "hard labels": hard,
    "the paper's window of 20 %": paper_window,
    "with rarity, weight by correlation": with_rarity,
    "with rarity, weight 1": lambda videos: with_rarity(videos, 1.0),
    "rarity alone": lambda videos: soft(rarity_of(videos)),
}
METHODS = ("paper", "released", "refined")
