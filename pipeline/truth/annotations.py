r"""Annotation files as they lie on users' disks -> which frames of which video are anomalous.

Four forms, all plain text or plain arrays, none ever unpickled:

- `ucf-crime`: `name class s1 e1 s2 e2` (official; -1 for none), also with a frame count before the
  class (UR-DMU, ekosman) or at the end (MIST), and `path n s1 e1 ...` or `path|n|[s1, e1]`;
- `xd-violence`: `name s1 e1 s2 e2 ...`, one row for each violent test video, none for normal ones;
- `shanghaitech`: a folder of frame masks (frame_masks.py);
- `own`: `name start end start end ...`, 0-based, end exclusive; a normal video is its name alone.

CRLF, trailing blanks, a missing final newline and names with folder or `.mp4` all read alike.
The numbers of UCF-Crime and XD-Violence are kept as written: whether an end belongs to its interval
is decided by a protocol (protocols.py), because published code disagrees about it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from c2fpl.pipeline.truth.annotation_rows import (
    INTEGER,
    AnnotationRow,
    BadAnnotation,
    annotation_rows,
)
from c2fpl.pipeline.truth.datasets import (
    DatasetName,
    UnknownName,
    classes_of,
    is_anomalous,
    read_name_list,
)
from c2fpl.pipeline.truth.frame_masks import read_mask_folder
from c2fpl.pipeline.videos.names import video_name, video_path_name

SHANGHAITECH_TEST_LIST = "SH_Test.txt"
"""List of the weak test split, as it is published."""

Convention = Literal["as written", "0-based, end exclusive"]


@dataclass(frozen=True)
class VideoAnnotation:
    """What a file says of one video."""

    name: str
    """Joining name (names.py); own videos keep the folders they were written with."""
    classes: tuple[str, ...]
    """Classes in the name or the row: one, or up to three on XD-Violence; ("Normal",) for none."""
    intervals: tuple[tuple[int, int], ...]
    """Anomalous (start, end) frames as the file has them; empty for a normal video."""
    frame_count: int | None = None
    """Frames of the video if the file says it."""


@dataclass(frozen=True)
class Annotations:
    """One annotation file or folder."""

    path: Path
    """Where it was read."""
    convention: Convention
    """What the interval numbers mean."""
    videos: Mapping[str, VideoAnnotation]
    """By joining name, in the order of the file."""


def read_annotations(path: Path, dataset: DatasetName) -> Annotations:
    """Read an annotation file, or the folder of masks of ShanghaiTech.

    Raises:
        BadAnnotation: the first line that breaks a rule, with what to do about it.
        BadMask: a mask that is no vector of 0 and 1.
    """
    if dataset == "shanghaitech":
        masks = read_mask_folder(path)
        videos = {
            name: VideoAnnotation(name, classes_of(name, dataset), mask.intervals, mask.frame_count)
            for name, mask in masks.items()
        }
        return Annotations(path, "0-based, end exclusive", MappingProxyType(videos))
    parse = _PARSERS[dataset]
    convention: Convention = "0-based, end exclusive" if dataset == "own" else "as written"
    rows: dict[str, VideoAnnotation] = {}
    first_lines: dict[str, int] = {}
    for row in annotation_rows(path):
        video = parse(row)
        if video.name in rows:
            raise row.bad(
                video.name,
                f"is there already on line {first_lines[video.name]}",
                "keep one row for each video, or its frames count twice",
            )
        rows[video.name] = video
        first_lines[video.name] = row.line
    if not rows:
        raise BadAnnotation(f"{path} has no rows: an annotation file has one line for each video")
    return Annotations(path, convention, MappingProxyType(rows))


def annotation_of(
    name: str, annotations: Annotations, dataset: DatasetName
) -> VideoAnnotation | None:
    """What is known of a video, None for nothing.

    Normal videos of XD-Violence and ShanghaiTech stand in no annotation: their names tell.

    Raises:
        UnknownName: the name is not of the data set.
    """
    video = annotations.videos.get(name)
    if video is None and dataset in ("xd-violence", "shanghaitech"):
        classes = classes_of(name, dataset)
        return VideoAnnotation(name, classes, ()) if classes == ("Normal",) else None
    return video


def required_names(annotations: Annotations, dataset: DatasetName) -> frozenset[str]:
    """Test videos that the annotations tell of: all rows; for masks those of a list beside them.

    The folder of masks also holds training videos; SH_Test.txt beside or inside it says which are
    test videos. Without it none is required.

    Raises:
        BadList: SH_Test.txt is there and cannot be used.
    """
    if dataset != "shanghaitech":
        return frozenset(annotations.videos)
    lists = (
        annotations.path / SHANGHAITECH_TEST_LIST,
        annotations.path.parent / SHANGHAITECH_TEST_LIST,
    )
    found = next((path for path in lists if path.is_file()), None)
    return frozenset(read_name_list(found)) if found else frozenset()


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
            "looks like a list of UMIL, with class numbers and 14 altered videos",
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
    except UnknownName as error:
        raise BadAnnotation(f"{row.path}, line {row.line}: {error}") from error


def _check_class(row: AnnotationRow, written: str, classes: tuple[str, ...]) -> None:
    if (written,) != classes and not (written.startswith("Normal") and classes == ("Normal",)):
        raise row.bad(
            written, f"is not the class in the name, {classes[0]}", "correct the name or the class"
        )


def _parse_xd(row: AnnotationRow) -> VideoAnnotation:
    """`name s1 e1 [s2 e2 ...]`; 14 official rows keep `.mp4`."""
    name = video_name(row.fields[0])
    classes = _classes(row, name, "xd-violence")
    intervals = row.intervals(row.fields[1:])
    _check_label(row, name, intervals, "xd-violence")
    return VideoAnnotation(name, classes, intervals)


def _parse_own(row: AnnotationRow) -> VideoAnnotation:
    """`name start end ...`, 0-based, end exclusive; a name alone is a normal video."""
    intervals = row.intervals(row.fields[1:])
    name = video_path_name(row.fields[0])
    return VideoAnnotation(name, ("Anomaly" if intervals else "Normal",), intervals)


def _check_label(
    row: AnnotationRow, name: str, intervals: tuple[tuple[int, int], ...], dataset: DatasetName
) -> None:
    if is_anomalous(name, dataset) != bool(intervals):
        kind = "an anomalous video without" if not intervals else "a normal video with"
        raise row.bad(name, f"is {kind} intervals", "correct the name or the intervals")


_PARSERS: Mapping[DatasetName, Callable[[AnnotationRow], VideoAnnotation]] = MappingProxyType(
    {"ucf-crime": _parse_ucf, "xd-violence": _parse_xd, "own": _parse_own}
)
