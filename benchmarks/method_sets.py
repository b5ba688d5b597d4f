"""Load the real data sets that the labelling methods are measured on, with their ground truth."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.segments import SegmentPlan

NAMES = (
    *("ucf-crime-c3d", "ped2 flow", "ped2 mc3-18", "ucf-crime-sample flow"),
    *("ucf-crime-sample mc3-18", "surv-cameras flow", "surv-fights flow", "upcam-home flow"),
)
"""In all but the first, the training set includes the test videos."""
BACKBONES = {"flow": ("flow", "10"), "mc3-18": ("mc3-18", "1")}
FRAME_RATES = {"ped2": 10.0, "upcam-home": 5.0}
"""Frames per second; the other sets have 30."""


@dataclass(frozen=True)
class RealSet:
    """Unlabelled videos to train on, and videos with ground truth to test on."""

    trained: tuple[NDArray[np.float32], ...]
    """Training videos, float32 (segments, crops, dim) each."""
    tested: tuple[NDArray[np.float32], ...]
    """Test videos, float32 (segments, crops, dim) each."""
    truths: tuple[NDArray[np.bool_], ...]
    """Ground truth of each test video, (frames,)."""
    to_frames: tuple[Callable[[NDArray[np.float32]], NDArray[np.float32]], ...]
    """Functions from (segments,) to (frames,) scores, one per test video."""
    frame_rate: float = 30.0
    """Frames per second."""


def load(name: str, data: Path, out: Path) -> RealSet:
    """Load one of NAMES, whose features are in `out`."""
    folder_name = name.split(" ")[0]
    if name == "ucf-crime-c3d":
        return _c3d(data / folder_name / "features.npz")
    intervals = intervals_of(data / folder_name)
    return _extracted(out / name.replace(" ", "-"), intervals, FRAME_RATES.get(folder_name, 30.0))


def intervals_of(folder: Path) -> dict[str, list[tuple[int, int]]]:
    """Anomalous intervals [start, end) in frames of each test video, by its path without suffix."""
    if folder.name == "ucf-crime-sample":
        return _ucf(folder)
    rows = _rows(folder)
    return {f"Test/{name}": ends for name, ends in rows.items()} if folder.name == "ped2" else rows


def extract(name: str, data: Path, out: Path, precision: str = "auto") -> None:
    """Extract the features of one of NAMES to `out` with `c2fpl extract`, if they are missing."""
    if name == "ucf-crime-c3d":
        return
    folder, backbone = name.split(" ")
    model, crops = BACKBONES[backbone]
    command = [sys.executable, "-m", "c2fpl", "extract", str(data / folder)]
    command += ["-o", str(out / name.replace(" ", "-")), "--backbone", model, "--crops", crops]
    command += ["--dtype", "float32", "--precision", precision, "--device", "cpu", "--quiet"]
    if backbone != "flow":
        command += ["--weights", str(data / "weights" / "mc3_18_fight.pth")]
    subprocess.run(command, check=True)


def _c3d(path: Path) -> RealSet:
    """Load the C3D set with its official split; segment i of 32 starts at frame floor(i n / 32)."""
    stored = np.load(path)
    values = stored["x"].astype(np.float32)[:, :, None]
    tested = np.flatnonzero(stored["split"] == "test")
    counts = stored["nframes"]
    intervals = [stored["ann"][video].reshape(2, 2) for video in tested]
    return RealSet(
        tuple(values[stored["split"] == "train"]),
        tuple(values[tested]),
        tuple(truth_of(int(counts[v]), ends) for v, ends in zip(tested, intervals, strict=True)),
        tuple(_evenly(int(counts[video])) for video in tested),
    )


def _evenly(frame_count: int) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    def spread(scores: NDArray[np.float32]) -> NDArray[np.float32]:
        ends = np.arange(len(scores) + 1) * frame_count // len(scores)
        return np.repeat(scores, np.diff(ends))

    return spread


def truth_of(frame_count: int, intervals: Iterable[Iterable[int]]) -> NDArray[np.bool_]:
    """Frames inside the intervals [start, end); a negative start means no interval."""
    truth = np.zeros(frame_count, dtype=bool)
    for start, end in intervals:
        if start >= 0:
            truth[start:end] = True
    return truth


def _rows(folder: Path) -> dict[str, list[tuple[int, int]]]:
    """Read `name start end ...` lines, 0-based: path without suffix -> [start, end) intervals."""
    rows = [line.split() for line in (folder / "annotations.txt").read_text().splitlines()]
    return {row[0]: _pairs(row[1:]) for row in rows if row}


def _ucf(folder: Path) -> dict[str, list[tuple[int, int]]]:
    """Read `name.mp4 class start end start end` lines; ends are inclusive, -1 means no interval."""
    lines = (folder / "Temporal_Anomaly_Annotation_for_Testing_Videos.txt").read_text().splitlines()
    truths = {}
    for row in map(str.split, filter(None, map(str.strip, lines))):
        (path,) = folder.rglob(row[0])
        events = [(start, end + 1) for start, end in _pairs(row[2:])]
        truths[str(path.relative_to(folder).with_suffix(""))] = events
    return truths


def _pairs(numbers: list[str]) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]


def _extracted(
    features: Path, intervals: dict[str, list[tuple[int, int]]], frame_rate: float
) -> RealSet:
    """Train on all extracted videos and test on those listed in `intervals`."""
    values, plans = {}, {}
    for path in sorted(features.rglob("*.npy")):
        name = str(path.relative_to(features).with_suffix(""))
        values[name] = np.load(path).astype(np.float32)
        record = json.loads(path.with_suffix(".json").read_text())
        plans[name] = SegmentPlan(record["num_frames_decoded"])
    assert set(intervals) <= set(values), f"no features of {set(intervals) - set(values)}"
    return RealSet(
        tuple(values.values()),
        tuple(values[name] for name in intervals),
        tuple(truth_of(plans[name].frame_count, ends) for name, ends in intervals.items()),
        tuple(plans[name].to_frames for name in intervals),
        frame_rate,
    )
