"""Shows the progress of a step: a bar on a terminal, otherwise log lines."""

import logging
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from c2fpl.pipeline.files.time_left import TimeLeft
from c2fpl.pipeline.files.wording import format_duration

logger = logging.getLogger(__name__)

PLAIN_LINE_EVERY_S = 10.0


def last_line(text: str) -> None:
    """Log the last line of a command, which is shown even with `--quiet`."""
    logger.info("%s", text, extra={"is_last": True})


def is_shown_when_quiet(record: logging.LogRecord) -> bool:
    """Whether `--quiet` shows this record: true for warnings, errors and the last line."""
    return record.levelno >= logging.WARNING or getattr(record, "is_last", False)


class Progress(Protocol):
    """Counts finished items."""

    def advance(self, count: int = 1) -> None:
        """Add `count` finished items."""


class _Silent:
    def advance(self, count: int = 1) -> None:
        """Do nothing."""


class _Lines:
    """Logs a line every ten seconds and one at the end."""

    def __init__(self, title: str, unit: str, work: Sequence[float]) -> None:
        self._title, self._unit = title, unit
        self._total, self._done = len(work), 0
        self._start_s = self._logged_s = time.monotonic()
        self._left = TimeLeft(work, self._start_s)

    def advance(self, count: int = 1) -> None:
        self._done += count
        now_s = time.monotonic()
        left = time_left(self._left, self._done, now_s)
        elapsed_s = now_s - self._start_s
        if self._done == self._total:
            left = f", took {format_duration(elapsed_s)}"
        elif now_s - self._logged_s < PLAIN_LINE_EVERY_S:
            return
        self._logged_s = now_s
        rate = pace(self._done / max(elapsed_s, 1e-9))
        counts = f"{self._done} of {self._total} {self._unit}"
        logger.info("%s: %s, %s%s", self._title, counts, rate, left)


def time_left(estimate: TimeLeft, done: int, now_s: float) -> str:
    """`, about 3 min left`; empty before enough was seen."""
    left_s = estimate.after(done, now_s)
    return "" if left_s is None else f", about {format_duration(left_s)} left"


def pace(a_second: float) -> str:
    """A rate in readable units.

    >>> pace(12.345), pace(0.05)
    ('12.35 a second', '3.0 a minute')
    """
    return f"{a_second:.2f} a second" if a_second >= 0.5 else f"{60 * a_second:.1f} a minute"


@contextmanager
def progress(
    title: str, total: int, unit: str, *, quiet: bool, work: Sequence[float] = ()
) -> Iterator[Progress]:
    """Show how many of `total` items are done while the block runs.

    Args:
        title: name of the step.
        total: number of items.
        unit: their plural noun.
        quiet: show nothing.
        work: amount of work of each item in order, such as its bytes; by default all are equal.
    """
    if total == 1:
        unit = unit.replace("videos", "video").replace("epochs", "epoch")
    work = work or [1.0] * total
    if quiet or not total:
        yield _Silent()
    elif sys.stderr.isatty():
        yield from _bar(title, unit, work)
    else:
        yield _Lines(title, unit, work)


def _bar(title: str, unit: str, work: Sequence[float]) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
    )
    estimate = TimeLeft(work, time.monotonic())
    with RichProgress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=len(work), state=unit)

        class _Bar:
            def advance(self, count: int = 1) -> None:
                bar.advance(task, count)
                shown = bar.tasks[0]
                left = time_left(estimate, round(shown.completed), time.monotonic())
                rate = f", {pace(shown.speed)}" if shown.speed else ""
                bar.update(task, state=f"{unit}{rate}{left}")

        yield _Bar()
