"""The result of an evaluation, and its file metrics.json."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from c2fpl.pipeline.evaluation.metrics import Metrics
from c2fpl.pipeline.evaluation.references import Reference
from c2fpl.pipeline.evaluation.truth_inputs import TruthInputs
from c2fpl.pipeline.evaluation.yardsticks import Yardsticks
from c2fpl.pipeline.files.run_files import save_json
from c2fpl.pipeline.truth.datasets import DATASETS


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a folder of scores, with their context."""

    scores: Path
    truth: TruthInputs
    """Annotations of the test set, and their protocol."""
    metrics: Metrics
    yardsticks: Yardsticks
    """Metrics that a video's length cannot inflate."""
    references: tuple[Reference, ...]
    """Results of baseline scores without a network on the same frames."""
    notes: tuple[str, ...]
    """What was read, left out or fitted, and what follows from it."""

    def as_json(self) -> dict[str, Any]:
        """Content of metrics.json; `paper` has the published figures."""
        return {
            "dataset": self.truth.dataset,
            "protocol": self.truth.protocol,
            "scores": str(self.scores),
            "annotations": str(self.truth.annotations),
            **self.metrics.as_json(),
            **self.yardsticks.as_json(),
            "references": [row.as_json() for row in self.references],
            "notes": [*self.notes, *self.metrics.notes],
            "paper": [vars(figure) for figure in DATASETS[self.truth.dataset].figures],
        }


def save_metrics(path: Path, evaluation: Evaluation) -> None:
    """Write metrics.json."""
    save_json(path, evaluation.as_json())
