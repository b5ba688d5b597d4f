"""One interface to extracted and published features, used by labels, training and scoring."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.pipeline.features.array_blocks import StoredFeatures
from c2fpl.pipeline.features.frame_plans import FramePlan
from c2fpl.pipeline.features.segment_store import SegmentStore
from c2fpl.pipeline.videos.names import named

if TYPE_CHECKING:
    from c2fpl.models.sources import SegmentSource


class FeatureSet(ABC):
    """Features of many videos by name, read when needed."""

    folder: Path
    """Folder or file of the set."""

    @property
    @abstractmethod
    def videos(self) -> Mapping[str, StoredFeatures]:
        """The features of each video, in name order."""

    @property
    @abstractmethod
    def records(self) -> Mapping[str, Mapping[str, Any]]:
        """Provenance of each video: `settings`, `weights_sha256`, `fingerprint`."""

    @abstractmethod
    def plan(self, name: str) -> FramePlan:
        """The frames that each segment covers.

        Raises:
            BadFeatures: the number of segments does not match the number of frames.
        """

    @abstractmethod
    def times(self, name: str) -> PresentationTimes:
        """Presentation times of the frames, in seconds."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Fingerprint of the set, from those of its videos."""

    @abstractmethod
    def subset(self, names: Sequence[str]) -> Self:
        """The subset with these videos, which all have features."""

    @property
    def names(self) -> tuple[str, ...]:
        """Videos in name order."""
        return tuple(self.videos)

    def shape(self, name: str) -> tuple[int, int, int]:
        """(segments, crops, dim)."""
        return self.videos[name].shape

    def segment_count(self, name: str) -> int:
        """Segments of the video."""
        return self.shape(name)[0]

    def chunks(self, name: str) -> Iterator[NDArray[np.float32]]:
        """The values in order, in chunks of float32 (segments, crops, dim).

        Raises:
            BadFeatures: a value is not finite.
        """
        return self.videos[name].chunks()

    def source(self) -> "SegmentSource":
        """All segments in name order, for training."""
        return SegmentStore(list(self.videos.values()))

    def only(self, names: Sequence[str]) -> Self:
        """The subset with these videos.

        Raises:
            BadFeatures: a video has no features.
        """
        missing = sorted(set(names) - self.videos.keys())
        if missing:
            raise BadFeatures(
                f"{self.folder} has no features of {named(missing)}"
                f" ({len(missing)} of {len(names)} videos): add them or correct the list"
            )
        return self.subset(names)
