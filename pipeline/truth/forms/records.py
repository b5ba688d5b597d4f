"""Annotations as written in a file, and their conversion to frames and seconds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from c2fpl.errors import BadAnnotation
from c2fpl.field_checks import check_fields
from c2fpl.pipeline.truth.forms.positions import (
    NotAPosition,
    Position,
    Unit,
    read_position,
)
from c2fpl.pipeline.truth.forms.rows import LARGEST_FRAME

NORMAL_CLASSES = frozenset(
    {"normal", "none", "no", "0", "background", "nominal", "non-anomalous", "no_anomaly", "false"}
)
"""Classes, in lower case, whose intervals are not anomalies."""

UNNAMED_CLASSES = frozenset({"1", "true", "yes", "anomaly", "anomalous", "abnormal"})
"""Classes that mark an anomaly without naming its kind."""


@dataclass(frozen=True)
class AnnotationSettings:
    """How to read positions in own annotations if the file does not specify it."""

    annotation_unit: Literal["auto", "frames", "seconds"] = "auto"
    """Unit of plain numbers; auto uses the column names, otherwise whole numbers are frames and
    decimals are seconds."""
    annotation_first_frame: Literal[0, 1] = 0
    """Number of the first frame."""
    annotation_end: Literal["exclusive", "inclusive"] = "exclusive"
    """Whether the end frame belongs to the interval."""

    def __post_init__(self) -> None:
        check_fields(self)

    def __str__(self) -> str:
        """Description for the summary line."""
        return f"frames from {self.annotation_first_frame}, end {self.annotation_end}"


@dataclass(frozen=True)
class Record:
    """One row, track or entry of a file."""

    place: str
    """File and line or key, for messages."""
    name: str
    """Video, as written."""
    spans: tuple[tuple[str, str], ...] = ()
    """(start, end) of its intervals, as written."""
    unit: Unit | None = None
    """Unit of plain numbers, if the file specifies it."""
    first_frame: int | None = None
    """Number of the first frame, if the format defines it."""
    end_included: bool | None = None
    """Whether the end frame belongs to the interval, if the format defines it."""
    classes: tuple[str, ...] = ()
    """Classes, as written."""
    frame_count: int | None = None
    """Frames of the video, if given."""
    frame_rate: float | None = None
    """Frames per second, if given."""

    def bad(self, value: object, rule: str) -> BadAnnotation:
        """The error to raise for a value of this record; `rule` ends with the cure."""
        return BadAnnotation(f"{self.place}: {value!r} {rule}")

    @property
    def is_normal(self) -> bool:
        """Whether all of its classes are normal."""
        return bool(self.classes) and all(one.lower() in NORMAL_CLASSES for one in self.classes)

    def positions(self) -> list[tuple[Position, Position]]:
        """Parse the intervals; empty pairs are left out.

        Raises:
            BadAnnotation: a position is invalid, half an interval is missing, or an interval ends
                before it starts.
        """
        pairs = [(self._read(start), self._read(end)) for start, end in self.spans]
        for (start, end), written in zip(pairs, self.spans, strict=True):
            shown = " ".join(written)
            if (start.kind == "nothing") != (end.kind == "nothing") or start.kind == "end":
                raise self.bad(
                    shown, "is half an interval: write -1 for both, or `end` for an open end"
                )
            if end.kind != "end" and start.value > end.value:
                raise self.bad(shown, "ends before it starts: swap or correct them")
        return [pair for pair in pairs if pair[0].kind != "nothing"]

    def _read(self, text: str) -> Position:
        try:
            return read_position(text)
        except NotAPosition as error:
            raise self.bad(text, str(error)) from error


SPAN = re.compile(r"(?<=[\w.])\s*(?:-{1,2}>?|\u2013|\u2014|~|\.\.)\s*(?=[0-9]|end\b)", re.ASCII)
"""Separator between start and end of an interval: a hyphen, dash, arrow or two dots."""


def split_spans(text: str) -> list[str]:
    """Split a text into positions: `10-20; 30-40` or `[[10, 20], [30, 40]]` gives four."""
    bare = re.sub(r"[\[\](){}|;]|,\s", " ", SPAN.sub(" ", text.strip()))
    found = bare.split()
    if len(found) == 1 and "," in bare:
        found = bare.split(",")
    return [one.strip(",") for one in found if one.strip(",")]


def pairs_of(place: str, positions: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Group positions into (start, end) pairs; a single -1 means no interval.

    Raises:
        BadAnnotation: the number of positions is odd.
    """
    if list(positions) == ["-1"]:
        return ()
    if len(positions) % 2:
        raise BadAnnotation(
            f"{place}: {' '.join(positions)!r} is an odd number of positions: give a start and an"
            " end for each interval"
        )
    return tuple(zip(positions[::2], positions[1::2], strict=True))


def refuse_duplicates(by_name: Mapping[str, Sequence[Record]]) -> None:
    """Refuse two lines for one video.

    Raises:
        BadAnnotation: names both.
    """
    for name, records in by_name.items():
        if len(records) > 1:
            first = records[0].place.rpartition(" ")[2]
            raise records[1].bad(
                name,
                f"is already on line {first}: keep one row per video, or its frames count twice",
            )


def unit_of(records: Sequence[Record], reading: AnnotationSettings) -> Unit:
    """Determine the unit of the plain numbers in a file.

    Raises:
        BadAnnotation: the unit is ambiguous; a wrong guess would shift every interval.
    """
    if reading.annotation_unit != "auto":
        return reading.annotation_unit
    plain = [
        (record, position)
        for record in records
        for pair in record.positions()
        for position in pair
        if record.unit is None and position.kind in ("whole", "decimal")
    ]
    timed = any(p.kind == "time" for r in records for pair in r.positions() for p in pair)
    if timed and plain:
        record, position = plain[0]
        raise record.bad(
            f"{position.value:g}",
            "is a plain number, but other positions are times: give --annotation-unit frames or"
            " seconds",
        )
    decimals = [(record, p) for record, p in plain if p.kind == "decimal"]
    if decimals and all(p.value.is_integer() for _, p in plain):
        record, position = decimals[0]
        raise record.bad(
            f"{position.value:.1f}",
            "may be in frames or in seconds: give --annotation-unit frames or seconds",
        )
    return "seconds" if timed or decimals else "frames"


def frames_and_seconds(
    record: Record, unit: Unit, reading: AnnotationSettings
) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[float, float], ...]]:
    """Split intervals into those in frames, 0-based [start, end), and those in seconds.

    Seconds are converted to frames if the record has a frame rate.

    Raises:
        BadAnnotation: a frame number is fractional or before the first frame.
    """
    frames, seconds = [], []
    for start, end in record.positions():
        if start.kind == "time" or (record.unit or unit) == "seconds":
            seconds.append((start.value, float("inf") if end.kind == "end" else end.value))
        else:
            frames.append(_frames(record, start, end, reading))
    if record.frame_rate:
        rate = record.frame_rate
        frames += [frames_at(start, end, rate) for start, end in seconds]
        seconds = []
    return tuple(frames), tuple(seconds)


def frames_at(start_s: float, end_s: float, frame_rate: float) -> tuple[int, int]:
    """Convert [start_s, end_s) to frames [start, end) at a constant frame rate."""
    last = LARGEST_FRAME if end_s == float("inf") else round(end_s * frame_rate)
    return round(start_s * frame_rate), last


def _frames(
    record: Record, start: Position, end: Position, reading: AnnotationSettings
) -> tuple[int, int]:
    first = record.first_frame
    first = reading.annotation_first_frame if first is None else first
    included = record.end_included
    included = reading.annotation_end == "inclusive" if included is None else included
    for value in (start.value, end.value):
        if not value.is_integer():
            raise record.bad(
                f"{value:g}", "is not a whole frame number: give --annotation-unit seconds"
            )
    if start.value < first:
        raise record.bad(f"{start.value:g}", f"is before the first frame, {first}: correct it")
    stop = LARGEST_FRAME if end.kind == "end" else int(end.value) - first + included
    return int(start.value) - first, stop
