"""Measure how the AUC changes if features are computed in bfloat16 instead of float32.

    python benchmarks/precision.py DATA [-o OUT] [--seeds 10]

DATA contains ped2, ucf-crime-sample and weights. The videos are extracted in both precisions with
the real mc3-18 weights and one crop. "Whole run": labels, detector and scores come from the same
features. "Same detector": the detector trained on float32 features scores both.
"""

import argparse
import statistics
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from method_sets import RealSet, extract, load
from method_table import METHODS, Arrays
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from c2fpl.models.detection.detector import Detector, segment_scores
from c2fpl.models.detection.training import train
from c2fpl.models.settings import LabelSettings, Method, TrainingSettings
from c2fpl.models.sources import ArraySource
from c2fpl.pipeline.steps.make_labels import make_labels

PRECISIONS = ("fp32", "bf16")
SETS = ("ucf-crime-sample mc3-18", "ped2 mc3-18")
LABELS_ALIKE = 0.01


@dataclass(frozen=True)
class Aucs:
    """Frame-level AUCs of one seed, in percent."""

    plain: float
    whole_run: float
    same_detector: float


def measured(plain: RealSet, other: RealSet, method: Method, seed: int) -> Aucs:
    """Train and score on each, and score `other` with the detector trained on `plain`."""
    of_plain, of_other = (trained(real, labels_of(real, method), seed) for real in (plain, other))
    return Aucs(
        frame_auc_percent(plain, of_plain),
        frame_auc_percent(other, of_other),
        frame_auc_percent(other, of_plain),
    )


def labels_of(real: RealSet, method: Method) -> NDArray[np.float32]:
    """Labels of all segments, float32 (segments,)."""
    made = make_labels(Arrays(real.trained), LabelSettings(method=method), quiet=True)
    return np.concatenate(made.labels)


def trained(real: RealSet, labels: NDArray[np.float32], seed: int) -> Detector:
    """Train one detector with the default settings."""
    return train(ArraySource(real.trained), labels, TrainingSettings(seed=seed), device="cpu")


def frame_auc_percent(real: RealSet, detector: Detector) -> float:
    """AUC over the pooled frames of all test videos, in percent."""
    frames = [
        spread(segment_scores(detector, video))
        for spread, video in zip(real.to_frames, real.tested, strict=True)
    ]
    return 100 * float(roc_auc_score(np.concatenate(real.truths), np.concatenate(frames)))


def feature_error_percent(plain: RealSet, other: RealSet) -> float:
    """Relative L2 error over all segments, in percent."""
    left, right = (np.concatenate(one.trained) for one in (plain, other))
    return float(100 * np.linalg.norm(left - right) / np.linalg.norm(left))


def row(name: str, method: Method, plain: RealSet, other: RealSet, seeds: int) -> str:
    """One line of the table."""
    aucs = [measured(plain, other, method, seed) for seed in range(seeds)]
    moved = [one.whole_run - one.plain for one in aucs]
    alone = [one.same_detector - one.plain for one in aucs]
    unlike = np.abs(labels_of(plain, method) - labels_of(other, method)) > LABELS_ALIKE
    return (
        f"| {name} | {method} | {statistics.mean(one.plain for one in aucs):.2f}"
        f" ± {statistics.stdev(one.plain for one in aucs):.2f} | {statistics.mean(moved):+.2f}"
        f" | {statistics.mean(alone):+.2f} | {max(map(abs, alone)):.2f}"
        f" | {100 * unlike.mean():.2f} % |"
    )


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("precision-benchmark"))
    parser.add_argument("--seeds", type=int, default=10)
    asked = parser.parse_args()
    print(
        "| set | method | AUC % in float32 | whole run | same detector | largest of any seed"
        " | labels that differ |\n|---|---|---|---|---|---|---|"
    )
    for name in SETS:
        for precision in PRECISIONS:
            extract(name, asked.data, asked.out / precision, precision)
        plain, other = (load(name, asked.data, asked.out / one) for one in PRECISIONS)
        for method in METHODS:
            print(row(name, method, plain, other, asked.seeds), flush=True)
        print(f"Features of {name}: relative L2 {feature_error_percent(plain, other):.2f} %.")


if __name__ == "__main__":
    main()
