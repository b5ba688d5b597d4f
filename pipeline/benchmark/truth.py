"""The test set of a benchmark: scores of its segments against the truth of its frames."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.decoding.presentation_times import PresentationTimes, constant_times
from c2fpl.pipeline.benchmark.material import Material
from c2fpl.pipeline.evaluation.metrics import roc_auc
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.features.published import PublishedFeatures
from c2fpl.pipeline.files.run_files import fingerprint
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.frame_runs import VideoRuns, pooled
from c2fpl.pipeline.truth.protocols import SEGMENT_FRAMES, Counts, ProtocolName
from c2fpl.pipeline.truth.test_set import TestSet, make_test_set

PUBLISHED_PROTOCOLS: Mapping[DatasetName, ProtocolName] = {
    "ucf-crime": "rtfm",
    "xd-violence": "xdviodet",
    "shanghaitech": "shanghaitech-rtfm",
}
"""For published features, which do not tell the frames of a video: what their authors score."""


@dataclass(frozen=True)
class TestSegments:
    """The features of the test videos, joined with their truth by name."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    test_set: TestSet
    """Test videos by joining name, in list order."""
    features: FeatureSet
    """Of the test videos."""
    own_names: Mapping[str, str]
    """Joining name -> name in the features, in list order."""

    @cached_property
    def truth(self) -> dict[str, NDArray[np.uint8]]:
        """(frames,) by joining name.

        Raises:
            WrongCount: counts or intervals of a video that do not fit each other.
        """
        return {name: self.test_set.truth(name) for name in self.own_names}

    @property
    def segment_counts(self) -> list[int]:
        """Segments of each video, in list order."""
        return [self.features.segment_count(own) for own in self.own_names.values()]

    def fingerprint(self) -> str:
        """Of all truth: other annotations, counts or protocol give another one."""
        digests = {name: hashlib.sha256(t.tobytes()).hexdigest() for name, t in self.truth.items()}
        return fingerprint(digests)

    def frame_scores(self, scores: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """(segments of all videos,) in list order -> (frames,) by name, as long as the truth."""
        return {
            name: self.test_set.fitted(name, frames)[0]
            for name, frames in self._by_video(scores).items()
        }

    def runs(self, scores: NDArray[np.float32]) -> list[VideoRuns]:
        """What `measure` takes, in list order."""
        return [self.test_set.runs(name, frames) for name, frames in self._by_video(scores).items()]

    def _by_video(self, scores: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        parts = np.split(scores, np.cumsum(self.segment_counts)[:-1])
        return {
            name: self.features.plan(own).to_frames(part)
            for (name, own), part in zip(self.own_names.items(), parts, strict=True)
        }

    def auc(self, scores: NDArray[np.float32]) -> float | None:
        """ROC AUC over all frames alone."""
        return roc_auc(pooled(self.runs(scores)))


def make_test_segments(
    material: Material, dataset: DatasetName, protocol: ProtocolName | None
) -> TestSegments:
    """Join; protocol None takes `native` where frames are known, else the published one.

    Raises:
        UnmatchedVideos: a test video without annotation.
        WrongProtocol: it is not for the data set.
        WrongCount: counts or intervals of a video that do not fit each other, by name.
    """
    chosen = protocol or _usual_protocol(material, dataset)
    counts = {name: _counts(material, name, own) for name, own in material.test_names.items()}
    times = {name: _times(material, own) for name, own in material.test_names.items()}
    test_set = make_test_set(dataset, chosen, material.annotations, counts).in_frames(times)
    found = TestSegments(test_set, material.test, material.test_names)
    _ = found.truth  # what does not fit is refused before hours of training
    for own in material.test_names.values():
        _ = material.test.plan(own).frame_count  # so is a set in equal parts of unknown videos
    return found


def _counts(material: Material, name: str, own: str) -> Counts:
    """Frames by the table, else as decoded; segments by the table, else of published features."""
    listed = material.table.counts.get(name, Counts()) if material.table else Counts()
    decoded = material.test.records[own].get("num_frames_decoded")
    video = material.annotations.videos.get(name)
    annotated = video.frame_count if video else None
    frames = listed.frames or (None if decoded is None else int(decoded)) or annotated
    if decoded is not None:
        return Counts(frames, listed.segments)
    if _segment_frames(material) != SEGMENT_FRAMES:
        return Counts(frames or material.test.plan(own).frame_count)
    return Counts(frames, listed.segments or material.test.segment_count(own))


def _segment_frames(material: Material) -> int | None:
    """Frames of a segment of the test features; None for equal parts of each video."""
    test = material.test
    return test.segment_frames if isinstance(test, PublishedFeatures) else SEGMENT_FRAMES


def _usual_protocol(material: Material, dataset: DatasetName) -> ProtocolName:
    """`native` where frames are known or segments have another length; else the published one."""
    segment_frames = _segment_frames(material)
    if segment_frames is None and dataset == "ucf-crime":
        return "sultani"
    if segment_frames != SEGMENT_FRAMES or _frames_known(material):
        return "native"
    return PUBLISHED_PROTOCOLS[dataset]


def _times(material: Material, own: str) -> PresentationTimes | None:
    record = material.test.records[own]
    frames, rate = record.get("num_frames_decoded"), record.get("frame_rate")
    return constant_times(int(frames), float(rate), "rate") if frames and rate else None


def _frames_known(material: Material) -> bool:
    return all(
        "num_frames_decoded" in material.test.records[own] for own in material.test_names.values()
    )
