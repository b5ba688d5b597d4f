"""Feedback: events that a person has confirmed or dismissed, as labels of their segments.

The report page writes feedback.csv with the columns `event` and `keep`. An event is named by its
video and frames, `gate/night:80-120`, so that an answer stays true for every run on that video.
"""

import csv
import io
import logging
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadAnnotation
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.features.frame_plans import FramePlan
from c2fpl.pipeline.files.lists import read_text
from c2fpl.pipeline.files.run_files import fingerprint
from c2fpl.pipeline.files.wording import counted
from c2fpl.pipeline.steps.update_labels import SegmentLabels

logger = logging.getLogger(__name__)

COLUMNS = ("event", "keep")
_KEEP = {"yes": True, "1": True, "true": True, "no": False, "0": False, "false": False}
_EVENT = re.compile(r"(.+):([0-9]{1,9})-([0-9]{1,9})", re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """A person's answer to one event."""

    row: int
    """Row of the file, for messages; the header is row 1."""
    video: str
    start_frame: int
    """First frame, 0-based."""
    end_frame: int
    """One past the last frame."""
    keep: bool
    """Whether the event is an anomaly."""

    @property
    def event(self) -> str:
        """The name of the event."""
        return f"{self.video}:{self.start_frame}-{self.end_frame}"


def read_feedback(path: Path) -> list[Answer]:
    """Read the answers of a CSV with commas, semicolons or tabs, in any order of columns.

    Raises:
        BadAnnotation: a column is missing, an event is not named `VIDEO:START-END`, or an answer is
            neither yes nor no.
        BadFile: the file cannot be read or is not text.
    """
    text = read_text(path).lstrip()
    header, _, _ = text.partition("\n")
    delimiter = next((mark for mark in ",;\t" if mark in header), ",")
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = columns
    if missing := [name for name in COLUMNS if name not in columns]:
        raise BadAnnotation(
            f"{path} has the columns {', '.join(columns) or 'none'} but not {missing[0]!r}; save "
            "feedback.csv on the report page, or write the columns event and keep"
        )
    answers = [_answer(path, number, row) for number, row in enumerate(reader, start=2)]
    if not answers:
        raise BadAnnotation(f"{path} has no answers; confirm or dismiss events on the report page")
    return answers


def _answer(path: Path, number: int, row: Mapping[str, str | None]) -> Answer:
    event, keep = (row[name] or "" for name in COLUMNS)
    named = _EVENT.fullmatch(event)
    if named is None or int(named[2]) >= int(named[3]):
        raise BadAnnotation(
            f"{path}, row {number}: event {event[:80]!r} must be VIDEO:START-END, with the first "
            "frame and one past the last; copy it from the report page's feedback.csv"
        )
    if keep.strip().lower() not in _KEEP:
        raise BadAnnotation(
            f"{path}, row {number}: keep {keep[:40]!r} must be yes or no (or 1, 0, true, false)"
        )
    return Answer(number, named[1], int(named[2]), int(named[3]), _KEEP[keep.strip().lower()])


def with_feedback(labels: SegmentLabels, features: FeatureSet, path: Path) -> SegmentLabels:
    """The labels with 1 for segments of confirmed events and 0 for those of dismissed ones.

    All other labels stay as they are.

    Raises:
        BadAnnotation: see `read_feedback`; or an event is not in these videos, or two answers
            contradict each other.
    """
    by_video: dict[str, list[Answer]] = defaultdict(list)
    for answer in read_feedback(path):
        if answer.video not in features.names:
            raise BadAnnotation(
                f"{path}, row {answer.row}: there are no features of {answer.video!r}; give the "
                "feedback on the run that these features belong to"
            )
        by_video[answer.video].append(answer)
    values, answered = [], []
    for name, video in zip(labels.names, labels.values, strict=True):
        answers = _answers_by_segment(path, features, name, by_video[name])
        segments = list(answers)
        values.append(video.copy())
        values[-1][segments] = [answers[segment].keep for segment in segments]
        answered.append(np.isin(np.arange(len(video)), segments))
    given = [(a.event, a.keep) for video in by_video.values() for a in video]
    logger.info(
        "feedback: %s confirmed, %d dismissed, in %s",
        counted(sum(keep for _, keep in set(given)), "event"),
        sum(not keep for _, keep in set(given)),
        counted(int(sum(found.sum() for found in answered)), "segment"),
    )
    changed = fingerprint({"labels": labels.fingerprint, "feedback": sorted(set(given))})
    return replace(labels, values=tuple(values), answered=tuple(answered), fingerprint=changed)


def _answers_by_segment(
    path: Path, features: FeatureSet, name: str, answers: Sequence[Answer]
) -> dict[int, Answer]:
    """The answer to each answered segment of one video.

    Raises:
        BadAnnotation: an event ends after the video, or a segment has both answers.
    """
    if not answers:
        return {}
    plan = features.plan(name)
    middles = _middle_frames(plan, features.segment_count(name))
    found: dict[int, Answer] = {}
    for answer in answers:
        if answer.end_frame > plan.frame_count:
            raise BadAnnotation(
                f"{path}, row {answer.row}: event {answer.event!r} ends after the last of the "
                f"video's {plan.frame_count} frames; give the feedback on these videos"
            )
        for segment in _segments_in(answer, middles):
            other = found.setdefault(segment, answer)
            if other.keep != answer.keep:
                raise BadAnnotation(
                    f"{path}, rows {other.row} and {answer.row}: {answer.event!r} is both "
                    "confirmed and dismissed, at least in part; remove one of the rows"
                )
    return found


def _middle_frames(plan: FramePlan, count: int) -> NDArray[np.float64]:
    """(count,) middle of the frames of each segment."""
    intervals = [plan.interval_of(segment) or (0, plan.frame_count) for segment in range(count)]
    return np.array([(start + end) / 2 for start, end in intervals])


def _segments_in(answer: Answer, middles: NDArray[np.float64]) -> list[int]:
    """Segments whose middle, of float64 (segments,), is in the event; the nearest if none is."""
    inside = (middles >= answer.start_frame) & (middles < answer.end_frame)
    if not inside.any():
        centre = (answer.start_frame + answer.end_frame) / 2
        return [int(np.argmin(np.abs(middles - centre)))]
    return np.flatnonzero(inside).tolist()
