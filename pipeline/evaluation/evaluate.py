"""Scores and annotations -> metrics of a test set, joined by name, lengths checked."""

from collections.abc import Mapping
from pathlib import Path

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
from c2fpl.pipeline.truth.datasets import DATASETS, DatasetName, UnknownName, is_anomalous
from c2fpl.pipeline.truth.forms.records import AnnotationSettings
from c2fpl.pipeline.truth.frame_counts import BadCounts, CountTable
from c2fpl.pipeline.truth.protocols import Counts, ProtocolName
from c2fpl.pipeline.truth.score_lengths import ScoreUnit
from c2fpl.pipeline.truth.test_set import TestSet, UnmatchedVideos, make_test_set
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
    """Measure a folder of per-frame scores.

    Args:
        scores: folder of .npy (frames,), searched below; or of segments or parts by `unit`.
        dataset: benchmark, or `own` for annotations `name start end ...`.
        annotations: its annotation file; for ShanghaiTech the folder of masks.
        protocol: convention of the ground truth (protocols.py).
        table: test list with frame and segment counts; without it the videos are those of the
            annotations and each is as long as its scores.
        ground_truth: .npy with the frames of all videos of the table in its order, taken as truth
            in place of the intervals, and compared with them.
        reading: unit, first frame and end of own annotations where their file does not tell.
        unit: what one number of a score file covers.
        allow_missing: measure what there is of the test set.
        frame_rate: frames a second, by which false alarms an hour are counted; None takes the data
            set's (yardsticks.FRAME_RATES). Annotations in seconds take it where none is recorded.
        bootstrap_replicates: 0 for no intervals.
        seed: of the bootstrap.

    Raises:
        UnmatchedVideos: test videos without scores (unless allowed), doubled or no scores.
        WrongCount, BadScores: scores whose length or values cannot be those of the video.
        BadAnnotation, BadMask, BadNpy, BadList, WrongProtocol: as their modules say.
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
        raise UnmatchedVideos(f"{scores} has no scores of a video in {annotations}: wrong folder?")
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
    """Annotations, or what names alone tell of the videos of a vector of ground truth."""
    if path.suffix != ".npy":
        return read_annotations(path, dataset, reading)
    if table is None:
        raise BadCounts(
            f"{path} is a vector of many videos: give --frame-counts, the videos in its order, to"
            " divide it"
        )
    return videos_of_vector(path, dataset, table.counts)


def _test_set(
    scores: Path,
    annotations: Annotations,
    dataset: DatasetName,
    protocol: ProtocolName,
    table: CountTable | None,
) -> TestSet:
    """The videos to measure: those of the table, else those that the annotations mention."""
    if table is not None:
        return make_test_set(dataset, protocol, annotations, table.counts)
    names = sorted(required_names(annotations, dataset))
    if dataset == "xd-violence":
        names += _scored_normal_videos(scores)
    if not names:
        raise UnmatchedVideos(
            f"{annotations.path} holds masks of training and test videos: lay SH_Test.txt beside"
            " it, or give the test videos by --frame-counts"
        )
    return make_test_set(dataset, protocol, annotations, dict.fromkeys(names, Counts()))


def _scored_normal_videos(scores: Path) -> list[str]:
    """Normal test videos of XD-Violence stand in no annotation: those that were scored are taken.

    Raises:
        UnmatchedVideos: more than the test set has, so training videos are among them.
    """
    names = sorted({video_name(path.name) for path in score_files(scores).counted.values()})
    normal = [name for name in names if _is_xd_normal(name)]
    official = (DATASETS["xd-violence"].test_videos or 0) - (
        DATASETS["xd-violence"].test_anomalous or 0
    )
    if len(normal) > official:
        raise UnmatchedVideos(
            f"{scores} has {len(normal)} normal videos and the test set {official}: give the test"
            " videos by --frame-counts, or the folder of their scores alone"
        )
    return normal


def _is_xd_normal(name: str) -> bool:
    try:
        return not is_anomalous(name, "xd-violence")
    except UnknownName:
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
