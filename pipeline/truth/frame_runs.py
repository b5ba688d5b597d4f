"""Frames of videos as runs of equal score and label: exact, and far fewer than frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class BadScores(ValueError):
    """Scores that cannot be measured: video, value, rule and cure in one line."""


@dataclass(frozen=True)
class FrameRuns:
    """Runs of frames of some videos."""

    scores: NDArray[np.float64]
    """(runs,) score of every frame of the run."""
    labels: NDArray[np.bool_]
    """(runs,) True where the frames are anomalous."""
    lengths: NDArray[np.int64]
    """(runs,) frames, at least 1."""
    videos: NDArray[np.int64]
    """(runs,) index of the video in the given order."""


@dataclass(frozen=True)
class VideoRuns:
    """One video of a test set."""

    name: str
    """Joining name."""
    classes: tuple[str, ...]
    """Classes it counts in."""
    runs: FrameRuns
    """Its frames; `videos` is all 0."""

    @property
    def frame_count(self) -> int:
        """Frames in all."""
        return int(self.runs.lengths.sum())

    @property
    def is_anomalous(self) -> bool:
        """True with at least one anomalous frame."""
        return bool(self.runs.labels.any())


def video_runs(
    name: str,
    scores: NDArray[np.floating],
    truth: NDArray[np.uint8],
    classes: tuple[str, ...] = ("Unknown",),
) -> VideoRuns:
    """Join scores (frames,) and truth (frames,) of one video.

    [0.2, 0.2, 0.7, 0.7] with [0, 0, 0, 1] are three runs of lengths 2, 1, 1.

    Raises:
        BadScores: lengths differ, or a score is not finite.
    """
    if scores.shape != truth.shape or scores.ndim != 1:
        raise BadScores(
            f"{name} has scores {scores.shape} and truth {truth.shape}: one score for each frame"
            " is needed, score it again or correct its frame count"
        )
    strange = np.flatnonzero(~np.isfinite(scores))
    if strange.size:
        frame = int(strange[0])
        raise BadScores(
            f"{name}, frame {frame}: score {scores[frame]} is not finite: score it again"
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
    """[start, end) of each run of ones (or True): [0, 1, 1, 0, 1] -> ((1, 3), (4, 5))."""
    edges = np.diff(mask.astype(np.int8), prepend=0, append=0)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return tuple((int(start), int(end)) for start, end in zip(starts, ends, strict=True))


def pooled(videos: Sequence[VideoRuns]) -> FrameRuns:
    """All runs of the videos, which are numbered in the given order."""
    parts = [video.runs for video in videos]
    counts = [len(part.scores) for part in parts]
    return FrameRuns(
        np.concatenate([np.empty(0), *(part.scores for part in parts)]),
        np.concatenate([np.empty(0, bool), *(part.labels for part in parts)]),
        np.concatenate([np.empty(0, np.int64), *(part.lengths for part in parts)]),
        np.repeat(np.arange(len(parts)), counts),
    )
