"""The test set of a benchmark: truth of every frame, and metrics of scores of its segments."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from c2fpl.pipeline.benchmark.material import Material
from c2fpl.pipeline.evaluation.join import fit_scores
from c2fpl.pipeline.evaluation.metrics import roc_auc
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.files.run_files import fingerprint
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.frame_runs import VideoRuns, pooled, video_runs
from c2fpl.pipeline.truth.protocols import Counts, ProtocolName, protocol_of

PUBLISHED_PROTOCOLS: Mapping[DatasetName, ProtocolName] = {
    "ucf-crime": "rtfm",
    "xd-violence": "xdviodet",
    "shanghaitech": "shanghaitech-rtfm",
}
"""For published features, which do not tell the frames of a video: what their authors score."""


@dataclass(frozen=True)
class TestSet:
    """Truth of the test videos, joined with their features by name."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    protocol: ProtocolName
    """Convention of the truth."""
    features: FeatureSet
    """Of the test videos."""
    own_names: Mapping[str, str]
    """Joining name -> name in the features, in list order."""
    truth: Mapping[str, NDArray[np.uint8]]
    """(frames,) by joining name."""
    frame_counts: Mapping[str, int | None]
    """Frames that the video has, where known, by joining name."""
    classes: Mapping[str, tuple[str, ...]]
    """By joining name."""

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
        parts = np.split(scores, np.cumsum(self.segment_counts)[:-1])
        return {
            name: fit_scores(
                name,
                self.features.plan(own).to_frames(part),
                len(self.truth[name]),
                self.frame_counts[name],
            )
            for (name, own), part in zip(self.own_names.items(), parts, strict=True)
        }

    def runs(self, scores: NDArray[np.float32]) -> list[VideoRuns]:
        """What pipeline/metrics measures, in list order."""
        return [
            video_runs(name, frames, self.truth[name], self.classes[name])
            for name, frames in self.frame_scores(scores).items()
        ]

    def auc(self, scores: NDArray[np.float32]) -> float | None:
        """ROC AUC over all frames alone."""
        return roc_auc(pooled(self.runs(scores)))


def make_test_set(
    material: Material, dataset: DatasetName, protocol: ProtocolName | None
) -> TestSet:
    """Truth under the protocol; None takes `native` where frames are known, else the published one.

    Raises:
        WrongProtocol: it is not for the data set.
        WrongCount: counts of a video that do not fit each other, by name.
    """
    chosen = protocol or ("native" if _frames_known(material) else PUBLISHED_PROTOCOLS[dataset])
    rule = protocol_of(chosen, dataset)
    counts = {name: _counts(material, name, own) for name, own in material.test_names.items()}
    videos = {name: material.annotations[name] for name in counts}
    return TestSet(
        protocol=chosen,
        features=material.test,
        own_names=material.test_names,
        truth={name: rule.truth(videos[name], counts[name]) for name in counts},
        frame_counts={name: counts[name].frames for name in counts},
        classes={name: videos[name].classes for name in counts},
    )


def _counts(material: Material, name: str, own: str) -> Counts:
    """Frames by the table, else as decoded; segments by the table, else of published features."""
    listed = material.table.counts.get(name, Counts()) if material.table else Counts()
    decoded = material.test.records[own].get("num_frames_decoded")
    video = material.annotations[name]
    frames = listed.frames or (None if decoded is None else int(decoded)) or video.frame_count
    segments = material.test.segment_count(own) if decoded is None else None
    return Counts(frames, listed.segments or segments)


def _frames_known(material: Material) -> bool:
    return all(
        "num_frames_decoded" in material.test.records[own] for own in material.test_names.values()
    )
