"""Any folder of features, ours or published, behind one interface for labels, training, scores."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.extractors.segments import SegmentPlan
from c2fpl.pipeline.features.extracted import OwnFeatures
from c2fpl.pipeline.features.published import open_features

if TYPE_CHECKING:
    from c2fpl.models.sources import SegmentSource


class FeatureSet(Protocol):
    """Features of many videos by name; nothing of them is in memory until it is asked for."""

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

    def plan(self, name: str) -> SegmentPlan:
        """Which frames each segment stands for."""

    def times(self, name: str) -> PresentationTimes:
        """When the frames are shown."""

    def chunks(self, name: str) -> Iterator[NDArray[np.float32]]:
        """The values in order, finite float32 (segments, crops, dim) a chunk."""

    def fingerprint(self) -> str:
        """Of all of them."""

    def only(self, names: Sequence[str]) -> "FeatureSet":
        """These videos alone."""

    def source(self) -> "SegmentSource":
        """All segments in name order, for training."""


def features_in(folder: Path) -> FeatureSet:
    """Features that `extract` wrote (a .json beside each array), or a published set.

    Raises:
        BadFeatures: none there, or none that can be used.
    """
    arrays = (path for path in folder.rglob("*.npy") if not path.name.startswith("."))
    first = next(arrays, None)
    if first is None or first.with_name(first.name.removesuffix(".npy") + ".json").exists():
        return OwnFeatures(folder)
    return open_features(folder)
