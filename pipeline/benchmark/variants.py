"""The rows of each table: which labels, which attention, which figure of the paper beside them.

- `seeds`: the method as it is, over all seeds (supplementary C and Figure 10).
- `attention`: supplementary Tables 5 and 6, and a detector without attention, which the paper has
  no figure for.
- `pipeline`: the ablation of coarse labels, fine labels and detector. Its figures stand in a table
  of the paper that was not at hand, so the rows have none beside them; which rows there are is
  known from the authors' notebook (METHOD section 6). `refined` has no norm, no window and no null
  model to exchange: it has the first row and the third.
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
    """One row."""

    title: str
    """For people; the method stands beside it."""
    method: Method
    """How videos and segments are labelled."""
    labels: LabelKind
    """Labels that it trains on; `p-values` trains nothing."""
    training: TrainingSettings
    """Detector; the seed is replaced by each seed's own."""
    figure: PublishedFigure | None
    """The paper's figure for this row."""

    @property
    def key(self) -> str:
        """Folder of its results; the same row of two tables has the same one."""
        if self.labels == "p-values":
            return f"{self.method}-p-values"
        attention = self.training.attention
        softmax = "" if attention == "none" else f"-{self.training.softmax}"
        return f"{self.method}-{self.labels}-{attention}{softmax}"

    def seeds(self, wanted: range) -> Sequence[int]:
        """p-values know no chance: one seed stands for all."""
        return wanted[:1] if self.labels == "p-values" else wanted

    def trained_with(self, seed: int) -> TrainingSettings:
        """Settings of one training."""
        return replace(self.training, seed=seed)


def variants_of(plan: BenchmarkPlan) -> tuple[Variant, ...]:
    """The rows of the plan's table for each method; the first is the method as published."""
    rows = _ROWS[plan.table]
    return tuple(row for method in plan.methods for row in rows(plan, method))


def figures_of(variant: Variant, dataset: DatasetName) -> tuple[PublishedFigure, ...]:
    """What is published: the row's own figure first, then those of the data set."""
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
    """The authors' figure over seeds, else their best known one.

    Both of their label rules claim it; beside `refined` it is what there is to beat.
    """
    figures = DATASETS[plan.dataset].figures
    over_seeds = (figure for figure in figures if figure.std is not None)
    return next(over_seeds, figures[0] if figures else None)


_ROWS = {"seeds": _seeds_rows, "attention": _attention_rows, "pipeline": _pipeline_rows}
