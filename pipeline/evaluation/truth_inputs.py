"""The annotations that scores are evaluated against, and the test set that they describe."""

from dataclasses import dataclass
from pathlib import Path

from c2fpl.errors import BadAnnotation, UnknownVideo
from c2fpl.pipeline.steps.score_index import score_files
from c2fpl.pipeline.truth.annotations import read_annotations, required_names
from c2fpl.pipeline.truth.datasets import DATASETS, DatasetName, is_anomalous
from c2fpl.pipeline.truth.forms.records import AnnotationSettings
from c2fpl.pipeline.truth.frame_counts import CountTable
from c2fpl.pipeline.truth.protocols import Counts, ProtocolName
from c2fpl.pipeline.truth.test_set import TestSet, make_test_set
from c2fpl.pipeline.truth.vectors import videos_of_vector, with_vector
from c2fpl.pipeline.truth.video_annotation import Annotations
from c2fpl.pipeline.videos.names import video_name


@dataclass(frozen=True, kw_only=True)
class TruthInputs:
    """Annotations of a test set, and how to read them."""

    dataset: DatasetName
    """Benchmark, or `own` for other videos."""
    annotations: Path
    """Annotation file; for ShanghaiTech the folder of masks. A .npy is taken as `ground_truth`."""
    protocol: ProtocolName = "native"
    """Convention of the ground truth (protocols.py)."""
    table: CountTable | None = None
    """Test videos with frame and segment counts. None evaluates the annotated videos, each with the
    length of its scores."""
    ground_truth: Path | None = None
    """.npy with the labels of all videos in the order of the table. It replaces the intervals and
    is compared with them."""
    reading: AnnotationSettings = AnnotationSettings()
    """How to read own annotations if their file does not specify it."""


def read_test_set(truth: TruthInputs, scores: Path) -> tuple[TestSet, tuple[str, ...]]:
    """Read the test set, and notes on its form and on differences from the ground-truth vector.

    Raises:
        BadAnnotation, BadFile: an input is invalid.
    """
    read = _read(truth)
    test_set = _test_set(scores, read, truth)
    is_vector = truth.annotations.suffix == ".npy"
    vector = truth.annotations if is_vector else truth.ground_truth
    if vector is None:
        return test_set, (read.form,)
    test_set, differences = with_vector(test_set, vector)
    return test_set, (read.form, *differences)


def _read(truth: TruthInputs) -> Annotations:
    """Read annotations, or list the videos of a ground-truth vector."""
    path = truth.annotations
    if path.suffix != ".npy":
        return read_annotations(path, truth.dataset, truth.reading)
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
