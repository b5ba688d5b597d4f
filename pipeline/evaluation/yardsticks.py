"""Yardsticks beside the pooled AUC, which a video's length alone can flatter.

Normal frames of a test set often come from longer videos than anomalous ones, so a score that only
knows which video a frame is in can reach a high pooled AUC. Three questions it cannot answer:

- *within videos*: is the anomaly found in its own video?
- *length-matched*: is an anomalous frame above normal frames of videos of about the same length?
- *recall at a number of false alarms an hour*: how many events does a user see at a bearable cost?
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

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
"""Frames a second, by which hours are counted."""

ALIKE_LENGTH = 1.25
"""Videos whose lengths differ by at most this factor count as equally long."""

ALARM_SECONDS = 10.0
"""Normal frames this close together make one false alarm: nobody is called twice in a clip."""


@dataclass(frozen=True)
class Yardsticks:
    """Fractions in [0, 1]; None is what the data cannot tell."""

    auc_within_videos: float | None
    """Mean over videos with both kinds of frame of the ROC AUC of the video's own frames."""
    auc_length_matched: float | None
    """See `length_matched_auc`."""
    recall_1_per_hour: float | None
    """Share of events found at one false alarm an hour, see `recall_at`."""
    recall_6_per_hour: float | None
    """The same at six."""

    def as_json(self) -> dict[str, float | None]:
        """By name, None for null."""
        return asdict(self)


def measure_yardsticks(videos: Sequence[VideoRuns], frame_rate: float) -> Yardsticks:
    """All yardsticks of a test set.

    Args:
        videos: scores and truth of each video.
        frame_rate: frames a second of all videos, above 0.
    """
    return Yardsticks(
        auc_within_videos=within_video_auc(videos),
        auc_length_matched=length_matched_auc(videos),
        recall_1_per_hour=recall_at(1, videos, frame_rate),
        recall_6_per_hour=recall_at(6, videos, frame_rate),
    )


def within_video_auc(videos: Sequence[VideoRuns]) -> float | None:
    """Mean ROC AUC of single videos; every video with both kinds of frame counts once."""
    known = [auc for video in videos if (auc := roc_auc(video.runs)) is not None]
    return float(np.mean(known)) if known else None


def length_matched_auc(videos: Sequence[VideoRuns]) -> float | None:
    """Chance that an anomalous frame scores above a normal one of a video as long (a tie is half).

    Every anomalous frame is compared with the normal frames of all videos, its own included, whose
    length is within ALIKE_LENGTH of its own video's; the mean over anomalous frames is taken.
    Videos without a normal frame of that kind are left out.
    """
    lengths = np.array([int(video.runs.lengths.sum()) for video in videos])
    normal = [_only(video.runs, anomalous=False) for video in videos]
    won, frames = 0.0, 0
    for video, length in zip(videos, lengths, strict=True):
        anomalous = _only(video.runs, anomalous=True)
        alike = (lengths <= ALIKE_LENGTH * length) & (length <= ALIKE_LENGTH * lengths)
        others = [normal[number] for number in np.flatnonzero(alike)]
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
    """Share of events above the lowest threshold that keeps false alarms within the number.

    An event is a run of anomalous frames; it is found when one of its frames is above the
    threshold. The normal frames of each video are cut at every ALARM_SECONDS of the video; a piece
    with a frame above the threshold is one false alarm. Hours are those of the normal frames. A
    score equal to the threshold is no alarm, so ties are never won.

    Returns:
        None without an event or without a normal frame.
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
    """(n,) for each value the weighted share of others below it, ties counted half."""
    order = np.argsort(others)
    sums = np.concatenate(([0], np.cumsum(weights[order])))
    below = sums[np.searchsorted(others[order], values, side="left")]
    not_above = sums[np.searchsorted(others[order], values, side="right")]
    shares: NDArray[np.float64] = (below + not_above) / (2 * sums[-1])
    return shares


def hours_note(videos: Sequence[VideoRuns], frame_rate: float) -> str:
    """How many hours the false alarms are counted over, and how many alarms that allows."""
    normal = pooled(videos)
    hours = int(normal.lengths[~normal.labels].sum()) / frame_rate / 3600
    return (
        f"false alarms are counted over {hours:.2f} hours of normal frames at {frame_rate:g} a"
        f" second: {math.floor(hours)} and {math.floor(6 * hours)} are allowed"
    )
