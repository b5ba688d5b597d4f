"""Tables with a header: one interval per row, or several intervals in one cell.

Columns are recognised by the words in their names.
"""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from c2fpl.errors import BadAnnotation
from c2fpl.pipeline.truth.forms.positions import Unit
from c2fpl.pipeline.truth.forms.records import Record, pairs_of, split_spans

NAME = frozenset({"video", "file", "filename", "name", "path", "clip", "media", "videoid", "vid"})
START = frozenset({"start", "begin", "from", "onset", "startframe", "starttime", "first"})
END = frozenset({"end", "stop", "to", "offset", "endframe", "endtime", "last", "finish"})
SEVERAL = frozenset({"intervals", "segments", "events", "interval", "windows", "timestamps"})
CLASS = frozenset({"class", "label", "category", "type", "anomaly", "activity", "event", "tag"})
COUNT = frozenset({"n", "num", "total", "count"})
RATE = frozenset({"fps", "rate", "framerate"})
FRAME = frozenset({"frame", "frames", "startframe", "endframe"})
SECOND = frozenset({"s", "sec", "secs", "second", "seconds", "time", "starttime", "endtime"})
MILLISECOND = frozenset({"ms", "msec", "milliseconds"})
"""Words of column names."""


@dataclass(frozen=True)
class Columns:
    """Index of each column of a table; None if it is missing."""

    written: tuple[str, ...]
    """The header."""
    name: int | None
    """Video."""
    start: int | None
    end: int | None
    several: int | None
    """Several intervals in one cell."""
    kind: int | None
    """Class."""
    count: int | None
    """Frames of the video."""
    rate: int | None
    """Frames per second."""

    @property
    def unit(self) -> tuple[Unit | None, str]:
        """Unit of plain numbers according to the start column, and a suffix to append to them."""
        if self.start is None:
            return None, ""
        words = _words(self.written[self.start])
        if words & FRAME:
            return "frames", ""
        if words & MILLISECOND and not words & {"hh", "ss"}:
            return "seconds", "ms"
        return ("seconds" if words & SECOND else None), ""


def columns_of(header: Sequence[str]) -> Columns:
    """Recognise columns by the words in their names: `Start (s)`, `frame_end`, `video-id`."""
    words = [_words(cell) for cell in header]
    bounds = [found & (START | END) for found in words]

    def first(known: frozenset[str], *, bound: bool = False, frames: bool = False) -> int | None:
        fitting = (
            place
            for place, found in enumerate(words)
            if found & known and bool(bounds[place]) == bound and (not frames or found & FRAME)
        )
        return next(fitting, None)

    return Columns(
        tuple(cell.strip() for cell in header),
        name=first(NAME),
        start=first(START, bound=True),
        end=first(END, bound=True),
        several=first(SEVERAL),
        kind=first(CLASS),
        count=first(COUNT, frames=True),
        rate=first(RATE),
    )


def table_records(
    path: Path, lines: Sequence[tuple[int, str]], separator: str | None, columns: Columns
) -> list[Record]:
    """Read the records of a table.

    Args:
        path: for messages.
        lines: number and text of each line, header first.
        separator: between cells; None for blanks.
        columns: columns of the header.

    Raises:
        BadAnnotation: there are no start and end columns, or a row names no video.
    """
    if columns.several is None and (columns.start is None or columns.end is None):
        raise BadAnnotation(
            f"{path}, line {lines[0][0]}: the table has no columns for start and end, only"
            f" {', '.join(columns.written)}: name them start_frame and end_frame, or start_s and"
            " end_s"
        )
    return [
        _record(f"{path}, line {n}", cells_of(line, separator), columns) for n, line in lines[1:]
    ]


def cells_of(line: str, separator: str | None) -> list[str]:
    """Split a line into cells without quotes."""
    if separator is None:
        return line.split()
    try:
        return [cell.strip() for cell in next(csv.reader(io.StringIO(line), delimiter=separator))]
    except csv.Error:
        return line.split(separator)  # an overlong field, which will be refused as a position


def _words(column: str) -> frozenset[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)
    return frozenset(re.findall(r"[a-z]+", spaced.lower()))


def _record(place: str, cells: Sequence[str], columns: Columns) -> Record:
    def cell(column: int | None) -> str:
        return cells[column] if column is not None and column < len(cells) else ""

    if not cell(columns.name):
        column = columns.written[columns.name or 0]
        raise BadAnnotation(f"{place}: column {column!r} is empty: give the name of the video")
    unit, suffix = columns.unit
    start, end = cell(columns.start), cell(columns.end)
    if columns.start is None or columns.end is None:
        spans = pairs_of(place, split_spans(cell(columns.several)))
    else:
        spans = (((start and start + suffix), (end and end + suffix) or (start and "end")),)
    count, kind = cell(columns.count), cell(columns.kind)
    return Record(
        place,
        cell(columns.name),
        spans,
        unit=unit,
        classes=(kind,) if kind else (),
        frame_count=int(count) if count.isdecimal() else None,
        frame_rate=_rate(place, cell(columns.rate)),
    )


def _rate(place: str, text: str) -> float | None:
    if not text:
        return None
    try:
        rate = float(text.replace(",", "."))
    except ValueError:
        rate = 0.0
    if not 0 < rate < 1000:
        raise BadAnnotation(f"{place}: {text!r} is not a frame rate in 0 to 1000: correct it")
    return rate
