"""All steps: videos -> features -> labels -> detector -> scores -> events, plots and report."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from c2fpl.errors import BadVideo
from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.field_checks import check_fields
from c2fpl.models.settings import LabelSettings, OwnVideoLabels, TrainingSettings
from c2fpl.pipeline.extraction.extract_features import ExtractionReport, extract_features
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.features.extracted import ExtractedFeatures
from c2fpl.pipeline.files.lock import only_writer
from c2fpl.pipeline.files.outcomes import Failure, exit_code
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.wording import counted
from c2fpl.pipeline.moving_cameras import advise, moving_cameras
from c2fpl.pipeline.results import write_results
from c2fpl.pipeline.settings import EventSettings, Execution, ScoreSettings
from c2fpl.pipeline.steps.run_record import RunRecord, recorded
from c2fpl.pipeline.steps.score_videos import score_videos
from c2fpl.pipeline.steps.train_detector import train_detector
from c2fpl.pipeline.steps.update_labels import confidence_of, update_labels
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.forms.records import AnnotationSettings
from c2fpl.pipeline.truth.video_annotation import VideoAnnotation
from c2fpl.pipeline.truth.windows import read_windows
from c2fpl.pipeline.videos.find import VideoFile, videos_for

logger = logging.getLogger(__name__)

FEW_VIDEOS = 12
"""Below this number, one odd video can decide labels and scores."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Settings of all steps of a run."""

    extraction: ExtractionSettings = field(default_factory=ExtractionSettings)
    decoding: DecodingSettings = field(default_factory=DecodingSettings)
    labels: LabelSettings = field(default_factory=OwnVideoLabels)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    scores: ScoreSettings = field(default_factory=ScoreSettings)
    events: EventSettings = field(default_factory=EventSettings)
    execution: Execution = field(default_factory=Execution)
    tensorboard: bool = False
    """Whether to write the training loss to tensorboard/."""

    def __post_init__(self) -> None:
        check_fields(self)


def run_folder(
    videos: str | Sequence[str],
    files: RunFiles,
    settings: RunSettings,
    annotations: Path | None = None,
    dataset: DatasetName = "own",
    reading: AnnotationSettings = AnnotationSettings(),
) -> tuple[list[VideoFile], list[Failure]]:
    """Find the videos, lock the folder of the run and execute every step.

    Args:
        videos: a file, folder, glob or list, or a sequence of them. Clips and overlays of the run
            are excluded.
        files: the files of the run.
        settings: settings of all steps.
        annotations: known events to shade in plots and page. No other step reads them.
        dataset: data set whose format the annotations have.
        reading: how to read annotations of your own videos.

    Returns:
        The videos found, and the failures.
    """
    found = videos_for(files, videos)
    names = [video.name for video in found]
    windows = read_windows(annotations, names, dataset, reading) if annotations else None
    with only_writer(files):
        return found, run(files, found, settings, windows=windows)


def run(
    files: RunFiles,
    videos: Sequence[VideoFile],
    settings: RunSettings,
    *,
    windows: Mapping[str, VideoAnnotation] | None = None,
) -> list[Failure]:
    """Execute every step in order. Results whose inputs are unchanged are kept.

    Args:
        files: the files of the run. The caller holds the lock of its folder.
        videos: the videos to score.
        settings: settings of all steps.
        windows: annotations by video name, used only for plots and page.

    Returns:
        The videos that failed, with step and reason. All others are done.
    """
    with recorded(files, "run", {**vars(settings), "videos": len(videos)}) as record:
        _steps(files, videos, settings, record, windows)
    return record.failures


def _steps(
    files: RunFiles,
    videos: Sequence[VideoFile],
    settings: RunSettings,
    record: RunRecord,
    windows: Mapping[str, VideoAnnotation] | None,
) -> None:
    execution = settings.execution
    with record.stage("extract"):
        extracted = extract_features(
            files, videos, FeatureSettings(settings.extraction, settings.decoding), execution
        )
    features = _usable(files, extracted, record)
    if settings.extraction.backbone == "flow":
        moving = moving_cameras(features)
        record.fact("moving_cameras", moving)
        advise(moving, len(features.names))
    with record.stage("label"):
        labels = update_labels(files, features, settings.labels, execution)
    if confidence := confidence_of(files):
        record.fact("confidence", confidence)
    with record.stage("train"):
        scalars = files.tensorboard if settings.tensorboard else None
        detector = train_detector(
            files.detector,
            features,
            labels,
            settings.training,
            execution,
            tensorboard=scalars,
        )
    with record.stage("score"):
        record.failures += score_videos(files, features, detector, settings.scores, execution)
    record.save(files, exit_code(record.failures))  # the page shows it
    with record.stage("report"):
        write_results(files, settings.events, windows, quiet=execution.quiet)


def _usable(files: RunFiles, extracted: ExtractionReport, record: RunRecord) -> ExtractedFeatures:
    """Record the extraction and open the features of the videos that did not fail.

    Raises:
        BadVideo: every video failed.
    """
    record.extraction(extracted)
    record.failures += extracted.failures
    if not extracted.ready:
        raise BadVideo(f"no video could be read; see the reasons in {files.failed}")
    if len(extracted.ready) < FEW_VIDEOS:
        ready = counted(len(extracted.ready), "video")
        logger.info("only %s: one odd video may decide all scores; add footage", ready)
    return ExtractedFeatures(files.features, extracted.ready)
