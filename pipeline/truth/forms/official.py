"""Rows of the official annotation files of UCF-Crime and XD-Violence, and of their copies."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from c2fpl.errors import BadAnnotation, UnknownVideo
from c2fpl.pipeline.truth.datasets import DatasetName, classes_of, is_anomalous
from c2fpl.pipeline.truth.forms.rows import INTEGER, AnnotationRow
from c2fpl.pipeline.truth.video_annotation import VideoAnnotation
from c2fpl.pipeline.videos.names import video_name


def _parse_ucf(row: AnnotationRow) -> VideoAnnotation:
    """`name class s e s e`, `path n class s e s e`, `name class s e s e n`, `path n s e ...`."""
    name = video_name(row.fields[0])
    rest = row.fields[1:]
    frame_count: int | None = None
    if rest and INTEGER.fullmatch(rest[0]):
        frame_count, rest = row.number(rest[0]), rest[1:]
    classes = _classes(row, name, "ucf-crime")
    if rest and not INTEGER.fullmatch(rest[0]):
        _check_class(row, rest[0], classes)
        rest = rest[1:]
        if frame_count is None and len(rest) == 5:
            frame_count, rest = row.number(rest[-1]), rest[:-1]
    elif frame_count is not None and len(rest) > 1 and len(rest) % 2:
        raise row.bad(
            " ".join(row.fields[1:]),
            "looks like a UMIL list, with class numbers and 14 altered videos",
            "use the official annotation file",
        )
    if not rest:
        raise row.bad(name, "has no intervals", "write -1 -1 for a normal video")
    intervals = row.intervals(rest)
    _check_label(row, name, intervals, "ucf-crime")
    return VideoAnnotation(name, classes, intervals, frame_count)


def _classes(row: AnnotationRow, name: str, dataset: DatasetName) -> tuple[str, ...]:
    try:
        return classes_of(name, dataset)
    except UnknownVideo as error:
        raise BadAnnotation(f"{row.path}, line {row.line}: {error}") from error


def _check_class(row: AnnotationRow, written: str, classes: tuple[str, ...]) -> None:
    if (written,) != classes and not (written.startswith("Normal") and classes == ("Normal",)):
        raise row.bad(
            written, f"is not the class of the name, {classes[0]}", "correct the name or the class"
        )


def _parse_xd(row: AnnotationRow) -> VideoAnnotation:
    """`name s1 e1 [s2 e2 ...]`; 14 official names include `.mp4`."""
    name = video_name(row.fields[0])
    classes = _classes(row, name, "xd-violence")
    intervals = row.intervals(row.fields[1:])
    _check_label(row, name, intervals, "xd-violence")
    return VideoAnnotation(name, classes, intervals)


def _check_label(
    row: AnnotationRow, name: str, intervals: tuple[tuple[int, int], ...], dataset: DatasetName
) -> None:
    if is_anomalous(name, dataset) != bool(intervals):
        kind = "an anomalous video without" if not intervals else "a normal video with"
        raise row.bad(name, f"is {kind} intervals", "correct the name or the intervals")


OFFICIAL_ROWS: Mapping[DatasetName, Callable[[AnnotationRow], VideoAnnotation]] = MappingProxyType(
    {"ucf-crime": _parse_ucf, "xd-violence": _parse_xd}
)
