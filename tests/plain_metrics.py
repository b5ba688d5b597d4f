"""Slow, plain metrics: pairs counted one by one, thresholds tried one by one."""

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score

Scores = NDArray[np.float32]
Truth = NDArray[np.uint8]


def auc_by_pairs(scores: Scores, truth: Truth) -> float:
    """Share of (anomalous, normal) pairs in the right order; a tie is half a pair."""
    anomalous = [score for score, label in zip(scores, truth, strict=True) if label]
    normal = [score for score, label in zip(scores, truth, strict=True) if not label]
    right = sum((a > n) + 0.5 * (a == n) for a in anomalous for n in normal)
    return float(right / (len(anomalous) * len(normal)))


def precision_recall_points(scores: Scores, truth: Truth) -> list[tuple[float, float]]:
    """(recall, precision) at each distinct score taken as threshold, from the highest down."""
    points = []
    for threshold in sorted(set(scores), reverse=True):
        alarms = [label for score, label in zip(scores, truth, strict=True) if score >= threshold]
        points.append((sum(alarms) / sum(truth), sum(alarms) / len(alarms)))
    return points


def average_precision_by_steps(scores: Scores, truth: Truth) -> float:
    """Precision at each threshold times the recall it adds."""
    total, last_recall = 0.0, 0.0
    for recall, precision in precision_recall_points(scores, truth):
        total += precision * (recall - last_recall)
        last_recall = recall
    return total


def average_precision_by_trapezoids(scores: Scores, truth: Truth) -> float:
    """The same points joined by straight lines, from (0, 1) on."""
    total, last = 0.0, (0.0, 1.0)
    for point in precision_recall_points(scores, truth):
        total += (point[1] + last[1]) / 2 * (point[0] - last[0])
        last = point
    return total


def alarms_by_frames(scores: Scores, truth: Truth, threshold: float) -> float:
    """Share of normal frames at or above the threshold."""
    normal = [score for score, label in zip(scores, truth, strict=True) if not label]
    return float(sum(score >= threshold for score in normal) / len(normal))


def within_videos_by_pairs(videos: Sequence[tuple[Scores, Truth]]) -> float:
    """Mean of the videos' own AUC, over those with both kinds of frame."""
    return fmean(auc_by_pairs(s, t) for s, t in videos if 0 < sum(t) < len(t))


def length_matched_by_pairs(videos: Sequence[tuple[Scores, Truth]], factor: float) -> float:
    """Mean over anomalous frames of the share of pairs won among videos of like length."""
    shares = []
    for scores, truth in videos:
        alike = [v for v in videos if 1 / factor <= len(v[1]) / len(truth) <= factor]
        normal = [s for others, t in alike for s, label in zip(others, t, strict=True) if not label]
        for score in scores[truth == 1] if normal else []:
            shares.append(fmean((score > n) + 0.5 * (score == n) for n in normal))
    return fmean(shares)


def recall_by_thresholds(
    videos: Sequence[tuple[Scores, Truth]], allowed: float, clip_frames: int
) -> float:
    """The largest share of events found by any threshold with few enough false alarms."""
    thresholds = {-1.0, *(float(s) for scores, _ in videos for s in scores)}
    return max(
        _events_found(videos, threshold)
        for threshold in thresholds
        if _false_alarms(videos, threshold, clip_frames) <= allowed
    )


def _events_found(videos: Sequence[tuple[Scores, Truth]], threshold: float) -> float:
    found = []
    for scores, truth in videos:
        for frame, label in enumerate(truth):
            if label and (frame == 0 or not truth[frame - 1]):
                found.append(False)
            if label:
                found[-1] |= bool(scores[frame] > threshold)
    return fmean(found)


def _false_alarms(
    videos: Sequence[tuple[Scores, Truth]], threshold: float, clip_frames: int
) -> int:
    return sum(
        any((scores[i : i + clip_frames] > threshold) & (truth[i : i + clip_frames] == 0))
        for scores, truth in videos
        for i in range(0, len(scores), clip_frames)
    )


def plain_figures(
    truth: NDArray[np.floating], scores: Scores, anomalous: NDArray[np.bool_]
) -> dict[str, float]:
    """The five pooled figures by scikit-learn, on the frames of all videos end to end.

    `anomalous` is true for the frames of videos with an anomalous frame.
    """
    precision, recall, _ = precision_recall_curve(truth, scores)
    return {
        "auc": float(roc_auc_score(truth, scores)),
        "ap": float(average_precision_score(truth, scores)),
        "ap_trapezoid": float(auc(recall, precision)),
        "auc_anomalous": float(roc_auc_score(truth[anomalous], scores[anomalous])),
        "far": float((scores[~anomalous] >= 0.5).mean()),
    }
