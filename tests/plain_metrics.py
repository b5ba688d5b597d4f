"""Slow, plain metrics: pairs counted one by one, thresholds tried one by one."""

import numpy as np
from numpy.typing import NDArray

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
