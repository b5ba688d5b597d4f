"""The application and the arguments that its commands share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.models.settings import LabelSettings, TrainingSettings
from c2fpl.pipeline.settings import (
    EventSettings,
    Execution,
    ReadingSettings,
    ScoreSettings,
    WatchSettings,
)
from c2fpl.pipeline.truth.forms.records import AnnotationSettings
from c2fpl.pipeline.truth.score_lengths import ScoreUnit


@dataclass(frozen=True, kw_only=True)
class SeedlessTraining(TrainingSettings):
    """Training settings of a command that also makes labels: one --seed sets both."""

    seed: Annotated[int, Parameter(parse=False)] = 0
    """Set from the seed of the labels."""


Output = Annotated[Path, Parameter(name=["--output", "-o"])]
Extraction = Annotated[ExtractionSettings, Parameter(name="*", group="Extraction")]
Decoding = Annotated[DecodingSettings, Parameter(name="*", group="Decoding")]
Reading = Annotated[ReadingSettings, Parameter(name="*", group="Features")]
Labels = Annotated[LabelSettings, Parameter(name="*", group="Labels")]
Training = Annotated[TrainingSettings, Parameter(name="*", group="Training")]
TrainingBesideLabels = Annotated[SeedlessTraining, Parameter(name="*", group="Training")]
Scores = Annotated[ScoreSettings, Parameter(name="*", group="Scores")]
Annotation = Annotated[AnnotationSettings, Parameter(name="*", group="Annotations")]
Unit = Annotated[ScoreUnit, Parameter(name="*", group="Score files")]
Events = Annotated[EventSettings, Parameter(name="*", group="Events")]
Watching = Annotated[WatchSettings, Parameter(name="*", group="Watching")]
How = Annotated[Execution, Parameter(name="*", group="Execution")]

SETTINGS = (
    ExtractionSettings,
    DecodingSettings,
    ReadingSettings,
    LabelSettings,
    TrainingSettings,
    ScoreSettings,
    ScoreUnit,
    AnnotationSettings,
    EventSettings,
    WatchSettings,
    Execution,
)
"""All settings classes. Their fields are the options and the keys of --config."""


def versions() -> str:
    """What `--version` says; imports torch for its CUDA version, so only when asked."""
    import torch

    from c2fpl.pipeline.steps import run_record

    found = {**run_record.versions(), "cuda": torch.version.cuda or "none"}
    found["gpus"] = str(torch.cuda.device_count())
    return "\n".join(f"{name:<24}{version}" for name, version in found.items())


def show(line: object) -> None:
    """Print a line to standard output as it is."""
    print(line)


app = App(
    name="c2fpl",
    help="Per-frame anomaly scores for folders of raw, unlabelled videos.",
    version=versions,
    version_format="plaintext",
)
app.meta.suppress_keyboard_interrupt = False  # cli.main handles it
app.register_install_completion_command(
    help="Install completion of commands and options in the shell (bash, zsh, fish, powershell)."
)
