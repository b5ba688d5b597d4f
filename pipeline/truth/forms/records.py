"""What an annotation file says of one video, before frames, seconds and names are settled."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from c2fpl.pipeline.truth.forms.positions import (
    NotAPosition,
    Position,
    Unit,
    read_position,
)
from c2fpl.pipeline.truth.forms.rows import LARGEST_FRAME, BadAnnotation

NORMAL_CLASSES = frozenset(
    {"normal", "none", "no", "0", "background", "nominal", "non-anomalous", "no_anomaly", "false"}
)
"""Classes, in small letters, whose intervals are no anomaly."""

UNNAMED_CLASSES = frozenset({"1", "true", "yes", "anomaly", "anomalous", "abnormal"})
"""Classes that say no more than that something happens."""


@dataclass(frozen=True)
class AnnotationSettings:
    """How the positions of own annotations are meant, where the file does not tell."""

    annotation_unit: Literal["auto", "frames", "seconds"] = "auto"
    """Unit of plain numbers; auto takes column names, then whole numbers for frames and
    fractions for seconds."""
    annotation_first_frame: Literal[0, 1] = 0
    """Number of the first frame."""
    annotation_end: Literal["exclusive", "inclusive"] = "exclusive"
    """Whether the frame of an end belongs to its interval."""

    def __str__(self) -> str:
        """For the line that names the form."""
        return f"frames from {self.annotation_first_frame}, end {self.annotation_end}"


@dataclass(frozen=True)
class Record:
    """One row, track or entry."""

    place: str
    """File and line or key, for messages."""
    name: str
    """Video, as written."""
    spans: tuple[tuple[str, str], ...] = ()
    """(start, end) of its intervals, as written."""
    unit: Unit | None = None
    """Unit of plain numbers where the file tells it."""
    first_frame: int | None = None
    """Number of the first frame where the form fixes it."""
    end_included: bool | None = None
    """Whether ends belong to their intervals where the form fixes it."""
    classes: tuple[str, ...] = ()
    """Classes, as written."""
    frame_count: int | None = None
    """Frames of the video, where given."""
    frame_rate: float | None = None
    """Frames a second, where given."""

    def bad(self, value: object, rule: str) -> BadAnnotation:
        """The error to raise for a value of this record; `rule` ends in the cure."""
        return BadAnnotation(f"{self.place}: {value!r} {rule}")

    @property
    def is_normal(self) -> bool:
        """Whether its class says that nothing happens."""
        return bool(self.classes) and all(one.lower() in NORMAL_CLASSES for one in self.classes)

    def positions(self) -> list[tuple[Position, Position]]:
        """The intervals, read; pairs of nothing are left out.

        Raises:
            BadAnnotation: no position, half an interval, or an end before its start.
        """
        pairs = [(self._read(start), self._read(end)) for start, end in self.spans]
        for (start, end), written in zip(pairs, self.spans, strict=True):
            shown = " ".join(written)
            if (start.kind == "nothing") != (end.kind == "nothing") or start.kind == "end":
                raise self.bad(
                    shown, "is half an interval: write -1 for both, or `end` for the end"
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
"""Between the start and the end of one interval: a hyphen, a dash, an arrow, two dots."""


def split_spans(text: str) -> list[str]:
    """The positions of several intervals in one text: `10-20; 30-40`, `[[10, 20], [30, 40]]`."""
    bare = re.sub(r"[\[\](){}|;]|,\s", " ", SPAN.sub(" ", text.strip()))
    found = bare.split()
    if len(found) == 1 and "," in bare:
        found = bare.split(",")
    return [one.strip(",") for one in found if one.strip(",")]


def pairs_of(place: str, positions: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Positions two by two; one -1 alone is no interval.

    Raises:
        BadAnnotation: an odd count.
    """
    if list(positions) == ["-1"]:
        return ()
    if len(positions) % 2:
        raise BadAnnotation(
            f"{place}: {' '.join(positions)!r} is an odd count of numbers: give a start and an end"
            " each"
        )
    return tuple(zip(positions[::2], positions[1::2], strict=True))


def refuse_doubled(by_name: Mapping[str, Sequence[Record]]) -> None:
    """Refuse two lines for one video.

    Raises:
        BadAnnotation: names both.
    """
    for name, records in by_name.items():
        if len(records) > 1:
            first = records[0].place.rpartition(" ")[2]
            raise records[1].bad(
                name,
                f"is there already on line {first}: keep one row for each video, or its frames"
                " count twice",
            )


def unit_of(records: Sequence[Record], reading: AnnotationSettings) -> Unit:
    """The unit of a file's plain numbers.

    Raises:
        BadAnnotation: numbers that may be either, where a guess would shift every interval.
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
            "is a plain number among times: give --annotation-unit frames or seconds",
        )
    decimals = [(record, p) for record, p in plain if p.kind == "decimal"]
    if decimals and all(p.value.is_integer() for _, p in plain):
        record, position = decimals[0]
        raise record.bad(
            f"{position.value:.1f}",
            "may be a frame or a second: give --annotation-unit frames or seconds",
        )
    return "seconds" if timed or decimals else "frames"


def frames_and_seconds(
    record: Record, unit: Unit, reading: AnnotationSettings
) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[float, float], ...]]:
    """The record's intervals: those in frames, 0-based and end exclusive, and those in seconds.

    Seconds become frames where the record has the frame rate.

    Raises:
        BadAnnotation: a fraction of a frame, or a frame before the first.
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
    """[start, end) in frames of a constant rate: frames whose time lies in [start_s, end_s)."""
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
                f"{value:g}", "is a fraction of a frame: give --annotation-unit seconds"
            )
    if start.value < first:
        raise record.bad(f"{start.value:g}", f"is before the first frame, {first}: correct it")
    stop = LARGEST_FRAME if end.kind == "end" else int(end.value) - first + included
    return int(start.value) - first, stop
