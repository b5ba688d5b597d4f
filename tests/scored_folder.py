"""A folder of scores with its annotations, written by a test and evaluated."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from c2fpl.pipeline.evaluation.evaluate import Evaluation, evaluate
from c2fpl.pipeline.evaluation.truth_inputs import TruthInputs
from c2fpl.pipeline.files.run_files import save_table
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.protocols import Counts, ProtocolName
from c2fpl.pipeline.truth.score_lengths import ScoreUnit


def save(folder: Path, name: str, scores: ArrayLike) -> Path:
    path = folder / f"{name}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.asarray(scores, np.float32))
    return path


def written(path: Path, counts: Mapping[str, Counts]) -> tuple[Path, str]:
    """Write a table of counts; its path, and its column of segments."""
    rows = [(name, one.frames or "", one.segments or "") for name, one in counts.items()]
    save_table(path, ("video", "n_frames", "n_segments"), rows)
    return path, "n_segments"


def measured(
    folder: Path,
    dataset: DatasetName = "own",
    protocol: ProtocolName = "native",
    table: Mapping[str, Counts] | None = None,
    allow_missing: bool = False,
    unit: ScoreUnit = ScoreUnit(),
) -> Evaluation:
    counts, segments = (None, None) if table is None else written(folder / "counts.csv", table)
    return evaluate(
        folder / "scores",
        TruthInputs(
            dataset=dataset,
            annotations=folder / "annotations.txt",
            protocol=protocol,
            frame_counts=counts,
            segments_column=segments,
        ),
        allow_missing=allow_missing,
        unit=unit,
    )
