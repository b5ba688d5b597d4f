"""The annotations that scores are evaluated against, and the test set that they describe."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from c2fpl.errors import BadAnnotation, UnknownVideo
from c2fpl.pipeline.steps.score_index import score_files
from c2fpl.pipeline.truth.annotations import read_annotations, required_names
from c2fpl.pipeline.truth.datasets import DATASETS, DatasetName, is_anomalous
from c2fpl.pipeline.truth.forms.records import AnnotationSettings
from c2fpl.pipeline.truth.frame_counts import CountTable, read_count_table
from c2fpl.pipeline.truth.protocols import Counts, ProtocolName
from c2fpl.pipeline.truth.test_set import TestSet, make_test_set
from c2fpl.pipeline.truth.vectors import videos_of_vector, with_vector
from c2fpl.pipeline.truth.video_annotation import Annotations
from c2fpl.pipeline.videos.names import video_name


@dataclass(frozen=True, kw_only=True)
class TruthInputs:
    """Files with the annotations of a test set."""

    annotations: Path
    """annotation file of the data set; for ShanghaiTech the folder of frame masks; for your own
    videos lines `name start end ...`, a table, JSON, XML or masks (docs/own-videos.md)."""
    dataset: DatasetName = "own"
    """data set whose video names, classes and published figures apply."""
    protocol: ProtocolName = "native"
    """convention of the ground truth. native uses the real frames."""
    frame_counts: Path | None = None
    """CSV of the test list with columns video and n_frames."""
    segments_column: str | None = None
    """column of that CSV with the segment counts of a published feature set."""
    ground_truth: Path | None = None
    """ready-made vector (gt.npy) of all videos in --frame-counts, in their order. It is used as
    ground truth and compared with the annotations. It may also be given as --annotations."""

    @cached_property
    def table(self) -> CountTable | None:
        """The test videos with their counts; None evaluates the annotated videos."""
        counts = self.frame_counts
        return read_count_table(counts, self.segments_column) if counts else None


def read_test_set(
    truth: TruthInputs, reading: AnnotationSettings, scores: Path
) -> tuple[TestSet, tuple[str, ...]]:
    """Read the test set, and notes on its form and on differences from the ground-truth vector.

    Raises:
        BadAnnotation, BadFile: an input is invalid.
    """
    read = _read(truth, reading)
    test_set = _test_set(scores, read, truth)
    is_vector = truth.annotations.suffix == ".npy"
    vector = truth.annotations if is_vector else truth.ground_truth
    if vector is None:
        return test_set, (read.form,)
    test_set, differences = with_vector(test_set, vector)
    return test_set, (read.form, *differences)


def _read(truth: TruthInputs, reading: AnnotationSettings) -> Annotations:
    """Read annotations, or list the videos of a ground-truth vector."""
    path = truth.annotations
    if path.suffix != ".npy":
        return read_annotations(path, truth.dataset, reading)
    if truth.table is None:
        raise BadAnnotation(
            f"{path} is a vector of many videos: give --frame-counts with the videos in its order"
        )
    return videos_of_vector(path, truth.dataset, truth.table.counts)


def _test_set(scores: Path, annotations: Annotations, truth: TruthInputs) -> TestSet:
    """The videos to evaluate: those of the table, or else those of the annotations."""
    if truth.table is not None:
        return make_test_set(truth.dataset, truth.protocol, annotations, truth.table.counts)
    names = sorted(required_names(annotations, truth.dataset))
    if truth.dataset == "xd-violence":
        names += _scored_normal_videos(scores)
    if not names:
        raise BadAnnotation(
            f"{annotations.path} has masks of training and test videos: put SH_Test.txt next to"
            " it, or give the test videos with --frame-counts"
        )
    counts = dict.fromkeys(names, Counts())
    return make_test_set(truth.dataset, truth.protocol, annotations, counts)


def _scored_normal_videos(scores: Path) -> list[str]:
    """Scored normal videos of XD-Violence, whose annotations list only violent ones.

    Raises:
        BadAnnotation: there are more than in the test set, so they include training videos.
    """
    names = sorted({video_name(path.name) for path in score_files(scores).counted.values()})
    normal = [name for name in names if _is_xd_normal(name)]
    official = (DATASETS["xd-violence"].test_videos or 0) - (
        DATASETS["xd-violence"].test_anomalous or 0
    )
    if len(normal) > official:
        raise BadAnnotation(
            f"{scores} has {len(normal)} normal videos, but the test set has {official}: give the"
            " test videos with --frame-counts, or a folder with only their scores"
        )
    return normal


def _is_xd_normal(name: str) -> bool:
    try:
        return not is_anomalous(name, "xd-violence")
    except UnknownVideo:
        return False
