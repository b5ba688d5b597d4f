"""Segment scores of a video, from a detector and optionally the evidence.

Used by `run`, `score`, `benchmark` and the Python functions.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from c2fpl.models.labels.evidence import Evidence
from c2fpl.models.labels.joined import Joined, join
from c2fpl.models.relative import RelativeSource, relative_to, usual_state
from c2fpl.models.settings import TrainingSettings
from c2fpl.models.sources import SegmentSource
from c2fpl.pipeline.steps.make_labels import CropMeans, NamedFeatures

if TYPE_CHECKING:
    from c2fpl.models.detection.detector import Detector

_JOINED_VIDEOS = 256
"""Maximum number of training videos that the join is fitted to, evenly spaced by name."""


class SourcedFeatures(NamedFeatures, Protocol):
    """The part of a feature set that training and scoring need."""

    def segment_count(self, name: str) -> int:
        """Number of segments of the video."""

    def source(self) -> SegmentSource:
        """All segments in name order, for training."""


def is_relative(settings: TrainingSettings, evidence: Evidence | None) -> bool:
    """Whether the detector reads features relative to their video."""
    if settings.detector_input == "auto":
        return evidence is not None and evidence.relative
    return settings.detector_input == "relative"


def training_source(features: SourcedFeatures, *, relative: bool) -> SegmentSource:
    """The segments to train on, absolute or relative to their video."""
    if not relative:
        return features.source()
    usual = [usual_state(features.chunks(name)) for name in features.names]
    counts = [features.segment_count(name) for name in features.names]
    return RelativeSource(features.source(), usual, counts)


def detected(
    detectors: Sequence["Detector"], features: SourcedFeatures, name: str, *, relative: bool
) -> NDArray[np.float32]:
    """(detectors, segments) scores of one video, in [0, 1], without the evidence."""
    from c2fpl.models.detection.detector import chunk_scores

    chunks: Iterable[NDArray[Any]] = features.chunks(name)
    if relative:
        chunks = relative_to(chunks, usual_state(features.chunks(name)))
    return chunk_scores(detectors, chunks, features.segment_count(name))


def joined_with(
    evidence: Evidence,
    detectors: Sequence["Detector"],
    features: SourcedFeatures,
    *,
    relative: bool,
) -> list[Joined]:
    """Fit, for each detector, the join of its scores with the evidence to training videos."""
    step = -(-len(features.names) // _JOINED_VIDEOS)
    names = features.names[::step]
    values = [evidence.of(CropMeans(features, name)) for name in names]
    rows = [detected(detectors, features, name, relative=relative) for name in names]
    return [join(evidence, values, [row[i] for row in rows]) for i in range(len(detectors))]


def segment_scores(
    detectors: Sequence["Detector"],
    joined: Sequence[Joined],
    features: SourcedFeatures,
    name: str,
    *,
    relative: bool,
) -> NDArray[np.float32]:
    """(detectors, segments) scores of one video, in [0, 1].

    Args:
        detectors: at least one.
        joined: one per detector, all with the same evidence; empty to use only the detectors.
        features: features that include the video.
        name: name of the video.
        relative: whether the detectors read features relative to their video.
    """
    rows = detected(detectors, features, name, relative=relative)
    if not joined:
        return rows
    evidence = joined[0].evidence.of(CropMeans(features, name))
    return np.stack([one.scores(evidence, row) for one, row in zip(joined, rows, strict=True)])
