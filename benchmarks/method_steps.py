"""What chose `epoch_steps`: do detectors of several seeds say the same of the same labels?

    python benchmarks/method_steps.py DATA [-o OUT] [--seeds 5] [--sets NAME ...]

For each small set, method and least number of steps: the mean rank correlation between the scores
that two seeds give to the videos they learned from. It reads no annotation. Behind it, what is no
criterion: mean and standard deviation of the frame AUC.
"""

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from method_sets import NAMES, RealSet, extract, load
from method_variants import METHODS, VARIANTS
from methods import auc
from scipy.stats import spearmanr

from c2fpl.models.detector import segment_scores
from c2fpl.models.settings import TrainingSettings
from c2fpl.models.sources import ArraySource
from c2fpl.models.training import train

STEPS = (1, 12, 50, 200)
"""1 is one pass an epoch: 3 or 4 steps on these sets."""
SMALL = NAMES[1:5]


def cell(real: RealSet, method: str, epoch_steps: int, seeds: int) -> str:
    """Agreement of the seeds, and their AUC in per cent."""
    labels = np.concatenate(VARIANTS[method](real.trained))
    said, measured = [], []
    for seed in range(seeds):
        settings = TrainingSettings(seed=seed, epoch_steps=epoch_steps)
        detector = train(ArraySource(list(real.trained)), labels, settings, device="cpu")
        said.append(np.concatenate([segment_scores(detector, one) for one in real.trained]))
        measured.append(100 * auc(real, [segment_scores(detector, one) for one in real.tested]))
    agreed = np.mean([spearmanr(*pair).statistic for pair in combinations(said, 2)])
    return f"{agreed:.3f} ({np.mean(measured):.1f} ± {np.std(measured, ddof=1):.1f})"


def main() -> None:
    """A row for each set and method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("methods-benchmark"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sets", nargs="+", choices=SMALL, default=list(SMALL))
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| set | method | " + " | ".join(f"{steps} steps an epoch" for steps in STEPS) + " |")
    print("|---" * (len(STEPS) + 2) + "|")
    for name in options.sets:
        extract(name, options.data, options.out)
        real = load(name, options.data, options.out)
        for method in METHODS:
            cells = [cell(real, method, steps, options.seeds) for steps in STEPS]
            print(f"| {name} | {method} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
