"""What each command does: paths in, one step or all of them, last words, exit code out."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from c2fpl.extractors.settings import BackboneName, DecodingSettings, ExtractionSettings
from c2fpl.models.settings import LabelSettings, TrainingSettings
from c2fpl.pipeline.extraction.extract_features import extract_features
from c2fpl.pipeline.extraction.worker import FeatureSettings
from c2fpl.pipeline.features.extracted import OwnFeatures
from c2fpl.pipeline.features.feature_set import FeatureSet, features_in
from c2fpl.pipeline.features.published import holds_features
from c2fpl.pipeline.files.lock import only_writer
from c2fpl.pipeline.files.outcomes import Failure, exit_code
from c2fpl.pipeline.files.progress import last_line
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.words import counted
from c2fpl.pipeline.run import RunSettings, run
from c2fpl.pipeline.settings import Execution, ReadingSettings, ScoreSettings
from c2fpl.pipeline.steps.detector_files import SavedDetector, load_detector
from c2fpl.pipeline.steps.label_segments import label_segments, load_labels
from c2fpl.pipeline.steps.run_record import recorded
from c2fpl.pipeline.steps.score_videos import WrongDetector, score_videos
from c2fpl.pipeline.steps.train_detector import train_detector
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.forms.records import AnnotationSettings
from c2fpl.pipeline.truth.windows import read_windows
from c2fpl.pipeline.videos.find import VideoFile, find_videos, holds_videos

Settings = TypeVar("Settings", ExtractionSettings, DecodingSettings)

logger = logging.getLogger(__name__)


class ShardsExtract(ValueError):
    """A step that needs all videos was asked for a shard of them."""


def run_all(
    where: str,
    output: Path,
    settings: RunSettings,
    annotations: Path | None,
    dataset: DatasetName,
    reading: AnnotationSettings,
) -> int:
    """`c2fpl run`."""
    _refuse_shards(settings.execution)
    files = RunFiles(output)
    videos = _videos_of(where, files)
    names = [video.name for video in videos]
    windows = read_windows(annotations, names, dataset, reading) if annotations else None
    with only_writer(files):
        failures = run(files, videos, settings, windows=windows)
    return _last_words(
        files, failures, f"{counted(len(videos), 'video')}, scores in {files.scores}"
    )


def plan_only(
    where: str,
    output: Path,
    holds: Literal["run", "features"],
    extraction: ExtractionSettings,
    decoding: DecodingSettings,
    execution: Execution,
    training: TrainingSettings | None,
) -> int:
    """`c2fpl run --dry-run` and `c2fpl extract --dry-run`."""
    from rich.console import Console

    from c2fpl.pipeline.extraction.dry_run import estimate_lines, plan_table, plan_videos

    settings = FeatureSettings(extraction, decoding)
    files = RunFiles(output, holds)
    planned = plan_videos(files, _videos_of(where, files), settings, execution)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(plan_table(planned))
    lengths = [(item.video.path, item.frames, item.done) for item in planned]
    for line in estimate_lines(lengths, settings, execution, training):
        console.print(line, markup=False, highlight=False)
    return 0


def inspect_only(
    where: str,
    extraction: ExtractionSettings,
    decoding: DecodingSettings,
    execution: Execution,
) -> int:
    """`c2fpl inspect`."""
    from rich.console import Console

    from c2fpl.pipeline.extraction.dry_run import estimate_lines
    from c2fpl.pipeline.extraction.inspect_videos import inspect_videos, inspection_table

    inspections = inspect_videos(find_videos(where), decoding, execution)
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(inspection_table(inspections))
    settings = FeatureSettings(extraction, decoding)
    lengths = [
        (item.video.path, item.report.num_frames_decoded, False)
        for item in inspections
        if item.report is not None
    ]
    for line in estimate_lines(lengths, settings, execution, TrainingSettings()):
        console.print(line, markup=False, highlight=False)
    return 1 if any(item.report is None for item in inspections) else 0


def extract_only(
    where: str,
    output: Path,
    extraction: ExtractionSettings,
    decoding: DecodingSettings,
    execution: Execution,
) -> int:
    """`c2fpl extract`."""
    files = RunFiles(output, holds="features")
    videos = _videos_of(where, files)
    settings = {"extraction": extraction, "decoding": decoding, "execution": execution}
    shard = execution.shard_of
    command = "extract" if shard == (1, 1) else f"extract --shard {execution.shard}"
    with (
        only_writer(files, shard),
        recorded(files, command, settings) as record,
        record.stage(command),
    ):
        report = extract_features(files, videos, FeatureSettings(extraction, decoding), execution)
        record.extraction(report)
        record.failures += report.failures
    said = f"features of {counted(len(report.ready), 'video')} in {files.features}"
    return _last_words(files, report.failures, said)


def label_only(
    features: Path,
    output: Path,
    reading: ReadingSettings,
    labels: LabelSettings,
    execution: Execution,
) -> int:
    """`c2fpl label`."""
    opened, files = features_in(features, reading), RunFiles(output, holds="labels")
    with (
        only_writer(files),
        recorded(files, "label", {"labels": labels}) as record,
        record.stage("label"),
    ):
        label_segments(files, opened, labels, execution)
    return _last_words(files, [], f"labels in {files.segment_labels}")


def train_only(
    features: Path,
    labels: Path,
    output: Path,
    reading: ReadingSettings,
    training: TrainingSettings,
    execution: Execution,
    *,
    tensorboard: bool,
) -> int:
    """`c2fpl train`."""
    opened = features_in(features, reading)
    folder = labels.parent if labels.suffix == ".csv" else labels
    joined = load_labels(RunFiles(folder, holds="labels"), opened)
    scalars = output.with_name(f"{output.stem}-tensorboard") if tensorboard else None
    train_detector(output, opened, joined, training, execution, tensorboard=scalars)
    last_line(f"detector in {output}")
    return 0


def score_only(
    source: str,
    detector: Path,
    output: Path,
    weights: Path | None,
    reading: ReadingSettings,
    scores: ScoreSettings,
    execution: Execution,
) -> int:
    """`c2fpl score`."""
    _refuse_shards(execution)
    saved = load_detector(detector)
    files = RunFiles(output, holds="scores")
    with (
        only_writer(files),
        recorded(files, "score", {"scores": scores}) as record,
        record.stage("score"),
    ):
        features, failures = _features_of(source, files, saved, weights, reading, execution)
        record.failures += [*failures, *score_videos(files, features, saved, scores, execution)]
    said = f"scores of {counted(len(features.names), 'video')} in {files.scores}"
    return _last_words(files, record.failures, said)


def _features_of(
    source: str,
    files: RunFiles,
    saved: SavedDetector,
    weights: Path | None,
    reading: ReadingSettings,
    execution: Execution,
) -> tuple[FeatureSet, list[Failure]]:
    """A folder of features as it is; videos are extracted as the detector's features were.

    A folder that holds videos is one of videos, whatever arrays lie beside them: masks, say.
    """
    place = Path(source)
    if place.exists() and not (place.is_dir() and holds_videos(place)) and holds_features(place):
        return features_in(place, reading), []
    if saved.extraction.get("backbone") not in get_args(BackboneName):
        raise WrongDetector(
            "the detector was trained on published features, and which network made them is not "
            f"known here; give a folder of such features, without videos, instead of {source}"
        )
    settings = FeatureSettings(
        replace(_settings_from(ExtractionSettings, saved.extraction), weights=weights),
        _settings_from(DecodingSettings, saved.extraction),
    )
    report = extract_features(files, _videos_of(source, files), settings, execution)
    return OwnFeatures(files.features, report.ready), list(report.failures)


def _videos_of(where: str, files: RunFiles) -> list[VideoFile]:
    """The videos of a place that may hold the output folder: its own clips are none."""
    return find_videos(where, leave_out=(files.clips, files.overlays))


def _settings_from(kind: type[Settings], saved: dict[str, Any]) -> Settings:
    return kind(**{field.name: saved[field.name] for field in fields(kind) if field.name in saved})


def _refuse_shards(execution: Execution) -> None:
    if execution.shard_of[1] > 1:
        raise ShardsExtract(
            f"--shard {execution.shard} divides `c2fpl extract` alone, the other steps look at all "
            "videos: extract every shard into OUTPUT/features, then `c2fpl run ... -o OUTPUT`"
        )


def _last_words(files: RunFiles, failures: Sequence[Failure], said: str) -> int:
    last_line(said)
    if failures:
        failed = counted(len({failure.video for failure in failures}), "video")
        logger.warning("%s failed; reasons in %s", failed, files.failed)
    return exit_code(failures)
