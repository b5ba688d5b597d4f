"""Makes labels in memory with each method; features are streamed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from c2fpl.models.settings import LabelSettings
from c2fpl.pipeline.files.progress import Progress, progress

if TYPE_CHECKING:
    from c2fpl.models.labels.confidence import Confidence
    from c2fpl.models.labels.evidence import Evidence
    from c2fpl.models.labels.fine import Norms

ALONE = (
    "only one video: a split needs two, so its segments are compared with each other and some "
    "always stand out; run a folder of videos to learn what is normal there"
)


class NamedFeatures(Protocol):
    """The part of a feature set that labels need."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the videos."""

    def chunks(self, name: str) -> Iterator[NDArray[np.float32]]:
        """Chunks of a video in order, finite float32 (segments, crops, dim)."""


@dataclass(frozen=True, eq=False)
class MadeLabels:
    """Labels, in the order of the videos."""

    anomalous: NDArray[np.bool_]
    """(videos,) coarse labels, True for anomalous."""
    labels: tuple[NDArray[np.float32], ...]
    """(segments,) per video, in [0, 1]."""
    densities: tuple[NDArray[np.float64], ...]
    """(segments,) per video: how usual each segment is. paper and released: Gaussian density of its
    norm under the normal segments. refined: share of all segments with at least its evidence."""
    video_header: tuple[str, ...]
    """Columns of videos.csv."""
    video_rows: list[tuple[object, ...]]
    """Rows of videos.csv: the coarse labels and the statistics behind them."""
    notes: tuple[str, ...]
    """Reasons to distrust the labels, one line each."""
    evidence: "Evidence | None" = None
    """Evidence of `refined`, which scores need as well; None for other methods."""
    confidence: "Confidence | None" = None
    """How far the features are from noise; None for other methods than `refined`."""


def make_labels(features: NamedFeatures, settings: LabelSettings, *, quiet: bool) -> MadeLabels:
    """Label every segment without writing files.

    Raises:
        CannotLabel: the videos cannot be split, or `refined` sees no difference between segments.
        BadFeatures: features with a wrong shape or values that are not finite.
    """
    with progress("labels", len(features.names), "videos read", quiet=quiet) as shown:
        if settings.method == "refined":
            return _by_evidence(features, shown)
        return _by_norm(features, settings.resolved(), shown)


def _by_norm(features: NamedFeatures, settings: LabelSettings, shown: Progress) -> MadeLabels:
    """Labels of `paper` and `released`, made from one norm per segment."""
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
        # The video is its own null model, so it is given again as a normal video.
        segments = fine.label_windows([*norms, *norms], np.array([True, False]), settings)
    else:
        videos = coarse.label_videos(described, settings)
        segments = fine.label_windows(norms, videos.anomalous, settings)
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
    """Means over crops of one video: float32 (segments, dim) chunks, iterable repeatedly."""

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
    """Labels of `refined`, made from the evidence over time."""
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
        anomalous=found.anomalous,
        labels=found.labels,
        densities=found.p_values,
        video_header=header,
        video_rows=rows,
        notes=(),
        evidence=found.evidence,
        confidence=found.confidence,
    )
