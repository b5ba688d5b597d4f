"""What an evaluation found, and its file metrics.json."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from c2fpl.pipeline.evaluation.metrics import Metrics
from c2fpl.pipeline.evaluation.references import Reference
from c2fpl.pipeline.evaluation.yardsticks import Yardsticks
from c2fpl.pipeline.files.run_files import save_json
from c2fpl.pipeline.truth.datasets import DATASETS, DatasetName
from c2fpl.pipeline.truth.protocols import ProtocolName


@dataclass(frozen=True)
class Evaluation:
    """Metrics and what they are of."""

    dataset: DatasetName
    """Data set."""
    protocol: ProtocolName
    """Convention of the ground truth."""
    scores: Path
    """Folder of scores."""
    annotations: Path
    """File or folder of annotations."""
    metrics: Metrics
    """The results."""
    yardsticks: Yardsticks
    """What a video's length cannot flatter."""
    references: tuple[Reference, ...]
    """What scores without a network reach on the same frames."""
    notes: tuple[str, ...]
    """What was left out or fitted, and what that means."""

    def as_json(self) -> dict[str, Any]:
        """For metrics.json; `paper` are the published figures beside ours."""
        return {
            "dataset": self.dataset,
            "protocol": self.protocol,
            "scores": str(self.scores),
            "annotations": str(self.annotations),
            **self.metrics.as_json(),
            **self.yardsticks.as_json(),
            "references": [row.as_json() for row in self.references],
            "notes": [*self.notes, *self.metrics.notes],
            "paper": [vars(figure) for figure in DATASETS[self.dataset].figures],
        }


def save_metrics(path: Path, evaluation: Evaluation) -> None:
    """Write metrics.json."""
    save_json(path, evaluation.as_json())
