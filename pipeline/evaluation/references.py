"""Baseline scores without a network, which a detector must beat to be meaningful."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from c2fpl.pipeline.evaluation.metrics import roc_auc
from c2fpl.pipeline.evaluation.yardsticks import length_matched_auc, within_video_auc
from c2fpl.pipeline.truth.frame_runs import VideoRuns, pooled, video_runs

_STEP_FRAMES = 16
"""Frames per step of the position baselines, as for segment scores."""


@dataclass(frozen=True)
class Reference:
    """Results of one baseline, fractions in [0, 1] or None if undefined."""

    name: str
    """Description of the baseline score."""
    auc: float | None
    """ROC AUC over all frames."""
    auc_within_videos: float | None
    """As in `yardsticks.Yardsticks`."""
    auc_length_matched: float | None
    """As in `yardsticks.Yardsticks`."""


def references_of(videos: Sequence[VideoRuns]) -> tuple[Reference, ...]:
    """Evaluate every baseline on the ground truth of `videos`; their scores are ignored."""
    truths = [np.repeat(video.runs.labels, video.runs.lengths) for video in videos]
    return tuple(_measured(name, truths, scores_of) for name, scores_of in _SCORES.items())


def _measured(
    name: str,
    truths: Sequence[NDArray[np.bool_]],
    scores_of: Callable[[NDArray[np.bool_]], NDArray[np.float64]],
) -> Reference:
    """Results of a baseline that maps the bool (frames,) truth of a video to (frames,) scores."""
    videos = [video_runs("", scores_of(truth), truth.astype(np.uint8)) for truth in truths]
    auc = roc_auc(pooled(videos))
    return Reference(name, auc, within_video_auc(videos), length_matched_auc(videos))


def _shorter(truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(frames,) equal scores, higher for shorter videos."""
    return np.full(len(truth), -float(len(truth)))


def _later(truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(frames,) position in the video, from 0 to 1, in steps of 16 frames."""
    steps = np.arange(len(truth)) // _STEP_FRAMES
    return (steps + 0.5) * _STEP_FRAMES / max(len(truth), 1)


def _nearer_to_middle(truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(frames,) minus the distance from the middle."""
    return -np.abs(_later(truth) - 0.5)


def _perfect_video_label(truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(frames,) 1 for videos with an anomalous frame, else 0."""
    return np.full(len(truth), float(truth.any()))


_SCORES: Mapping[str, Callable[[NDArray[np.bool_]], NDArray[np.float64]]] = MappingProxyType(
    {
        "minus the video's length": _shorter,
        "position: later": _later,
        "position: nearer to the middle": _nearer_to_middle,
        "perfect video label": _perfect_video_label,
    }
)
