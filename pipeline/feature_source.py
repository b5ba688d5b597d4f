"""Any folder of features, ours or published, behind one interface for labels, training, scores."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.segments import SegmentPlan
from c2fpl.pipeline.feature_sets import PublishedFeatures, open_features
from c2fpl.pipeline.own_features import OwnFeatures
from c2fpl.pipeline.stored_features import StoredFeatures

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

    def frame_rate(self, name: str) -> float:
        """Frames a second."""

    def chunks(self, name: str) -> Iterator[NDArray[np.float32]]:
        """The values in order, finite float32 (segments, crops, dim) a chunk."""

    def fingerprint(self) -> str:
        """Of all of them."""

    def only(self, names: Sequence[str]) -> "FeatureSet":
        """These videos alone."""


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


class StoredSource:
    """Segments for training from files of any layout, one positional read a block and segment."""

    def __init__(self, videos: Sequence[StoredFeatures]) -> None:
        _, self.crops, self.dim = videos[0].shape
        self.dtype = videos[0].dtype
        self._videos = videos
        self._ends = np.cumsum([video.shape[0] for video in videos])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """(n,) segment numbers in any order to (n, crops, dim) float32."""
        from c2fpl.models.sources import locate

        numbers, segments = locate(indices, self._ends)
        rows = [
            self._videos[number].read(int(segment), int(segment) + 1)
            for number, segment in zip(numbers, segments, strict=True)
        ]
        return np.concatenate(rows).astype(np.float32)


def training_source(features: FeatureSet) -> "SegmentSource":
    """A source over the features, in the order of their names."""
    from c2fpl.pipeline.segment_store import SegmentStore

    if isinstance(features, PublishedFeatures):
        videos = [features.open(name) for name in features.names]
        if not all(video.is_plain for video in videos):
            return StoredSource(videos)
        return SegmentStore([video.blocks[0].path for video in videos])
    assert isinstance(features, OwnFeatures)
    return SegmentStore([features.path(name) for name in features.names])
