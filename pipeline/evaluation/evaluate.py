"""Evaluate a folder of scores against the annotations of a test set."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from c2fpl.errors import BadAnnotation
from c2fpl.pipeline.evaluation.join import JoinedScores, join_scores, load_scores, refuse_missing
from c2fpl.pipeline.evaluation.metrics import Metrics, measure
from c2fpl.pipeline.evaluation.references import Reference, references_of
from c2fpl.pipeline.evaluation.score_provenance import (
    recorded_frame_rate,
    recorded_times,
    resampling_note,
)
from c2fpl.pipeline.evaluation.truth_inputs import TruthInputs, read_test_set
from c2fpl.pipeline.evaluation.yardsticks import (
    FRAME_RATES,
    Yardsticks,
    hours_note,
    measure_yardsticks,
)
from c2fpl.pipeline.files.wording import counted
from c2fpl.pipeline.truth.datasets import DATASETS
from c2fpl.pipeline.truth.forms.records import AnnotationSettings
from c2fpl.pipeline.truth.frame_runs import VideoRuns
from c2fpl.pipeline.truth.score_lengths import ScoreUnit
from c2fpl.pipeline.truth.test_set import TestSet
from c2fpl.pipeline.videos.names import named


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a folder of scores, with their context."""

    scores: Path
    truth: TruthInputs
    """Annotations of the test set, and their protocol."""
    metrics: Metrics
    yardsticks: Yardsticks
    """Metrics that a video's length cannot inflate."""
    references: tuple[Reference, ...]
    """Results of baseline scores without a network on the same frames."""
    notes: tuple[str, ...]
    """What was read, left out or fitted, and what follows from it."""

    def as_json(self) -> dict[str, Any]:
        """Content of metrics.json; `paper` has the published figures."""
        return {
            "dataset": self.truth.dataset,
            "protocol": self.truth.protocol,
            "scores": str(self.scores),
            "annotations": str(self.truth.annotations),
            **self.metrics.as_json(),
            **vars(self.yardsticks),
            "references": [vars(row) for row in self.references],
            "notes": [*self.notes, *self.metrics.notes],
            "paper": [vars(figure) for figure in DATASETS[self.truth.dataset].figures],
        }


def evaluate(
    scores: Path,
    truth: TruthInputs,
    *,
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
        truth: annotations of the test set.
        reading: how to read own annotations if their file does not specify it.
        unit: what one score covers.
        allow_missing: evaluate an incomplete test set.
        frame_rate: frames per second; None selects the recorded one, else the data set's.
        bootstrap_replicates: 0 for no intervals.
        seed: of the bootstrap.

    Raises:
        BadAnnotation, BadScores, BadFile: an input is invalid or incomplete.
    """
    test_set, truth_notes = read_test_set(truth, reading, scores)
    joined, test_set = _join(scores, test_set, truth, frame_rate, allow_missing=allow_missing)
    measured, fitted = _measured(test_set, joined, unit)
    notes = _notes(scores, joined, test_set, fitted, measured)
    recorded = _recorded_rate(scores, joined, measured) if unit.scores_per == "frame" else None
    rate = frame_rate or recorded or FRAME_RATES[truth.dataset]
    return Evaluation(
        scores=scores,
        truth=truth,
        metrics=measure(measured, bootstrap_replicates=bootstrap_replicates, seed=seed),
        yardsticks=measure_yardsticks(measured, rate),
        references=references_of(measured),
        notes=(*truth_notes, *notes, hours_note(measured, rate)),
    )


def _join(
    scores: Path,
    test_set: TestSet,
    truth: TruthInputs,
    frame_rate: float | None,
    *,
    allow_missing: bool,
) -> tuple[JoinedScores, TestSet]:
    """The scores, and the test set with annotations in seconds converted by recorded times."""
    joined = join_scores(scores, test_set.videos)
    timed = {name: path for name, path in joined.files.items() if test_set.videos[name].seconds}
    times = {name: recorded_times(scores, path, frame_rate) for name, path in timed.items()}
    test_set = test_set.in_frames(times)
    if not allow_missing:
        refuse_missing(joined.missing, _left_out(joined.missing, test_set))
    if not joined.files:
        raise BadAnnotation(
            f"{scores} has no scores of a video in {truth.annotations}: give the matching folder"
        )
    return joined, test_set


def _measured(
    test_set: TestSet, joined: JoinedScores, unit: ScoreUnit
) -> tuple[list[VideoRuns], list[str]]:
    """The runs of every video, and the change in length of scores per frame that were fitted."""
    measured = []
    fitted = []
    for name, path in joined.files.items():
        written = load_scores(path)
        measured.append(test_set.runs(name, written, unit))
        change = measured[-1].frame_count - len(written)
        fitted.extend([f"{name} {change:+d}"] if change and unit.scores_per == "frame" else [])
    return measured, fitted


def _recorded_rate(scores: Path, joined: JoinedScores, measured: list[VideoRuns]) -> float | None:
    """Mean rate of the normal frames, over which false alarms are counted, if it is recorded."""
    normal = [int(video.runs.lengths[~video.runs.labels].sum()) for video in measured]
    return recorded_frame_rate(scores, dict(zip(joined.files.values(), normal, strict=True)))


def _left_out(missing: tuple[str, ...], test_set: TestSet) -> str:
    counts, videos = test_set.counts, test_set.videos
    known = [counts[name].frames or videos[name].frame_count for name in missing]
    frames = sum(count for count in known if count is not None)
    return (
        f"{counted(frames, 'frame')} left out" if None not in known else "all their frames left out"
    )


def _notes(
    scores: Path,
    joined: JoinedScores,
    test_set: TestSet,
    fitted: list[str],
    measured: list[VideoRuns],
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
    if clipped := test_set.clipped({video.name: video.frame_count for video in measured}):
        beyond = named(f"{name} by {counted(frames, 'frame')}" for name, frames in clipped.items())
        notes.append(f"intervals that end beyond their video are clipped: {beyond}")
    return (*notes, *resampling_note(scores, joined.files))
