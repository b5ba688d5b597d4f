"""JSON annotations: HIVAU-70k, VERA, ActivityNet, S3R, VIA 3 and Label Studio.

- HIVAU-70k (Zhang et al., CVPR 2025): `{name: {"fps", "n_frames", "label", "events": [[s, e],
  ...]}}` in seconds; on XD-Violence also `events(frame)`.
- VERA (Ye et al., CVPR 2025): list of `{"video", "temporal_label": [start, end, ...], "length"}` in
  frames.
- ActivityNet, also written by `c2fpl export`: `{"database" or "results": {name: {"annotations":
  [{"segment": [s, e], "label"}]}}}` in seconds.
- S3R (Wu et al., ECCV 2022): `{name: {"num_frames", "labels": [0, 1, ...]}}`.
- VIA 3: a video project, in seconds.
- Label Studio: tasks with `timelinelabels`; frames from 1, end included.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from c2fpl.errors import BadAnnotation, BadSettings
from c2fpl.pipeline.truth.forms.records import Record
from c2fpl.pipeline.truth.frame_runs import runs_of_ones

Spans = tuple[tuple[str, str], ...]
Content = dict[str, Any] | list[Any]


def json_records(path: Path, text: str) -> tuple[list[Record], str]:
    """Read the records of a JSON file.

    Returns:
        The records, and the name of the format.

    Raises:
        BadAnnotation: the file is not JSON, its format is unknown, or an entry is incomplete.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadAnnotation(
            f"{path} is not valid JSON ({error}): save it again, or give a table"
        ) from error
    for form, matches, read in _FORMS:
        try:
            if matches(content):
                return list(read(path, content)), form
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            if isinstance(error, BadAnnotation):
                raise
            raise BadAnnotation(
                f"{path} looks like {form}, but an entry is incomplete or invalid ({error!r}):"
                " export it again"
            ) from error
    top = list(content)[:5] if isinstance(content, dict) else type(content).__name__
    raise BadAnnotation(
        f"{path} is JSON of an unknown format (top level: {top}): give"
        f" {', '.join(form for form, _, _ in _FORMS)}, or a table with start and end"
    )


def _entries(content: Content) -> list[Any]:
    return list(content.values()) if isinstance(content, dict) and content else [None]


def _texts(numbers: Iterable[object]) -> Spans:
    flat = [str(number) for number in numbers]
    if flat == ["-1"]:
        return ()
    if len(flat) % 2:
        raise BadSettings(f"an odd number of positions, {flat}")
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def _labels(label: object) -> tuple[str, ...]:
    return tuple(str(one) for one in (label if isinstance(label, list) else [label]) if one)


def _is_hivau(content: Content) -> bool:
    first = _entries(content)[0]
    return isinstance(first, dict) and "events" in first


def _hivau(path: Path, content: dict[str, Any]) -> Iterator[Record]:
    for name, entry in content.items():
        in_frames = "events(frame)" in entry
        spans = entry["events(frame)"] if in_frames else entry["events"]
        yield Record(
            f"{path}, {name}",
            name,
            tuple((str(start), str(end)) for start, end in spans),
            unit="frames" if in_frames else "seconds",
            classes=_labels(entry.get("label")),
            frame_count=entry.get("n_frames"),
            frame_rate=entry.get("fps"),
        )


def _is_vera(content: Content) -> bool:
    return isinstance(content, list) and bool(content) and "temporal_label" in content[0]


def _vera(path: Path, content: list[Any]) -> Iterator[Record]:
    for number, entry in enumerate(content):
        yield Record(
            f"{path}, entry {number}",
            entry["video"],
            _texts(entry["temporal_label"]),
            unit="frames",
            frame_count=entry.get("length"),
        )


def _is_activitynet(content: Content) -> bool:
    return isinstance(content, dict) and bool({"database", "results"} & content.keys())


def _activitynet(path: Path, content: dict[str, Any]) -> Iterator[Record]:
    for name, entry in (content.get("database") or content["results"]).items():
        events = entry if isinstance(entry, list) else entry["annotations"]
        for event in events:
            span = _texts(event["segment"])
            yield Record(
                f"{path}, {name}", name, span, "seconds", classes=_labels(event.get("label"))
            )
        if not events:
            yield Record(f"{path}, {name}", name)


def _is_s3r(content: Content) -> bool:
    first = _entries(content)[0]
    return isinstance(first, dict) and {"num_frames", "labels"} <= first.keys()


def _s3r(path: Path, content: dict[str, Any]) -> Iterator[Record]:
    for name, entry in content.items():
        labels = np.asarray(entry["labels"])
        if labels.ndim != 1 or not np.isin(labels, (0, 1)).all():
            raise BadSettings(f"labels of {name} are not a list of 0 and 1")
        spans = tuple((str(start), str(end)) for start, end in runs_of_ones(labels == 1))
        place = f"{path}, {name}"
        yield Record(
            place, name, spans, "frames", first_frame=0, end_included=False, frame_count=len(labels)
        )


def _is_via(content: Content) -> bool:
    return isinstance(content, dict) and {"file", "view", "metadata"} <= content.keys()


def _via(path: Path, content: dict[str, Any]) -> Iterator[Record]:
    files = {
        view: content["file"][str(entry["fid_list"][0])]["fname"]
        for view, entry in content["view"].items()
    }
    for name in files.values():
        yield Record(f"{path}, {name}", name)
    for key, entry in content["metadata"].items():
        if len(entry["z"]) == 2:
            labels = _labels([*entry.get("av", {}).values()])
            name = files[str(entry["vid"])]
            yield Record(f"{path}, {key}", name, _texts(entry["z"]), "seconds", classes=labels)


def _is_label_studio(content: Content) -> bool:
    return (
        isinstance(content, list) and bool(content) and {"data", "annotations"} <= content[0].keys()
    )


def _label_studio(path: Path, content: list[Any]) -> Iterator[Record]:
    for number, task in enumerate(content):
        written = next(v for v in task["data"].values() if isinstance(v, str))
        name = re.sub(r"^[0-9a-f]{8}-", "", written.split("/")[-1])  # upload prefix
        place = f"{path}, task {task.get('id', number)}"
        yield Record(place, name)
        for result in (one for each in task["annotations"] for one in each["result"]):
            value = result["value"]
            spans = _texts(
                bound for r in value.get("ranges", ()) for bound in (r["start"], r["end"])
            )
            labels = _labels(value.get("timelinelabels"))
            yield Record(
                place, name, spans, "frames", first_frame=1, end_included=True, classes=labels
            )


_FORMS: tuple[tuple[str, Callable[[Any], bool], Callable[[Path, Any], Iterator[Record]]], ...] = (
    ("HIVAU-70k", _is_hivau, _hivau),
    ("VERA", _is_vera, _vera),
    ("ActivityNet", _is_activitynet, _activitynet),
    ("S3R", _is_s3r, _s3r),
    ("VIA 3", _is_via, _via),
    ("Label Studio", _is_label_studio, _label_studio),
)
