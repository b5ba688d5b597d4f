"""Does a run's AUC move when the features are computed in bfloat16 instead of float32?

    python benchmarks/precision.py DATA [-o OUT] [--seeds 10]

DATA holds ped2, ucf-crime-sample and weights. The videos are extracted in both precisions with the
real mc3-18 weights, one crop; labels, detectors and scores are then made from each alike.
"""

import argparse
import statistics
from pathlib import Path

import numpy as np
from method_sets import RealSet, load
from method_variants import METHODS, VARIANTS
from methods import auc

from c2fpl.models.detector import segment_scores
from c2fpl.models.settings import TrainingSettings
from c2fpl.models.sources import ArraySource
from c2fpl.models.training import train

SETS = ("ucf-sample mc3-18", "ped2 mc3-18")
PRECISIONS = ("fp32", "bf16")


def frame_auc_percent(real: RealSet, method: str, seed: int) -> float:
    """Of one detector."""
    labels = VARIANTS[method](list(real.trained))
    assert labels is not None
    settings = TrainingSettings(seed=seed)
    detector = train(ArraySource(real.trained), np.concatenate(labels), settings, device="cpu")
    return 100 * auc(real, [segment_scores(detector, video) for video in real.tested])


def feature_error_percent(plain: RealSet, other: RealSet) -> float:
    """Relative L2 over all segments of both."""
    left, right = (np.concatenate([*one.trained]) for one in (plain, other))
    return float(100 * np.linalg.norm(left - right) / np.linalg.norm(left))


def main() -> None:
    """Parse, extract, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("precision-benchmark"))
    parser.add_argument("--seeds", type=int, default=10)
    asked = parser.parse_args()
    print("| set | method | AUC % in fp32 | in bf16 | mean difference | largest, any seed |")
    print("|---|---|---|---|---|---|")
    for name in SETS:
        reals = [load(name, asked.data, asked.out / one, one) for one in PRECISIONS]
        for method in METHODS:
            plain, other = (
                [frame_auc_percent(real, method, seed) for seed in range(asked.seeds)]
                for real in reals
            )
            moves = [b - a for a, b in zip(plain, other, strict=True)]
            cells = (statistics.mean(plain), statistics.mean(other), statistics.mean(moves))
            shown = " | ".join(f"{cell:.2f}" for cell in cells)
            print(f"| {name} | {method} | {shown} | {max(map(abs, moves)):.2f} |", flush=True)
        print(f"Features of {name}: relative L2 {feature_error_percent(*reals):.2f} %.", flush=True)


if __name__ == "__main__":
    main()
