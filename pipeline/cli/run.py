"""The command run: all steps in one."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.models.settings import OwnVideoLabels
from c2fpl.pipeline.cli.app import (
    Annotation,
    Decoding,
    Events,
    Extraction,
    How,
    Output,
    Scores,
    SeedlessTraining,
    TrainingBesideLabels,
    app,
)
from c2fpl.pipeline.cli.plan import show_plan
from c2fpl.pipeline.files.outcomes import finish
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.wording import counted
from c2fpl.pipeline.settings import EventSettings, Execution, ScoreSettings
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.forms.records import AnnotationSettings


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options of `run` that are not settings of a step."""

    annotations: Path | None = None
    """known events to shade in the plots and on the page. No other step reads them."""
    dataset: DatasetName = "own"
    """data set whose format the annotations have."""
    dry_run: bool = False
    """only print what is done, what remains and how long it may take; write nothing."""
    tensorboard: bool = False
    """also write the training loss to tensorboard/ (extra [tensorboard])."""


@app.command
def run(
    videos: str,
    *,
    output: Output,
    options: Annotated[RunOptions, Parameter(name="*")] = RunOptions(),
    reading: Annotation = AnnotationSettings(),
    extraction: Extraction = ExtractionSettings(),
    decoding: Decoding = DecodingSettings(),
    labels: Annotated[OwnVideoLabels, Parameter(name="*", group="Labels")] = OwnVideoLabels(),
    training: TrainingBesideLabels = SeedlessTraining(),
    scores: Scores = ScoreSettings(),
    events: Events = EventSettings(),
    execution: How = Execution(),
) -> int:
    """Extract, label, train, score and report in one command that can be resumed.

    Args:
        videos: a file, a folder (searched recursively), a quoted glob or a .txt list.
        output: folder for the run.
    """
    from c2fpl.pipeline.run import RunSettings, run_folder

    files = RunFiles(output)
    if options.dry_run:
        return show_plan(videos, files, extraction, decoding, execution, training)
    execution.refuse_shards()
    settings = RunSettings(
        extraction=extraction,
        decoding=decoding,
        labels=labels,
        training=replace(training, seed=labels.seed),  # one --seed for the whole run
        scores=scores,
        events=events,
        execution=execution,
        tensorboard=options.tensorboard,
    )
    known = (options.annotations, options.dataset, reading)
    found, failures = run_folder(videos, files, settings, *known)
    scored = len(found) - len({failure.video for failure in failures})
    return finish(files, failures, f"{counted(scored, 'video')}, scores in {files.scores}")
