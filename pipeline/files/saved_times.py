"""Presentation times on disk: two facts in a record, and one number a frame where the rate varies.

The file beside `<name>.npy` is `<name>.times`: a .npy of float64 (frames,) in seconds from the
first frame, under another suffix so that nothing takes it for features or scores.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from c2fpl.extractors.decoding.presentation_times import (
    BadTimes,
    PresentationTimes,
    constant_times,
)
from c2fpl.pipeline.files.npy_header import BadNpy, load_npy
from c2fpl.pipeline.files.run_files import beside, save_array

SUFFIX = ".times"
CONSTANT, VARIABLE = "constant", "variable"
"""What a record says of times that the file holds; otherwise it says where the rate is from."""


def times_facts(times: PresentationTimes) -> dict[str, object]:
    """What a record says of times, beside `frame_rate`."""
    if times.source != "file":
        return {"times": times.source, "seekable": False}
    return {
        "times": CONSTANT if times.seconds is None else VARIABLE,
        "seekable": times.seekable,
    }


def save_times(folder: Path, name: str, times: PresentationTimes) -> None:
    """Write the times of a video where the rate varies; otherwise remove what an older one left."""
    path = beside(folder, name, SUFFIX)
    if times.seconds is None:
        path.unlink(missing_ok=True)
    else:
        save_array(path, times.seconds)


def has_times(folder: Path, name: str, facts: Mapping[str, Any]) -> bool:
    """Whether the file that a record promises is there."""
    return facts.get("times") != VARIABLE or beside(folder, name, SUFFIX).exists()


def load_times(path: Path, facts: Mapping[str, Any], frame_count: int) -> PresentationTimes:
    """Times by a record and the file beside it.

    A record without them is of an earlier version: the rate is taken as assumed. So it is where
    the file is gone, damaged, or of another number of frames.
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
    except (BadNpy, BadTimes, OSError):
        return plain


def _number(value: object) -> float:
    """A rate of a record or a table; 0 where it holds none."""
    try:
        return float(value) if isinstance(value, str | int | float) else 0.0
    except ValueError:
        return 0.0
