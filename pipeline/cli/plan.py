"""Prints what a command would do, and how long it may take."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.models.settings import TrainingSettings
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import videos_for

if TYPE_CHECKING:
    from rich.table import Table

    from c2fpl.pipeline.extraction.feature_settings import FeatureSettings


def show_estimate(
    table: "Table",
    lengths: Sequence[tuple[Path, int, bool]],
    settings: "FeatureSettings",
    execution: Execution,
    training: TrainingSettings | None,
) -> None:
    """Print a table of videos and an estimate of the time for extraction and training.

    Args:
        table: the table to print.
        lengths: for each video its path, its number of frames and whether it is already done.
        settings: settings of the extraction.
        execution: device and workers.
        training: training settings; None to estimate extraction only.
    """
    from rich.console import Console

    from c2fpl.pipeline.extraction.dry_run import estimate_lines

    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    for line in estimate_lines(lengths, settings, execution, training):
        console.print(line, markup=False, highlight=False)


def show_plan(
    videos: str,
    files: RunFiles,
    extraction: ExtractionSettings,
    decoding: DecodingSettings,
    execution: Execution,
    training: TrainingSettings | None,
) -> int:
    """Print what is done, what remains and how long it may take."""
    from c2fpl.pipeline.extraction.dry_run import plan_table, plan_videos
    from c2fpl.pipeline.extraction.feature_settings import FeatureSettings

    settings = FeatureSettings(extraction, decoding)
    found = videos_for(files, videos)
    planned = plan_videos(files, found, settings, execution)
    lengths = [(item.video.path, item.frames, item.done) for item in planned]
    show_estimate(plan_table(planned), lengths, settings, execution, training)
    return 0
