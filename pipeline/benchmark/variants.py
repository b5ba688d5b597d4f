"""The rows of each table: labels, attention, and the published figure to compare with.

- `seeds`: the published method over all seeds (supplementary C and Figure 10).
- `attention`: supplementary Tables 5 and 6, plus a detector without attention, for which the paper
  has no figure.
- `pipeline`: the ablation of coarse labels, fine labels and detector. The rows follow the authors'
  notebook; their published figures are not known here. `refined` only has the rows `full` and
  `whole-videos`, because it uses neither norms, windows nor a null model.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from c2fpl.models.settings import Attention, Method, Softmax, TrainingSettings
from c2fpl.pipeline.benchmark.plan import BenchmarkPlan
from c2fpl.pipeline.truth.datasets import DATASETS, DatasetName, PublishedFigure

LabelKind = Literal["full", "random-videos", "whole-videos", "p-values"]

_SUPPLEMENTARY = "C2FPL (WACV 2024), supplementary"
_ATTENTION_ROWS: Sequence[tuple[str, Attention, Softmax, float | None, str]] = (
    ("residual, softmax over features", "residual", "feature", 0.806, "Tables 5 and 6"),
    ("multiplicative, softmax over features", "multiplicative", "feature", 0.635, "Table 5"),
    ("residual, softmax over the batch", "residual", "batch", 0.765, "Table 6"),
    ("no attention", "none", "feature", None, ""),
)
_PIPELINE_ROWS: Sequence[tuple[str, LabelKind]] = (
    ("coarse labels, fine labels, detector", "full"),
    ("random video labels, fine labels, detector", "random-videos"),
    ("coarse labels over whole videos, detector", "whole-videos"),
    ("coarse labels, fine labels, 1 - p as the score", "p-values"),
)
_ROWS_OF_REFINED = ("full", "whole-videos")


@dataclass(frozen=True)
class Variant:
    """One row of a table."""

    title: str
    """Title, shown with the method."""
    method: Method
    labels: LabelKind
    """Labels for training; `p-values` trains nothing."""
    training: TrainingSettings
    """Detector settings; `trained_with` replaces the seed."""
    figure: PublishedFigure | None
    """Published figure for this row."""

    @property
    def key(self) -> str:
        """Folder of the results; equal rows of two tables share it."""
        if self.labels == "p-values":
            return f"{self.method}-p-values"
        attention = self.training.attention
        softmax = "" if attention == "none" else f"-{self.training.softmax}"
        return f"{self.method}-{self.labels}-{attention}{softmax}"

    def seeds(self, wanted: range) -> Sequence[int]:
        """Seeds to run; p-values are deterministic and need only one."""
        return wanted[:1] if self.labels == "p-values" else wanted

    def trained_with(self, seed: int) -> TrainingSettings:
        """Training settings with this seed."""
        return replace(self.training, seed=seed)


def variants_of(plan: BenchmarkPlan) -> tuple[Variant, ...]:
    """The rows of the plan's table for each method; the first row is the full method."""
    rows = _ROWS[plan.table]
    return tuple(row for method in plan.methods for row in rows(plan, method))


def figures_of(variant: Variant, dataset: DatasetName) -> tuple[PublishedFigure, ...]:
    """Published figures: that of the row first, then those of the data set."""
    own = (variant.figure,) if variant.figure else ()
    return (*own, *(figure for figure in DATASETS[dataset].figures if figure not in own))


def _seeds_rows(plan: BenchmarkPlan, method: Method) -> list[Variant]:
    title = "C2FPL, our labels" if method == "refined" else "C2FPL"
    return [Variant(title, method, "full", plan.training, _headline(plan))]


def _attention_rows(plan: BenchmarkPlan, method: Method) -> list[Variant]:
    return [
        Variant(
            title,
            method,
            "full",
            replace(plan.training, attention=attention, softmax=softmax),
            PublishedFigure("auc", value, title, f"{_SUPPLEMENTARY}, {where}")
            if value is not None and plan.dataset == "ucf-crime"
            else None,
        )
        for title, attention, softmax, value, where in _ATTENTION_ROWS
    ]


def _pipeline_rows(plan: BenchmarkPlan, method: Method) -> list[Variant]:
    return [
        Variant(
            title,
            method,
            labels,
            plan.training,
            _headline(plan) if labels == "full" else None,
        )
        for title, labels in _PIPELINE_ROWS
        if method != "refined" or labels in _ROWS_OF_REFINED
    ]


def _headline(plan: BenchmarkPlan) -> PublishedFigure | None:
    """The authors' figure over seeds, or else their best known one.

    It applies to both `paper` and `released`; for `refined` it is the baseline.
    """
    figures = DATASETS[plan.dataset].figures
    over_seeds = (figure for figure in figures if figure.std is not None)
    return next(over_seeds, figures[0] if figures else None)


_ROWS = {"seeds": _seeds_rows, "attention": _attention_rows, "pipeline": _pipeline_rows}
