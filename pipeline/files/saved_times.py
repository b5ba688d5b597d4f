"""Saves presentation times: two fields in a record, and a file if the frame rate varies.

The file is `<name>.times` next to `<name>.npy`. It is a .npy of float64 (frames,), in seconds from
the first frame. Its own suffix distinguishes it from features and scores.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from c2fpl.errors import BadFile, BadVideo
from c2fpl.extractors.decoding.presentation_times import PresentationTimes, constant_times
from c2fpl.pipeline.files.npy_header import load_npy
from c2fpl.pipeline.files.run_files import beside, save_array

SUFFIX = ".times"
CONSTANT, VARIABLE = "constant", "variable"
"""Value of the field `times` for times from the file; otherwise it names the source of the rate."""


def times_facts(times: PresentationTimes) -> dict[str, object]:
    """The fields of a record that describe the times, besides `frame_rate`."""
    if times.source != "file":
        return {"times": times.source, "seekable": False}
    return {
        "times": CONSTANT if times.seconds is None else VARIABLE,
        "seekable": times.seekable,
    }


def save_times(folder: Path, name: str, times: PresentationTimes) -> None:
    """Write the times of a video if its rate varies; otherwise remove an outdated file."""
    path = beside(folder, name, SUFFIX)
    if times.seconds is None:
        path.unlink(missing_ok=True)
    else:
        save_array(path, times.seconds)


def has_times(folder: Path, name: str, facts: Mapping[str, Any]) -> bool:
    """Whether the file exists, if the record requires one."""
    return facts.get("times") != VARIABLE or beside(folder, name, SUFFIX).exists()


def load_times(path: Path, facts: Mapping[str, Any], frame_count: int) -> PresentationTimes:
    """The times of a video, from a record and the file next to it.

    A constant rate is assumed if there is no record, or if the file is missing, damaged or of
    another number of frames.
    """
    word, seekable = facts.get("times"), str(facts.get("seekable")) == "True"
    plain = constant_times(frame_count, _number(facts.get("frame_rate")))
    if word == CONSTANT:
        return PresentationTimes(frame_count, plain.frame_rate, "file", seekable)
    if word == "rate":
        return PresentationTimes(frame_count, plain.frame_rate, "rate")
    if word != VARIABLE:
        return plain
    try:
        seconds = np.asarray(load_npy(path), np.float64)
        return PresentationTimes(frame_count, plain.frame_rate, "file", seekable, seconds)
    except (BadFile, BadVideo, OSError):
        return plain


def _number(value: object) -> float:
    """The frame rate in a record or a table; 0 if there is none."""
    try:
        return float(value) if isinstance(value, str | int | float) else 0.0
    except ValueError:
        return 0.0
