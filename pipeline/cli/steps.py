"""Commands of the line: run, and its steps extract, label, train, score."""

from dataclasses import replace
from pathlib import Path

from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.models.settings import LabelSettings, TrainingSettings
from c2fpl.pipeline.cli.app import (
    Annotation,
    Decoding,
    Events,
    Extraction,
    How,
    Labels,
    Output,
    Reading,
    Scores,
    Training,
    app,
)
from c2fpl.pipeline.report.events import EventSettings
from c2fpl.pipeline.settings import Execution, ReadingSettings, ScoreSettings
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.forms.records import AnnotationSettings


@app.command
def run(
    videos: str,
    *,
    output: Output,
    annotations: Path | None = None,
    dataset: DatasetName = "own",
    reading: Annotation = AnnotationSettings(),
    dry_run: bool = False,
    tensorboard: bool = False,
    extraction: Extraction = ExtractionSettings(),
    decoding: Decoding = DecodingSettings(),
    labels: Labels = LabelSettings(),
    training: Training = TrainingSettings(),
    scores: Scores = ScoreSettings(),
    events: Events = EventSettings(),
    execution: How = Execution(),
) -> int:
    """Extract, label, train, score and report, in one resumable line.

    Args:
        videos: a file, a folder (searched recursively), a quoted glob or a .txt list.
        output: the run's folder.
        annotations: known events, to shade them in plots and page; never read by any other step.
        dataset: whose form the annotations have.
        dry_run: only say what is done, what is left and how long it may take; nothing is written.
        tensorboard: also write the training's loss a pass to tensorboard/ (extra [tensorboard]).
    """
    from c2fpl.pipeline.cli.commands import plan_only, run_all
    from c2fpl.pipeline.run import RunSettings

    if dry_run:
        return plan_only(videos, output, "run", extraction, decoding, execution, training)

    settings = RunSettings(
        extraction=extraction,
        decoding=decoding,
        labels=labels,
        training=replace(training, seed=labels.seed),  # one --seed for the whole run
        scores=scores,
        events=events,
        execution=execution,
        tensorboard=tensorboard,
    )
    return run_all(videos, output, settings, annotations, dataset, reading)


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
    """Decode videos and write the features of their segments.

    Args:
        videos: a file, a folder (searched recursively), a quoted glob or a .txt list.
        output: folder of the features.
        dry_run: only say what is done, what is left and how long it may take; nothing is written.
    """
    from c2fpl.pipeline.cli.commands import extract_only, plan_only

    if dry_run:
        return plan_only(videos, output, "features", extraction, decoding, execution, None)
    return extract_only(videos, output, extraction, decoding, execution)


@app.command
def label(
    features: Path,
    *,
    output: Output,
    reading: Reading = ReadingSettings(),
    labels: Labels = LabelSettings(),
    execution: How = Execution(),
) -> int:
    """Give every segment a pseudo-label, with no human label.

    Args:
        features: folder of features.
        output: folder of labels.csv and videos.csv.
    """
    from c2fpl.pipeline.cli.commands import label_only

    return label_only(features, output, reading, labels, execution)


@app.command
def train(
    features: Path,
    *,
    labels: Path,
    output: Output,
    tensorboard: bool = False,
    reading: Reading = ReadingSettings(),
    training: Training = TrainingSettings(),
    execution: How = Execution(),
) -> int:
    """Train the detector on features and pseudo-labels.

    Args:
        features: folder of features.
        labels: folder of labels.csv.
        output: the detector's file.
        tensorboard: also write the loss a pass to a folder beside it (extra [tensorboard]).
    """
    from c2fpl.pipeline.cli.commands import train_only

    return train_only(
        features, labels, output, reading, training, execution, tensorboard=tensorboard
    )


@app.command
def convert_detector(checkpoint: Path, *, output: Output) -> None:
    """Write a published checkpoint of C2FPL, or an older detector, as a detector file of today.

    `score --detector` takes such checkpoints as they are; this keeps the result.

    Args:
        checkpoint: the authors' file, such as UCFfinal.pkl: layers fc1, fc2, fc3, fc_att1, fc_att2.
        output: the detector's file.
    """
    from c2fpl.pipeline.steps.detector_files import load_detector, save_detector

    save_detector(output, load_detector(checkpoint))


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
    """Score videos, or features, with a trained detector: one value a decoded frame.

    Args:
        source: videos as for `extract` (features are then made as the detector's were), or a
            folder of features.
        detector: file that `train` or `run` made.
        output: folder of the scores.
        weights: weights file of the backbone, the one that the detector's features were made with.
    """
    from c2fpl.pipeline.cli.commands import score_only

    return score_only(source, detector, output, weights, reading, scores, execution)
