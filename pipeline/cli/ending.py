"""What several commands share: the estimate they print, their last line and their exit code."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from c2fpl.models.settings import TrainingSettings
from c2fpl.pipeline.files.outcomes import Failure, exit_code
from c2fpl.pipeline.files.progress import last_line
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.words import counted
from c2fpl.pipeline.settings import Execution

if TYPE_CHECKING:
    from rich.table import Table

    from c2fpl.pipeline.extraction.worker import FeatureSettings

logger = logging.getLogger(__name__)


class ShardsExtract(ValueError):
    """A step that needs all videos was asked for a shard of them."""


def finish(files: RunFiles, failures: Sequence[Failure], done: str) -> int:
    """Print the last line, and how many videos failed; returns the exit code."""
    last_line(done)
    if failures:
        failed = counted(len({failure.video for failure in failures}), "video")
        logger.warning("%s failed; reasons in %s", failed, files.failed)
    return exit_code(failures)


def refuse_shards(execution: Execution) -> None:
    """Only `extract` can be divided.

    Raises:
        ShardsExtract: a shard of another command was requested.
    """
    if execution.shard_of[1] > 1:
        raise ShardsExtract(
            f"--shard {execution.shard} divides `c2fpl extract` alone; the other steps need all "
            "videos: extract every shard into OUTPUT/features, then `c2fpl run ... -o OUTPUT`"
        )


def show_estimate(
    table: "Table",
    lengths: Sequence[tuple[Path, int, bool]],
    settings: "FeatureSettings",
    execution: Execution,
    training: TrainingSettings | None,
) -> None:
    """Print a table of videos, and how long their extraction and the training would take.

    Args:
        table: the videos.
        lengths: path, number of frames, and whether the video is done.
        settings: of the extraction.
        execution: device and workers.
        training: None for an extraction alone.
    """
    from rich.console import Console

    from c2fpl.pipeline.extraction.dry_run import estimate_lines

    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    for line in estimate_lines(lengths, settings, execution, training):
        console.print(line, markup=False, highlight=False)
