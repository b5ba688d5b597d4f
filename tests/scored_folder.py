"""A folder of scores with its annotations, written by a test and evaluated."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from c2fpl.pipeline.evaluation.evaluate import evaluate
from c2fpl.pipeline.evaluation.result import Evaluation
from c2fpl.pipeline.evaluation.truth_inputs import TruthInputs
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.frame_counts import CountTable
from c2fpl.pipeline.truth.protocols import ProtocolName
from c2fpl.pipeline.truth.score_lengths import ScoreUnit


def save(folder: Path, name: str, scores: ArrayLike) -> Path:
    path = folder / f"{name}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.asarray(scores, np.float32))
    return path


def measured(
    folder: Path,
    dataset: DatasetName = "own",
    protocol: ProtocolName = "native",
    table: CountTable | None = None,
    allow_missing: bool = False,
    unit: ScoreUnit = ScoreUnit(),
) -> Evaluation:
    return evaluate(
        folder / "scores",
        TruthInputs(
            dataset=dataset,
            annotations=folder / "annotations.txt",
            protocol=protocol,
            table=table,
        ),
        allow_missing=allow_missing,
        unit=unit,
    )
