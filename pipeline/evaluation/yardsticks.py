"""Metrics that a video's length cannot inflate, unlike the pooled AUC.

Normal frames of a test set often come from longer videos than anomalous frames. A score that only
depends on the video, and not on the frame, can therefore reach a high pooled AUC. It fails on three
other questions:

- *within videos*: do anomalous frames score higher than normal frames of the same video?
- *length-matched*: do they score higher than normal frames of videos of similar length?
- *recall at a number of false alarms per hour*: how many events are detected at a tolerable cost?

Definitions: docs/method.md, Yardsticks.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from c2fpl.pipeline.evaluation.metrics import roc_auc
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.frame_runs import FrameRuns, VideoRuns, pooled, runs_of_ones

FRAME_RATES: Mapping[DatasetName, float] = {
    "ucf-crime": 30.0,
    "xd-violence": 24.0,
    "shanghaitech": 24.0,
    "own": 30.0,
}
"""Default frames per second, to convert frames to hours."""

ALIKE_LENGTH = 1.25
"""Videos whose lengths differ by at most this factor count as similar."""

ALARM_SECONDS = 10.0
"""Duration of the clips in which repeated alarms count once, because an operator looks once."""


@dataclass(frozen=True)
class Yardsticks:
    """Yardsticks of a test set, fractions in [0, 1] or None if undefined."""

    auc_within_videos: float | None
    """Mean ROC AUC of single videos, see `within_video_auc`."""
    auc_length_matched: float | None
    """ROC AUC between videos of similar length, see `length_matched_auc`."""
    recall_1_per_hour: float | None
    """Share of events detected at one false alarm per hour, see `recall_at`."""
    recall_6_per_hour: float | None
    """Share of events detected at six false alarms per hour."""


def measure_yardsticks(videos: Sequence[VideoRuns], frame_rate: float) -> Yardsticks:
    """Compute all yardsticks of a test set.

    Args:
        videos: scores and ground truth of each video.
        frame_rate: frames per second of all videos, above 0.
    """
    return Yardsticks(
        auc_within_videos=within_video_auc(videos),
        auc_length_matched=length_matched_auc(videos),
        recall_1_per_hour=recall_at(1, videos, frame_rate),
        recall_6_per_hour=recall_at(6, videos, frame_rate),
    )


def within_video_auc(videos: Sequence[VideoRuns]) -> float | None:
    """Mean ROC AUC of single videos with both normal and anomalous frames; None without any."""
    known = [auc for video in videos if (auc := roc_auc(video.runs)) is not None]
    return float(np.mean(known)) if known else None


def length_matched_auc(videos: Sequence[VideoRuns]) -> float | None:
    """Probability that an anomalous frame outscores a normal frame of a video of similar length.

    Each anomalous frame is compared with the normal frames of all videos (including its own) whose
    lengths differ by at most ALIKE_LENGTH. A tie counts half. The result is the mean over anomalous
    frames; frames without a counterpart are left out.

    Returns:
        A fraction, or None if no frame has a counterpart.
    """
    lengths = np.array([int(video.runs.lengths.sum()) for video in videos])
    normal = [_only(video.runs, anomalous=False) for video in videos]
    won, frames = 0.0, 0
    for video, length in zip(videos, lengths, strict=True):
        anomalous = _only(video.runs, anomalous=True)
        similar = (lengths <= ALIKE_LENGTH * length) & (length <= ALIKE_LENGTH * lengths)
        others = [normal[number] for number in np.flatnonzero(similar)]
        scores = np.concatenate([runs.scores for runs in others])
        weights = np.concatenate([runs.lengths for runs in others])
        if len(anomalous.scores) and len(scores):
            shares = _shares_below(anomalous.scores, scores, weights)
            won += float(anomalous.lengths @ shares)
            frames += int(anomalous.lengths.sum())
    return won / frames if frames else None


def recall_at(
    alarms_per_hour: float, videos: Sequence[VideoRuns], frame_rate: float
) -> float | None:
    """Share of events detected at the lowest threshold that allows this many false alarms per hour.

    An event is a run of anomalous frames. It is detected if one of its frames is above the
    threshold. Each video is cut into clips of ALARM_SECONDS; a clip with a normal frame above the
    threshold is one false alarm. Hours are those of the normal frames. A score equal to the
    threshold is not an alarm, so ties are not detections.

    Returns:
        A fraction, or None without events or without normal frames.
    """
    clip_frames = max(1, round(ALARM_SECONDS * frame_rate))
    events, clips, normal_frames = [], [], 0
    for video in videos:
        scores = np.repeat(video.runs.scores, video.runs.lengths)
        truth = np.repeat(video.runs.labels, video.runs.lengths)
        events += [scores[start:end].max() for start, end in runs_of_ones(truth)]
        quiet = np.where(truth, -np.inf, scores)
        clips.append(np.maximum.reduceat(quiet, np.arange(0, len(quiet), clip_frames)))
        normal_frames += int((~truth).sum())
    if not events or not normal_frames:
        return None
    peaks = np.sort(np.concatenate(clips))[::-1]
    allowed = math.floor(alarms_per_hour * normal_frames / frame_rate / 3600)
    threshold = peaks[allowed] if allowed < len(peaks) else -np.inf
    return float(np.mean(np.array(events) > threshold))


def _only(runs: FrameRuns, *, anomalous: bool) -> FrameRuns:
    chosen = runs.labels == anomalous
    return FrameRuns(
        runs.scores[chosen], runs.labels[chosen], runs.lengths[chosen], runs.videos[chosen]
    )


def _shares_below(
    values: NDArray[np.float64], others: NDArray[np.float64], weights: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Weighted share of `others` below each of `values`, (n,); ties count half."""
    order = np.argsort(others)
    sums = np.concatenate(([0], np.cumsum(weights[order])))
    below = sums[np.searchsorted(others[order], values, side="left")]
    not_above = sums[np.searchsorted(others[order], values, side="right")]
    shares: NDArray[np.float64] = (below + not_above) / (2 * sums[-1])
    return shares


def hours_note(videos: Sequence[VideoRuns], frame_rate: float) -> str:
    """Note on the hours of normal frames, and the number of false alarms that they allow."""
    normal = pooled(videos)
    hours = int(normal.lengths[~normal.labels].sum()) / frame_rate / 3600
    return (
        f"false alarms are counted over {hours:.2f} hours of normal frames at {frame_rate:g} frames"
        f" per second: {math.floor(hours)} and {math.floor(6 * hours)} are allowed"
    )
