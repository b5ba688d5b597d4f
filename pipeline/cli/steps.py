"""The single steps of a run: extract, label, train, score."""

from pathlib import Path

from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.models.settings import LabelSettings, TrainingSettings
from c2fpl.pipeline.cli.app import (
    Decoding,
    Extraction,
    How,
    Labels,
    Output,
    Reading,
    Scores,
    Training,
    app,
)
from c2fpl.pipeline.cli.plan import show_plan
from c2fpl.pipeline.files.outcomes import finish
from c2fpl.pipeline.files.progress import last_line
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.wording import counted
from c2fpl.pipeline.settings import Execution, ReadingSettings, ScoreSettings
from c2fpl.pipeline.videos.find import videos_for


@app.command
def extract(
    videos: str,
    *,
    output: Output,
    dry_run: bool = False,
    extraction: Extraction = ExtractionSettings(),
    decoding: Decoding = DecodingSettings(),
    execution: How = Execution(),
) -> int:
    """Decode videos and compute the features of their segments.

    Args:
        videos: a file, a folder (searched recursively), a quoted glob or a .txt list.
        output: folder for the features.
        dry_run: only print what is done, what remains and how long it may take; write nothing.
    """
    from c2fpl.pipeline.extraction.extract_features import extract_features
    from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
    from c2fpl.pipeline.steps.run_record import recorded_step

    files = RunFiles(output, holds="features")
    if dry_run:
        return show_plan(videos, files, extraction, decoding, execution, None)
    found = videos_for(files, videos)
    settings = {"extraction": extraction, "decoding": decoding, "execution": execution}
    shard = execution.shard_of
    command = "extract" if shard == (1, 1) else f"extract --shard {execution.shard}"
    with recorded_step(files, command, settings, shard) as record:
        report = extract_features(files, found, FeatureSettings(extraction, decoding), execution)
        record.extraction(report)
        record.failures += report.failures
    done = f"features of {counted(len(report.ready), 'video')} in {files.features}"
    return finish(files, report.failures, done)


@app.command
def label(
    features: Path,
    *,
    output: Output,
    reading: Reading = ReadingSettings(),
    labels: Labels = LabelSettings(),
    execution: How = Execution(),
) -> int:
    """Compute a pseudo-label for every segment, without human labels.

    Args:
        features: folder of features.
        output: folder for labels.csv and videos.csv.
    """
    from c2fpl.pipeline.features.published import features_in
    from c2fpl.pipeline.steps.run_record import recorded_step
    from c2fpl.pipeline.steps.update_labels import update_labels

    opened, files = features_in(features, reading), RunFiles(output, holds="labels")
    with recorded_step(files, "label", {"labels": labels}):
        update_labels(files, opened, labels, execution)
    return finish(files, [], f"labels in {files.segment_labels}")


@app.command
def train(
    features: Path,
    *,
    labels: Path,
    output: Output,
    feedback: Path | None = None,
    tensorboard: bool = False,
    reading: Reading = ReadingSettings(),
    training: Training = TrainingSettings(),
    execution: How = Execution(),
) -> int:
    """Train the detector on features and pseudo-labels.

    Args:
        features: folder of features.
        labels: folder with labels.csv.
        output: detector file to write.
        feedback: feedback.csv of the report page, with the columns event and keep. Segments of
            confirmed events get the label 1, of dismissed ones 0; they are repeated until they make
            up a quarter of what the detector sees.
        tensorboard: also write the training loss to a folder next to it (extra [tensorboard]).
    """
    from c2fpl.pipeline.features.published import features_in
    from c2fpl.pipeline.feedback import with_feedback
    from c2fpl.pipeline.steps.train_detector import train_detector
    from c2fpl.pipeline.steps.update_labels import load_labels

    opened = features_in(features, reading)
    folder = labels.parent if labels.suffix == ".csv" else labels
    known = load_labels(RunFiles(folder, holds="labels"), opened)
    if feedback is not None:
        known = with_feedback(known, opened, feedback)
    scalars = output.with_name(f"{output.stem}-tensorboard") if tensorboard else None
    train_detector(output, opened, known, training, execution, tensorboard=scalars)
    last_line(f"detector in {output}")
    return 0


@app.command
def score(
    source: str,
    *,
    detector: Path,
    output: Output,
    weights: Path | None = None,
    reading: Reading = ReadingSettings(),
    scores: Scores = ScoreSettings(),
    execution: How = Execution(),
) -> int:
    """Score videos or features with a trained detector: one value per decoded frame.

    Args:
        source: videos as for `extract`, or a folder of features. Features of videos are extracted
            with the settings that the detector was trained with.
        detector: detector file from `train` or `run`.
        output: folder for the scores.
        weights: weights file of the backbone, the same one as for the detector's features.
    """
    from c2fpl.pipeline.steps.detector_files import load_detector
    from c2fpl.pipeline.steps.new_videos import features_for
    from c2fpl.pipeline.steps.run_record import recorded_step
    from c2fpl.pipeline.steps.score_videos import score_videos

    execution.refuse_shards()
    saved = load_detector(detector)
    files = RunFiles(output, holds="scores")
    with recorded_step(files, "score", {"scores": scores}) as record:
        features, failures = features_for(saved, source, files, weights, reading, execution)
        record.failures += [*failures, *score_videos(files, features, saved, scores, execution)]
    done = f"scores of {counted(len(features.names), 'video')} in {files.scores}"
    return finish(files, record.failures, done)
