"""Shows the progress of a step: a bar on a terminal, otherwise log lines."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

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

    def __init__(self, title: str, total: int, unit: str) -> None:
        self._title, self._total, self._unit = title, total, unit
        self._done = 0
        self._start = self._logged = time.monotonic()

    def advance(self, count: int = 1) -> None:
        self._done += count
        now = time.monotonic()
        if self._done == self._total or now - self._logged >= PLAIN_LINE_EVERY_S:
            self._logged = now
            rate = self._done / max(now - self._start, 1e-9)
            left_s = (self._total - self._done) / max(rate, 1e-9)
            logger.info(
                "%s: %d of %d %s, %s, %.0f s left",
                self._title,
                self._done,
                self._total,
                self._unit,
                pace(rate),
                left_s,
            )


def pace(a_second: float) -> str:
    """A rate in readable units.

    >>> pace(12.345), pace(0.05)
    ('12.35 a second', '3.0 a minute')
    """
    return f"{a_second:.2f} a second" if a_second >= 0.5 else f"{60 * a_second:.1f} a minute"


@contextmanager
def progress(title: str, total: int, unit: str, *, quiet: bool) -> Iterator[Progress]:
    """Show how many of `total` items are done while the block runs.

    `unit` is their plural noun.
    """
    if total == 1:
        unit = unit.replace("videos", "video").replace("epochs", "epoch")
    if quiet or not total:
        yield _Silent()
    elif sys.stderr.isatty():
        yield from _bar(title, total, unit)
    else:
        yield _Lines(title, total, unit)


def _bar(title: str, total: int, unit: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total, rate="")

        class _Bar:
            def advance(self, count: int = 1) -> None:
                bar.advance(task, count)
                speed = bar.tasks[0].speed
                bar.update(task, rate=pace(speed) if speed else "")

        yield _Bar()
