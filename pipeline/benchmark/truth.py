"""The test set of a benchmark: evaluates segment scores against frame labels."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.decoding.presentation_times import PresentationTimes, constant_times
from c2fpl.extractors.segments import SEGMENT_FRAMES
from c2fpl.pipeline.benchmark.benchmark_data import BenchmarkData
from c2fpl.pipeline.benchmark.plan import BenchmarkPlan
from c2fpl.pipeline.evaluation.metrics import roc_auc
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.features.published import PublishedFeatures
from c2fpl.pipeline.files.run_files import fingerprint
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.frame_runs import VideoRuns, pooled
from c2fpl.pipeline.truth.protocols import Counts, ProtocolName
from c2fpl.pipeline.truth.test_set import TestSet, make_test_set
from c2fpl.pipeline.truth.vectors import with_vector

PUBLISHED_PROTOCOLS: Mapping[DatasetName, ProtocolName] = {
    "ucf-crime": "rtfm",
    "xd-violence": "xdviodet",
    "shanghaitech": "shanghaitech-rtfm",
}
"""Authors' protocols, for published features without frame counts."""


@dataclass(frozen=True)
class TestSegments:
    """Features of the test videos, joined with their ground truth by name."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    test_set: TestSet
    """Test videos by joining name, in list order."""
    features: FeatureSet
    """Features of the test videos."""
    own_names: Mapping[str, str]
    """Joining name -> name in the feature set, in list order."""
    notes: tuple[str, ...] = ()
    """Differences between a given vector of ground truth and the annotations."""

    @cached_property
    def truth(self) -> dict[str, NDArray[np.uint8]]:
        """Frame labels of each video, (frames,) of 0 and 1, by joining name.

        Raises:
            BadAnnotation: the counts and intervals of a video contradict each other.
        """
        return {name: self.test_set.truth(name) for name in self.own_names}

    @property
    def segment_counts(self) -> list[int]:
        """Segments of each video, in list order."""
        return [self.features.segment_count(own) for own in self.own_names.values()]

    def fingerprint(self) -> str:
        """Fingerprint of all frame labels; it depends on annotations, counts and protocol."""
        digests = {name: hashlib.sha256(t.tobytes()).hexdigest() for name, t in self.truth.items()}
        return fingerprint(digests)

    def frame_scores(self, scores: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Expand scores (segments of all videos,) to (frames,) by name, fitted to the truth."""
        return {
            name: self.test_set.fitted(name, frames)[0]
            for name, frames in self._by_video(scores).items()
        }

    def runs(self, scores: NDArray[np.float32]) -> list[VideoRuns]:
        """Scores (segments of all videos,) and ground truth as runs, in list order."""
        return [self.test_set.runs(name, frames) for name, frames in self._by_video(scores).items()]

    def _by_video(self, scores: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Scores of all videos, float32 (segments of all,), as (frames,) by name."""
        parts = np.split(scores, np.cumsum(self.segment_counts)[:-1])
        return {
            name: self.features.plan(own).to_frames(part)
            for (name, own), part in zip(self.own_names.items(), parts, strict=True)
        }

    def auc(self, scores: NDArray[np.float32]) -> float | None:
        """ROC AUC over all frames for scores (segments of all videos,)."""
        return roc_auc(pooled(self.runs(scores)))


def make_test_segments(plan: BenchmarkPlan, data: BenchmarkData) -> TestSegments:
    """Join test features and annotations.

    Raises:
        BadAnnotation: a test video has no annotation.
        BadAnnotation: the vector of ground truth does not fit the test videos.
        BadAnnotation: the protocol does not apply to the data set.
        BadAnnotation: the counts and intervals of a video contradict each other.
    """
    dataset = plan.dataset
    chosen = plan.protocol or _usual_protocol(data, dataset)
    counts = {name: _counts(data, name, own) for name, own in data.test_names.items()}
    times = {name: _times(data, own) for name, own in data.test_names.items()}
    test_set = make_test_set(dataset, chosen, data.annotations, counts).in_frames(times)
    notes: tuple[str, ...] = ()
    if plan.paths.ground_truth is not None:
        test_set, notes = with_vector(test_set, plan.paths.ground_truth)
    found = TestSegments(test_set, data.test, data.test_names, notes)
    _ = found.truth  # refuse contradictions before hours of training
    for own in data.test_names.values():
        _ = data.test.plan(own).frame_count  # refuse equal parts of videos of unknown length
    return found


def _counts(data: BenchmarkData, name: str, own: str) -> Counts:
    """Frame count from table, decoding or annotation; segment count from table or features."""
    listed = data.table.counts.get(name, Counts()) if data.table else Counts()
    decoded = data.test.records[own].get("num_frames_decoded")
    video = data.annotations.videos.get(name)
    annotated = video.frame_count if video else None
    frames = listed.frames or (None if decoded is None else int(decoded)) or annotated
    if decoded is not None:
        return Counts(frames, listed.segments)
    if _segment_frames(data) != SEGMENT_FRAMES:
        return Counts(frames or data.test.plan(own).frame_count)
    return Counts(frames, listed.segments or data.test.segment_count(own))


def _segment_frames(data: BenchmarkData) -> int | None:
    """Frames of a test segment; None if the features cover equal parts of each video."""
    test = data.test
    return test.segment_frames if isinstance(test, PublishedFeatures) else SEGMENT_FRAMES


def _usual_protocol(data: BenchmarkData, dataset: DatasetName) -> ProtocolName:
    """The protocol that fits the features; the authors' one for 16-frame segments only."""
    segment_frames = _segment_frames(data)
    if segment_frames is None and dataset == "ucf-crime":
        return "sultani"
    if segment_frames != SEGMENT_FRAMES or _frames_known(data):
        return "native"
    return PUBLISHED_PROTOCOLS[dataset]


def _times(data: BenchmarkData, own: str) -> PresentationTimes | None:
    record = data.test.records[own]
    frames, rate = record.get("num_frames_decoded"), record.get("frame_rate")
    return constant_times(int(frames), float(rate), "rate") if frames and rate else None


def _frames_known(data: BenchmarkData) -> bool:
    return all("num_frames_decoded" in data.test.records[own] for own in data.test_names.values())
