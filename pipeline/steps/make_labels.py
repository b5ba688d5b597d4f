"""Labels in memory by each method; features are streamed, never held."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from c2fpl.models.settings import LabelSettings
from c2fpl.pipeline.files.progress import Progress, progress

if TYPE_CHECKING:
    from c2fpl.models.labels.evidence import Evidence
    from c2fpl.models.labels.fine import Norms

ALONE = (
    "one video alone: a split needs two videos, so its segments are compared with one another and "
    "some always stand out; run a folder of videos to learn what is normal there"
)


class NamedFeatures(Protocol):
    """The part of a feature set that labels are made from."""

    @property
    def names(self) -> tuple[str, ...]:
        """The videos."""

    def chunks(self, name: str) -> Iterator[NDArray[np.float32]]:
        """The values in order, finite float32 (segments, crops, dim) a chunk."""


@dataclass(frozen=True, eq=False)
class MadeLabels:
    """Labels in the order of the videos."""

    anomalous: NDArray[np.bool_]
    """(videos,) the coarse labels."""
    labels: tuple[NDArray[np.float32], ...]
    """Per video (segments,) in [0, 1]."""
    densities: tuple[NDArray[np.float64], ...]
    """Per video (segments,): how usual each segment is. paper and released: Gaussian density of its
    norm under the normal segments. refined: share of all segments with at least its evidence."""
    video_header: tuple[str, ...]
    """Columns of videos.csv."""
    video_rows: list[tuple[object, ...]]
    """Its rows: what the coarse labels were made from."""
    notes: tuple[str, ...]
    """One line for each reason to distrust the labels."""
    evidence: "Evidence | None" = None
    """What `refined` measured; it goes on to the scores."""


def make_labels(features: NamedFeatures, settings: LabelSettings, *, quiet: bool) -> MadeLabels:
    """Label every segment; nothing is written.

    Raises:
        CannotLabel: the features carry nothing to split by (models.coarse).
        CannotLabel, BadFeatures: nothing that `refined` could see (models.refined).
    """
    with progress("labels", len(features.names), "videos read", quiet=quiet) as shown:
        if settings.method == "refined":
            return _by_evidence(features, shown)
        return _by_norm(features, settings.resolved(), shown)


def _by_norm(features: NamedFeatures, settings: LabelSettings, shown: Progress) -> MadeLabels:
    """`paper` and `released`: everything follows from one norm a segment."""
    from c2fpl.models.labels import coarse, fine, summaries

    assert settings.norm is not None
    assert settings.spread is not None
    norms: list[Norms] = []
    for name in features.names:
        chunks = [summaries.segment_norms(chunk, settings.norm) for chunk in features.chunks(name)]
        norms.append(np.concatenate(chunks))
        shown.advance()
    described = np.stack([summaries.describe(n, settings.spread) for n in norms])
    if len(norms) == 1:
        videos = coarse.CoarseLabels(np.array([True]), np.array([1]), (ALONE,))
        # Its own segments are the null model: given a second time, as a normal video.
        segments = fine.label_segments([*norms, *norms], np.array([True, False]), settings)
    else:
        videos = coarse.label_videos(described, settings)
        segments = fine.label_segments(norms, videos.anomalous, settings)
    rows: list[tuple[object, ...]] = [
        (name, len(n), repr(float(mean)), repr(float(spread)), int(anomalous), int(turn))
        for name, n, (mean, spread), anomalous, turn in zip(
            features.names, norms, described, videos.anomalous, videos.round, strict=True
        )
    ]
    return MadeLabels(
        videos.anomalous,
        tuple(labels.astype(np.float32) for labels in segments.labels[: len(norms)]),
        segments.densities[: len(norms)],
        ("video", "segments", "mean_norm", "spread_norm", "coarse", "round"),
        rows,
        (*videos.notes, *segments.notes),
    )


class CropMeans:
    """One video for `refined`: float32 (segments, dim) chunks, as often as wanted."""

    def __init__(
        self, features: NamedFeatures, name: str, after_first: Callable[[], None] | None = None
    ) -> None:
        self._features, self._name, self._after_first = features, name, after_first

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        for chunk in self._features.chunks(self._name):
            yield chunk.mean(axis=1)
        if self._after_first is not None:
            self._after_first()
            self._after_first = None


def _by_evidence(features: NamedFeatures, shown: Progress) -> MadeLabels:
    """`refined`: everything follows from the evidence in time."""
    from c2fpl.models.labels import refined

    videos = [CropMeans(features, name, shown.advance) for name in features.names]
    found = refined.label(videos)
    rows: list[tuple[object, ...]] = [
        (name, len(labels), repr(float(share)), int(anomalous))
        for name, labels, share, anomalous in zip(
            features.names, found.labels, found.shares, found.anomalous, strict=True
        )
    ]
    header = ("video", "segments", "anomalous_share", "coarse")
    return MadeLabels(
        *(found.anomalous, found.labels, found.p_values, header, rows, found.notes, found.evidence)
    )
