"""One interface to extracted and published features, used by labels, training and scoring."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.pipeline.features.extracted import ExtractedFeatures
from c2fpl.pipeline.features.frame_plans import FramePlan
from c2fpl.pipeline.features.published import open_features
from c2fpl.pipeline.settings import ReadingSettings

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from c2fpl.models.sources import SegmentSource


class FeatureSet(Protocol):
    """Features of many videos by name, read when needed."""

    @property
    def names(self) -> tuple[str, ...]:
        """Videos in name order."""

    @property
    def records(self) -> Mapping[str, Mapping[str, Any]]:
        """Provenance of each video: `settings`, `weights_sha256`, `fingerprint`."""

    def shape(self, name: str) -> tuple[int, int, int]:
        """(segments, crops, dim)."""

    def segment_count(self, name: str) -> int:
        """Segments of the video."""

    def plan(self, name: str) -> FramePlan:
        """The frames that each segment covers."""

    def times(self, name: str) -> PresentationTimes:
        """Presentation times of the frames, in seconds."""

    def chunks(self, name: str) -> Iterator[NDArray[np.float32]]:
        """The values in order, in chunks of finite float32 (segments, crops, dim)."""

    def fingerprint(self) -> str:
        """Fingerprint of the set."""

    def only(self, names: Sequence[str]) -> "FeatureSet":
        """The subset with these videos."""

    def source(self) -> "SegmentSource":
        """All segments in name order, for training."""


def features_in(
    place: Path,
    reading: ReadingSettings = ReadingSettings(),
    *,
    frame_counts: Mapping[str, int] | None = None,
) -> FeatureSet:
    """Open the features that `extract` wrote (a .json beside each array), or a published set.

    Args:
        place: a folder, or one file of a published set.
        reading: how to read a published set.
        frame_counts: frames by joining name; replaces `reading.frame_counts`.

    Raises:
        BadFeatures: no features, or features that cannot be used.
    """
    if place.is_dir():
        first = next((p for p in place.rglob("*.npy") if not p.name.startswith(".")), None)
        if first is not None and first.with_suffix(".json").exists():
            if reading != ReadingSettings():
                logger.warning(
                    "%s was written by extract: options for other sets are ignored", place
                )
            return ExtractedFeatures(place)
    return open_features(place, reading, frame_counts=frame_counts)
