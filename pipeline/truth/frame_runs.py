"""Run-length encoding of frame scores and labels: exact, and much shorter than the frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadScores


@dataclass(frozen=True)
class FrameRuns:
    """Runs of consecutive frames with equal score and label, over one or more videos."""

    scores: NDArray[np.float64]
    """(runs,) score of each frame in the run."""
    labels: NDArray[np.bool_]
    """(runs,) True for anomalous frames."""
    lengths: NDArray[np.int64]
    """(runs,) number of frames, at least 1."""
    videos: NDArray[np.int64]
    """(runs,) index of the video."""


@dataclass(frozen=True)
class VideoRuns:
    """One video of a test set."""

    name: str
    """Joining name."""
    classes: tuple[str, ...]
    """Classes whose results it counts towards."""
    runs: FrameRuns
    """Runs of this video; `videos` is all 0."""

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return int(self.runs.lengths.sum())

    @property
    def is_anomalous(self) -> bool:
        """Whether at least one frame is anomalous."""
        return bool(self.runs.labels.any())


def video_runs(
    name: str,
    scores: NDArray[np.floating],
    truth: NDArray[np.uint8],
    classes: tuple[str, ...] = ("Unknown",),
) -> VideoRuns:
    """Encode scores (frames,) and ground truth (frames,) of one video as runs.

    [0.2, 0.2, 0.7, 0.7] with [0, 0, 0, 1] gives three runs of lengths 2, 1, 1.

    Raises:
        BadScores: the lengths differ, or a score is not finite.
    """
    if scores.shape != truth.shape or scores.ndim != 1:
        raise BadScores(
            f"{name} has scores {scores.shape} and truth {truth.shape}: one score per frame is"
            " required; score the video again or correct its frame count"
        )
    strange = np.flatnonzero(~np.isfinite(scores))
    if strange.size:
        frame = int(strange[0])
        raise BadScores(
            f"{name}, frame {frame}: score {scores[frame]} is not finite: score the video again"
        )
    changes = (np.diff(scores) != 0) | (np.diff(truth.astype(np.int8)) != 0)
    starts = np.flatnonzero(np.concatenate(([len(scores) > 0], changes)))
    lengths = np.diff(np.append(starts, len(scores)))
    runs = FrameRuns(
        scores[starts].astype(np.float64),
        truth[starts].astype(bool),
        lengths.astype(np.int64),
        np.zeros(len(starts), np.int64),
    )
    return VideoRuns(name, classes, runs)


def runs_of_ones(mask: NDArray[np.bool_] | NDArray[np.uint8]) -> tuple[tuple[int, int], ...]:
    """[start, end) of each run of ones (or True) in a 1-D mask: [0, 1, 1] gives ((1, 3),)."""
    edges = np.diff(mask.astype(np.int8), prepend=0, append=0)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return tuple((int(start), int(end)) for start, end in zip(starts, ends, strict=True))


def pooled(videos: Sequence[VideoRuns]) -> FrameRuns:
    """Concatenate the runs of all videos; `videos` numbers them from 0."""
    parts = [video.runs for video in videos]
    counts = [len(part.scores) for part in parts]
    return FrameRuns(
        np.concatenate([np.empty(0), *(part.scores for part in parts)]),
        np.concatenate([np.empty(0, bool), *(part.labels for part in parts)]),
        np.concatenate([np.empty(0, np.int64), *(part.lengths for part in parts)]),
        np.repeat(np.arange(len(parts)), counts),
    )
