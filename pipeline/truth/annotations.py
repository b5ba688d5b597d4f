"""Read annotation files: which frames of which video are anomalous.

The format depends on the data set:

- `ucf-crime`: `name class s1 e1 s2 e2` (official; -1 for no interval), also with a frame count
  before the class (UR-DMU, ekosman) or at the end (MIST), and `path n s1 e1 ...` or
  `path|n|[s1, e1]`;
- `xd-violence`: `name s1 e1 s2 e2 ...`, one row per violent test video; normal videos have no row;
- `shanghaitech`: a folder of frame masks (forms/masks.py);
- `own`: any format in forms/, for example lines `name start end start end ...` or a table.

UCF-Crime and XD-Violence may also be tables, or the JSON files of HIVAU-70k and VERA. Line endings,
trailing blanks, folders and `.mp4` do not matter. Numbers in official files are kept as written:
published code disagrees on whether the end frame belongs to its interval, so the protocol decides
(protocols.py).
"""

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

from c2fpl.errors import BadAnnotation, UnknownVideo
from c2fpl.pipeline.files.wording import counted
from c2fpl.pipeline.truth.dataset_videos import read_name_list
from c2fpl.pipeline.truth.datasets import DatasetName, classes_of
from c2fpl.pipeline.truth.forms.any_form import read_records
from c2fpl.pipeline.truth.forms.masks import read_mask_folder
from c2fpl.pipeline.truth.forms.official import OFFICIAL_ROWS
from c2fpl.pipeline.truth.forms.positions import Unit
from c2fpl.pipeline.truth.forms.records import (
    UNNAMED_CLASSES,
    AnnotationSettings,
    Record,
    frames_and_seconds,
    refuse_duplicates,
    unit_of,
)
from c2fpl.pipeline.truth.forms.rows import annotation_rows
from c2fpl.pipeline.truth.forms.texts import LINES, separator_of_table
from c2fpl.pipeline.truth.video_annotation import Annotations, Convention, VideoAnnotation
from c2fpl.pipeline.videos.names import video_name, video_path_name

SHANGHAITECH_TEST_LIST = "SH_Test.txt"
"""Published test list of the weakly supervised split."""


def read_annotations(
    path: Path, dataset: DatasetName, reading: AnnotationSettings = AnnotationSettings()
) -> Annotations:
    """Read an annotation file or a folder of masks.

    Args:
        path: the file or folder.
        dataset: determines names, classes and the official format.
        reading: how to read own annotations if their file does not specify it.

    Raises:
        BadAnnotation: a line breaks a rule; the first one is named.
        BadAnnotation: a mask is not a vector of 0 and 1.
    """
    if dataset == "shanghaitech":
        return _from_masks(path)
    if dataset == "own" or not _is_official(path):
        return _from_records(path, dataset, reading)
    parse = OFFICIAL_ROWS[dataset]
    rows: dict[str, VideoAnnotation] = {}
    first_lines: dict[str, int] = {}
    for row in annotation_rows(path):
        video = parse(row)
        if video.name in rows:
            raise row.bad(
                video.name,
                f"is already on line {first_lines[video.name]}",
                "keep one row per video, or its frames count twice",
            )
        rows[video.name] = video
        first_lines[video.name] = row.line
    if not rows:
        raise BadAnnotation(f"{path} has no rows: write one line per video")
    marked = sum(len(video.intervals) for video in rows.values())
    read = f"{counted(marked, 'interval')} of {counted(len(rows), 'video')}"
    summary = f"{path.name} read as rows of {dataset}: {read}"
    return Annotations(path, "as written", MappingProxyType(rows), summary)


def _from_masks(folder: Path) -> Annotations:
    videos = {
        name: VideoAnnotation(
            name, classes_of(name, "shanghaitech"), mask.intervals, mask.frame_count
        )
        for name, mask in read_mask_folder(folder).items()
    }
    summary = f"{folder.name} read as frame masks of {counted(len(videos), 'video')}"
    return Annotations(folder, "0-based, end exclusive", MappingProxyType(videos), summary)


def _is_official(path: Path) -> bool:
    """Whether this is a text file without a header, rather than a table, JSON or masks."""
    if path.suffix.lower() == ".json" or path.is_dir():
        return False
    first = next(annotation_rows(path), None)
    return first is None or separator_of_table(" ".join(first.fields)) is None


def _from_records(path: Path, dataset: DatasetName, reading: AnnotationSettings) -> Annotations:
    """Read any format of forms/ and join the records of each video."""
    records, form = read_records(path)
    if not records:
        raise BadAnnotation(f"{path} has no rows: write one line per video")
    unit = unit_of(records, reading)
    joining_name = video_path_name if dataset == "own" else video_name
    by_name: dict[str, list[Record]] = {}
    for record in records:
        by_name.setdefault(joining_name(record.name), []).append(record)
    if form == LINES:
        refuse_duplicates(by_name)
    videos = {
        name: _of_records(name, found, dataset, unit, reading) for name, found in by_name.items()
    }
    marked = sum(len(video.intervals) + len(video.seconds) for video in videos.values())
    meant = "seconds" if any(video.seconds for video in videos.values()) else str(reading)
    normal = sum(record.is_normal and bool(record.positions()) for record in records)
    left = f"; {counted(normal, 'interval')} of a normal class left out" if normal else ""
    if form == "VERA" and dataset == "ucf-crime":
        left += "; VERA's UCF-Crime alters 14 videos: not comparable with published figures"
    read = f"{counted(marked, 'interval')} of {counted(len(videos), 'video')}"
    summary = f"{path.name} read as {form}: {read}, {meant}{left}"
    convention: Convention = "0-based, end exclusive" if dataset == "own" else "as written"
    return Annotations(path, convention, MappingProxyType(videos), summary)


def _of_records(
    name: str,
    records: Sequence[Record],
    dataset: DatasetName,
    unit: Unit,
    reading: AnnotationSettings,
) -> VideoAnnotation:
    anomalous = [record for record in records if not record.is_normal]
    both = [frames_and_seconds(record, unit, reading) for record in anomalous]
    intervals = tuple(sorted({one for frames, _ in both for one in frames}))
    seconds = tuple(sorted({one for _, found in both for one in found}))
    count = next((r.frame_count for r in records if r.frame_count), None)
    if dataset == "own":
        return VideoAnnotation(
            name, _own_classes(anomalous, bool(intervals or seconds)), intervals, count, seconds
        )
    try:
        classes = classes_of(name, dataset)
    except UnknownVideo as error:
        raise BadAnnotation(f"{records[0].place}: {error}") from error
    if (classes != ("Normal",)) != bool(intervals or seconds):
        kind = "an anomalous video without" if classes != ("Normal",) else "a normal video with"
        raise records[0].bad(name, f"is {kind} intervals: correct the name or the intervals")
    return VideoAnnotation(name, classes, intervals, count, seconds)


def _own_classes(anomalous: Sequence[Record], has_intervals: bool) -> tuple[str, ...]:
    written = [one for record in anomalous for one in record.classes]
    if written and not has_intervals:
        raise anomalous[0].bad(
            written[0],
            "is a class without an interval, so the video would count as normal: add the interval"
            " (0 end for the whole video), or name the class Normal",
        )
    named = [one if one.lower() not in UNNAMED_CLASSES else "Anomaly" for one in written]
    return tuple(dict.fromkeys(named)) or (("Anomaly",) if has_intervals else ("Normal",))


def annotation_of(
    name: str, annotations: Annotations, dataset: DatasetName
) -> VideoAnnotation | None:
    """The annotation of a video, or None if there is none.

    Normal videos of XD-Violence and ShanghaiTech are recognised by name; they have no annotation.

    Raises:
        UnknownVideo: the name does not belong to the data set.
    """
    video = annotations.videos.get(name)
    if video is None and dataset in ("xd-violence", "shanghaitech"):
        classes = classes_of(name, dataset)
        return VideoAnnotation(name, classes, ()) if classes == ("Normal",) else None
    return video


def required_names(annotations: Annotations, dataset: DatasetName) -> frozenset[str]:
    """Test videos named by the annotations.

    The ShanghaiTech masks include training videos, so the test videos are those listed in
    SH_Test.txt inside or next to the folder of masks. Without that file the result is empty.

    Raises:
        BadAnnotation: SH_Test.txt exists but cannot be used.
    """
    if dataset != "shanghaitech":
        return frozenset(annotations.videos)
    lists = (
        annotations.path / SHANGHAITECH_TEST_LIST,
        annotations.path.parent / SHANGHAITECH_TEST_LIST,
    )
    found = next((path for path in lists if path.is_file()), None)
    return frozenset(read_name_list(found)) if found else frozenset()
