"""What became of each video: a failure is a value that reaches failed.csv and the exit code."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from c2fpl.pipeline.files.lock import one_at_a_time
from c2fpl.pipeline.files.run_files import NotATable, RunFiles, load_table, save_table

HEADER = ("video", "step", "reason")
STOPPED = 2
"""Exit code in the record of a run that an error or a signal ended before its last step."""


@dataclass(frozen=True)
class Failure:
    """One video that a step could not do."""

    video: str
    """Name of the video, or its path where it has no name yet."""
    step: str
    """extract, label, score, ..."""
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
    """Replace the rows of `step` in failed.csv; rows of other steps stay. No row, no file.

    Args:
        files: the run's files.
        step: the step that was done.
        failures: of that step.
        of: videos whose rows are replaced, a shard's own; None for all.

    Returns:
        All failures that now stand in the file.
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
    """The rows of failed.csv; none where there is no such table."""
    if not files.failed.exists():
        return []
    try:
        rows = load_table(files.failed, HEADER)
    except NotATable:
        return []  # it is written anew at once
    return [Failure(*(row[column] for column in HEADER)) for row in rows]


def exit_code(failures: Sequence[Failure]) -> int:
    """0: all done; 1: some videos failed, all others done (DESIGN section 2)."""
    return 1 if failures else 0
