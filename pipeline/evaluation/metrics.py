"""Frame-level metrics of a test set: ROC AUC, AP and false-alarm rate, overall and per class.

The frames of all videos are pooled. AUC is computed by `sklearn.metrics.roc_auc_score` and AP by
`average_precision_score`. `ap_trapezoid` joins the points of the precision-recall curve with
straight lines, as most published code does and reports as AP. It exceeds AP if scores are tied
(0.538 instead of 0.076 for a constant score).

Scores are constant over the 16 frames of a segment, so frames are stored as runs of equal score and
label. All counts are exact, and 200 bootstrap replicates over 1.1 million frames take 0.1 s.

References: Sultani et al., CVPR 2018 (AUC over pooled frames, false-alarm rate at 0.5 on normal
videos); Wu et al., ECCV 2020 (AP); AUC over the frames of anomalous videos only: Lv et al.
(WSAL), TIP 2021, and Lv et al. (UMIL), CVPR 2023.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import auc as area
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from c2fpl.pipeline.evaluation.intervals import Interval, bootstrap_intervals
from c2fpl.pipeline.truth.frame_runs import FrameRuns, VideoRuns, pooled

ALARM_THRESHOLD = 0.5
"""A frame with at least this score is an alarm (Sultani et al.; PEL4VAD)."""


@dataclass(frozen=True)
class ClassMetrics:
    """Metrics over the videos of one class, fractions in [0, 1] or None if undefined."""

    name: str
    """Class; a video of several classes counts in each."""
    videos: int
    frames: int
    anomalous_frames: int
    auc: float | None
    """ROC AUC over the frames of the class."""
    ap: float | None
    """Average precision over the frames of the class."""
    far: float | None
    """Share of alarms among the normal frames of the class."""


@dataclass(frozen=True)
class Metrics:
    """Metrics of a test set, fractions in [0, 1] or None if undefined."""

    videos: int
    anomalous_videos: int
    """Number of videos with an anomalous frame."""
    frames: int
    anomalous_frames: int
    auc: float | None
    """ROC AUC over all frames."""
    ap: float | None
    """Average precision (step-wise sum) over all frames."""
    ap_trapezoid: float | None
    """Area under the precision-recall curve by the trapezoidal rule; many papers call this AP."""
    auc_anomalous: float | None
    """ROC AUC over the frames of anomalous videos only."""
    far: float | None
    """False-alarm rate: share of frames of normal videos with at least ALARM_THRESHOLD."""
    auc_interval95: Interval | None
    """Video-level bootstrap interval, 2.5th to 97.5th percentile."""
    ap_interval95: Interval | None
    """As `auc_interval95`."""
    bootstrap_replicates: int
    """Bootstrap replicates used for the intervals."""
    classes: tuple[ClassMetrics, ...]
    """Sorted by name."""
    notes: tuple[str, ...]
    """Reasons for undefined metrics."""

    def as_json(self) -> dict[str, Any]:
        """Content for metrics.json."""
        classes = {one.name: {**vars(one)} for one in self.classes}
        for one in classes.values():
            del one["name"]
        intervals = {"auc": self.auc_interval95, "ap": self.ap_interval95}
        facts = {**vars(self), "interval95": intervals, "classes": classes}
        del facts["auc_interval95"], facts["ap_interval95"]
        return facts


def measure(
    videos: Sequence[VideoRuns], *, bootstrap_replicates: int = 500, seed: int = 0
) -> Metrics:
    """Compute all metrics of a test set.

    Args:
        videos: scores and ground truth of each video, with at least one frame in total.
        bootstrap_replicates: 0 for no intervals.
        seed: seed of the bootstrap.
    """
    runs = pooled(videos)
    anomalous = [video for video in videos if video.is_anomalous]
    normal = [video for video in videos if not video.is_anomalous]
    intervals = bootstrap_intervals(runs, len(videos), bootstrap_replicates, seed)
    return Metrics(
        videos=len(videos),
        anomalous_videos=len(anomalous),
        frames=int(runs.lengths.sum()),
        anomalous_frames=int(runs.lengths[runs.labels].sum()),
        auc=roc_auc(runs),
        ap=average_precision(runs),
        ap_trapezoid=average_precision_trapezoid(runs),
        auc_anomalous=roc_auc(pooled(anomalous)),
        far=false_alarm_rate(pooled(normal)),
        auc_interval95=intervals.auc,
        ap_interval95=intervals.ap,
        bootstrap_replicates=intervals.replicates,
        classes=_by_class(videos),
        notes=_notes(anomalous, normal, runs),
    )


def roc_auc(runs: FrameRuns) -> float | None:
    """Area under the ROC curve of the frames; None unless both labels occur."""
    if not _has_both(runs):
        return None
    return float(roc_auc_score(runs.labels, runs.scores, sample_weight=runs.lengths))


def average_precision(runs: FrameRuns) -> float | None:
    """Sum of precision weighted by steps of recall; None unless both labels occur."""
    if not _has_both(runs):
        return None
    return float(average_precision_score(runs.labels, runs.scores, sample_weight=runs.lengths))


def average_precision_trapezoid(runs: FrameRuns) -> float | None:
    """Area under the precision-recall curve (trapezoids); None unless both labels occur."""
    if not _has_both(runs):
        return None
    precision, recall, _ = precision_recall_curve(
        runs.labels, runs.scores, sample_weight=runs.lengths
    )
    return float(area(recall, precision))


def false_alarm_rate(runs: FrameRuns) -> float | None:
    """Share of normal frames with at least ALARM_THRESHOLD; None without normal frames."""
    normal = ~runs.labels
    frames = int(runs.lengths[normal].sum())
    if not frames:
        return None
    alarms: NDArray[np.bool_] = normal & (runs.scores >= ALARM_THRESHOLD)
    return int(runs.lengths[alarms].sum()) / frames


def _has_both(runs: FrameRuns) -> bool:
    return bool(runs.labels.any()) and not runs.labels.all()


def _by_class(videos: Sequence[VideoRuns]) -> tuple[ClassMetrics, ...]:
    names = sorted({name for video in videos for name in video.classes})
    return tuple(
        _class_metrics(name, [video for video in videos if name in video.classes]) for name in names
    )


def _class_metrics(name: str, videos: Sequence[VideoRuns]) -> ClassMetrics:
    runs = pooled(videos)
    return ClassMetrics(
        name=name,
        videos=len(videos),
        frames=int(runs.lengths.sum()),
        anomalous_frames=int(runs.lengths[runs.labels].sum()),
        auc=roc_auc(runs),
        ap=average_precision(runs),
        far=false_alarm_rate(runs),
    )


def _notes(
    anomalous: Sequence[VideoRuns], normal: Sequence[VideoRuns], runs: FrameRuns
) -> tuple[str, ...]:
    notes = []
    if not _has_both(runs):
        which = "anomalous" if runs.labels.any() else "normal"
        notes.append(f"all frames are {which}: AUC and AP need both kinds and are left empty")
    if not normal:
        notes.append("no normal videos: the false-alarm rate is left empty")
    if anomalous and roc_auc(pooled(anomalous)) is None:
        notes.append("anomalous videos have no normal frames: AUC over them is left empty")
    return tuple(notes)
