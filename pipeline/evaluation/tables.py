"""Terminal tables of metrics and published figures."""

from rich.table import Table

from c2fpl.pipeline.evaluation.evaluate import Evaluation
from c2fpl.pipeline.evaluation.intervals import Interval
from c2fpl.pipeline.files.wording import counted
from c2fpl.pipeline.truth.datasets import DATASETS, PublishedFigure

_TITLES = {
    "auc": "ROC AUC",
    "ap": "AP (average precision)",
    "ap_trapezoid": "AP (trapezoid)",
    "auc_anomalous": "ROC AUC, anomalous videos",
    "far": "false alarms, normal videos",
}
YARDSTICK_TITLES = {
    "auc_within_videos": "ROC AUC within videos",
    "auc_length_matched": "ROC AUC, lengths matched",
    "recall_1_per_hour": "events found at 1 false alarm/h",
    "recall_6_per_hour": "events found at 6 false alarms/h",
}


def metrics_table(evaluation: Evaluation) -> Table:
    """One row per metric and one per published figure; fractions are shown in per cent."""
    metrics = evaluation.metrics
    table = Table(
        title=f"{DATASETS[evaluation.truth.dataset].title}, protocol {evaluation.truth.protocol}:"
        f" {counted(metrics.videos, 'video')}, {counted(metrics.frames, 'frame')},"
        f" {metrics.anomalous_frames} anomalous"
    )
    for column in ("metric", "%", "95 % interval", "source"):
        table.add_column(column, justify="right" if column == "%" else "left")
    intervals = {"auc": metrics.auc_interval95, "ap": metrics.ap_interval95}
    for name, title in _TITLES.items():
        interval = intervals.get(name)
        table.add_row(title, per_cent(getattr(metrics, name)), _range(interval), "these scores")
    for name, title in YARDSTICK_TITLES.items():
        table.add_row(title, per_cent(getattr(evaluation.yardsticks, name)), "", "these scores")
    table.add_section()
    for figure in DATASETS[evaluation.truth.dataset].figures:
        table.add_row(
            _TITLES[figure.metric], _figure(figure), "", f"{figure.what}; {figure.source}"
        )
    return table


def reference_table(evaluation: Evaluation) -> Table:
    """One row per baseline score without a network."""
    table = Table(title="without a network, same frames")
    for column in ("score", "AUC %", "within videos %", "lengths matched %"):
        table.add_column(column, justify="left" if column == "score" else "right")
    for row in evaluation.references:
        values = (row.auc, row.auc_within_videos, row.auc_length_matched)
        table.add_row(row.name, *map(per_cent, values))
    return table


def class_table(evaluation: Evaluation) -> Table:
    """One row per class."""
    table = Table(title="by class (AUC and AP within the class's videos)")
    for column in ("class", "videos", "frames", "anomalous", "AUC %", "AP %", "false alarms %"):
        table.add_column(column, justify="left" if column == "class" else "right")
    for one in evaluation.metrics.classes:
        counts = (str(one.videos), str(one.frames), str(one.anomalous_frames))
        table.add_row(one.name, *counts, per_cent(one.auc), per_cent(one.ap), per_cent(one.far))
    return table


def per_cent(fraction: float | None) -> str:
    """The fraction in per cent with two decimals, or a hyphen."""
    return "-" if fraction is None else f"{100 * fraction:.2f}"


def _range(interval: Interval | None) -> str:
    return "" if interval is None else f"{per_cent(interval[0])} to {per_cent(interval[1])}"


def _figure(figure: PublishedFigure) -> str:
    spread = "" if figure.std is None else f" ± {per_cent(figure.std)}"
    return per_cent(figure.value) + spread
