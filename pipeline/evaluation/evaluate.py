"""Evaluate a folder of scores against the annotations of a test set."""

from collections.abc import Mapping
from pathlib import Path

from c2fpl.errors import BadAnnotation, UnknownVideo
from c2fpl.pipeline.evaluation.join import (
    JoinedScores,
    join_scores,
    load_scores,
    refuse_missing,
)
from c2fpl.pipeline.evaluation.metrics import measure
from c2fpl.pipeline.evaluation.recorded import recorded_times, resampling_note
from c2fpl.pipeline.evaluation.references import references_of
from c2fpl.pipeline.evaluation.result import Evaluation
from c2fpl.pipeline.evaluation.yardsticks import FRAME_RATES, hours_note, measure_yardsticks
from c2fpl.pipeline.files.words import counted
from c2fpl.pipeline.steps.score_index import score_files
from c2fpl.pipeline.truth.annotations import read_annotations, required_names
from c2fpl.pipeline.truth.datasets import DATASETS, DatasetName, is_anomalous
from c2fpl.pipeline.truth.forms.records import AnnotationSettings
from c2fpl.pipeline.truth.frame_counts import CountTable
from c2fpl.pipeline.truth.protocols import Counts, ProtocolName
from c2fpl.pipeline.truth.score_lengths import ScoreUnit
from c2fpl.pipeline.truth.test_set import TestSet, make_test_set
from c2fpl.pipeline.truth.vectors import videos_of_vector, with_vector
from c2fpl.pipeline.truth.video_annotation import Annotations
from c2fpl.pipeline.videos.names import named, video_name


def evaluate(
    scores: Path,
    *,
    dataset: DatasetName,
    annotations: Path,
    protocol: ProtocolName = "native",
    table: CountTable | None = None,
    ground_truth: Path | None = None,
    reading: AnnotationSettings = AnnotationSettings(),
    unit: ScoreUnit = ScoreUnit(),
    allow_missing: bool = False,
    frame_rate: float | None = None,
    bootstrap_replicates: int = 500,
    seed: int = 0,
) -> Evaluation:
    """Evaluate a folder of scores.

    Args:
        scores: folder of .npy (frames,), searched recursively; segments or parts with `unit`.
        dataset: benchmark, or `own` for other videos.
        annotations: annotation file; for ShanghaiTech the folder of masks.
        protocol: convention of the ground truth (protocols.py).
        table: test videos with frame and segment counts; None evaluates the annotated videos, each
            with the length of its scores.
        ground_truth: .npy with the labels of all videos in the order of the table. It replaces the
            intervals and is compared with them.
        reading: how to read own annotations if their file does not specify it.
        unit: what one score covers.
        allow_missing: evaluate an incomplete test set.
        frame_rate: frames per second for false alarms per hour; None selects that of the data set
            (yardsticks.FRAME_RATES). Also converts annotations in seconds if no rate is recorded.
        bootstrap_replicates: 0 for no intervals.
        seed: seed of the bootstrap.

    Raises:
        BadAnnotation: there are no scores, test videos without scores (unless allowed), or two
            different score files of one video.
        BadAnnotation, BadScores: the length or values of scores do not fit the video.
        BadAnnotation, BadFile: an input is invalid.
    """
    read = _read(annotations, dataset, reading, table)
    test_set = _test_set(scores, read, dataset, protocol, table)
    if annotations.suffix == ".npy":
        ground_truth = annotations
    test_set, differences = with_vector(test_set, ground_truth) if ground_truth else (test_set, ())
    joined = join_scores(scores, test_set.videos)
    timed = {name: path for name, path in joined.files.items() if test_set.videos[name].seconds}
    test_set = test_set.in_frames(
        {name: recorded_times(scores, path, frame_rate) for name, path in timed.items()}
    )
    if not allow_missing:
        refuse_missing(joined.missing, _left_out(joined.missing, test_set))
    if not joined.files:
        raise BadAnnotation(
            f"{scores} has no scores of a video in {annotations}: give the matching folder"
        )
    measured = []
    fitted = []
    for name, path in joined.files.items():
        written = load_scores(path)
        measured.append(test_set.runs(name, written, unit))
        change = measured[-1].frame_count - len(written)
        fitted.extend([f"{name} {change:+d}"] if change else [])
    metrics = measure(measured, bootstrap_replicates=bootstrap_replicates, seed=seed)
    rate = frame_rate or FRAME_RATES[dataset]
    lengths = {video.name: video.frame_count for video in measured}
    notes = (
        read.form,
        *differences,
        *_notes(joined, test_set, fitted if unit.scores_per == "frame" else [], lengths),
        *resampling_note(scores, joined.files),
        hours_note(measured, rate),
    )
    return Evaluation(
        *(dataset, protocol, scores, annotations, metrics),
        measure_yardsticks(measured, rate),
        references_of(measured),
        notes,
    )


def _read(
    path: Path, dataset: DatasetName, reading: AnnotationSettings, table: CountTable | None
) -> Annotations:
    """Read annotations, or list the videos of a ground-truth vector."""
    if path.suffix != ".npy":
        return read_annotations(path, dataset, reading)
    if table is None:
        raise BadAnnotation(
            f"{path} is a vector of many videos: give --frame-counts with the videos in its order"
        )
    return videos_of_vector(path, dataset, table.counts)


def _test_set(
    scores: Path,
    annotations: Annotations,
    dataset: DatasetName,
    protocol: ProtocolName,
    table: CountTable | None,
) -> TestSet:
    """The videos to evaluate: those of the table, or else those of the annotations."""
    if table is not None:
        return make_test_set(dataset, protocol, annotations, table.counts)
    names = sorted(required_names(annotations, dataset))
    if dataset == "xd-violence":
        names += _scored_normal_videos(scores)
    if not names:
        raise BadAnnotation(
            f"{annotations.path} has masks of training and test videos: put SH_Test.txt next to"
            " it, or give the test videos with --frame-counts"
        )
    return make_test_set(dataset, protocol, annotations, dict.fromkeys(names, Counts()))


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


def _left_out(missing: tuple[str, ...], test_set: TestSet) -> str:
    counts, videos = test_set.counts, test_set.videos
    known = [counts[name].frames or videos[name].frame_count for name in missing]
    frames = sum(count for count in known if count is not None)
    return (
        f"{counted(frames, 'frame')} left out" if None not in known else "all their frames left out"
    )


def _notes(
    joined: JoinedScores, test_set: TestSet, fitted: list[str], lengths: Mapping[str, int]
) -> tuple[str, ...]:
    notes = list(joined.notes)
    official = DATASETS[test_set.dataset].test_videos
    if joined.missing:
        effect = _left_out(joined.missing, test_set)
        notes.append(
            f"{counted(len(joined.missing), 'test video')} without scores, {effect}:"
            f" {named(joined.missing)}"
        )
    if joined.extra:
        notes.append(
            f"{counted(len(joined.extra), 'scored video')} not in the test set and left out:"
            f" {named(joined.extra)}"
        )
    if official is not None and len(joined.files) != official:
        notes.append(
            f"{len(joined.files)} of the {official} official test videos: not comparable"
            " with published figures"
        )
    if fitted:
        notes.append(
            f"scores of {counted(len(fitted), 'video')} fitted to whole segments: {named(fitted)}"
        )
    if clipped := test_set.clipped(lengths):
        beyond = named(f"{name} by {counted(frames, 'frame')}" for name, frames in clipped.items())
        notes.append(f"intervals that end beyond their video are clipped: {beyond}")
    return tuple(notes)
