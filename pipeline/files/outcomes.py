"""Failures of single videos: values that are written to failed.csv and set the exit code."""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from c2fpl.errors import BadFile
from c2fpl.pipeline.files.lock import one_at_a_time
from c2fpl.pipeline.files.progress import last_line
from c2fpl.pipeline.files.run_files import RunFiles, load_table, save_table
from c2fpl.pipeline.files.wording import counted

logger = logging.getLogger(__name__)

HEADER = ("video", "step", "reason")
STOPPED = 2
"""Exit code in the record of a run that ended early because of an error or a signal."""


@dataclass(frozen=True)
class Failure:
    """A video that a step could not process."""

    video: str
    """Name of the video, or its path if it has no name yet."""
    step: str
    """Name of the step: extract, label, score, ..."""
    reason: str
    """Value, rule and cure, in one line."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", " ".join(self.reason.split()))


def save_failures(
    files: RunFiles,
    step: str,
    failures: Iterable[Failure],
    *,
    of: Collection[str] | None = None,
) -> list[Failure]:
    """Replace the rows of `step` in failed.csv and keep those of other steps.

    The file is removed if no rows remain.

    Args:
        files: the files of the run.
        step: name of the step.
        failures: failures of that step.
        of: videos of this shard, whose rows are replaced; None for all videos.

    Returns:
        All failures that are now in the file.
    """
    with one_at_a_time(files.root):
        before = load_failures(files)
        others = [f for f in before if f.step != step or (of is not None and f.video not in of)]
        rows = sorted([*others, *failures], key=lambda f: (f.video, f.step))
        if rows:
            save_table(files.failed, HEADER, [(f.video, f.step, f.reason) for f in rows])
        else:
            files.failed.unlink(missing_ok=True)
    return rows


def load_failures(files: RunFiles) -> list[Failure]:
    """The rows of failed.csv; empty if there is no such table."""
    if not files.failed.exists():
        return []
    try:
        rows = load_table(files.failed, HEADER)
    except BadFile:
        return []  # the caller rewrites it
    return [Failure(*(row[column] for column in HEADER)) for row in rows]


def finish(files: RunFiles, failures: Sequence[Failure], done: str) -> int:
    """Log the last line and the number of failed videos; return the exit code."""
    last_line(done)
    if failures:
        failed = counted(len({failure.video for failure in failures}), "video")
        logger.warning("%s failed; see the reasons in %s", failed, files.failed)
    return exit_code(failures)


def exit_code(failures: Sequence[Failure]) -> int:
    """0: all videos are done; 1: some failed, all others are done (docs/cli.md)."""
    return 1 if failures else 0
