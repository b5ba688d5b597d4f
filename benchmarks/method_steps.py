"""What chose `epoch_steps`: what a detector has learned of labels, told by videos it has not seen.

    python benchmarks/method_steps.py DATA [-o OUT] [--halves 4] [--sets NAME ...]

For each small set, method and least number of steps: detectors learn the labels of random halves
of the videos, two seeds each. How well their scores of the other half agree with the labels which
the method gives there (rank correlation), and with one another. No annotation is read.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from method_criteria import halves
from method_sets import NAMES, RealSet, extract, load
from method_variants import METHODS, VARIANTS
from numpy.typing import NDArray
from scipy.stats import spearmanr

from c2fpl.models.detection.detector import segment_scores
from c2fpl.models.detection.training import train
from c2fpl.models.labels.coarse import CannotSplit
from c2fpl.models.labels.fine import EmptyNullModel
from c2fpl.models.settings import TrainingSettings
from c2fpl.models.sources import ArraySource

STEPS = (1, 6, 12, 25, 50)
"""1 is one pass an epoch: 2 to 4 steps on these sets."""
SMALL = NAMES[1:5]
SEEDS = (0, 1)


def cell(real: RealSet, method: str, epoch_steps: int, count: int) -> str:
    """Mean agreement with the unseen videos' labels / of two seeds on them."""
    with_labels, of_seeds = [], []
    for number in range(count):
        for seen, unseen in (pair := halves(len(real.trained), number), pair[::-1]):
            try:
                there = np.concatenate(VARIANTS[method]([real.trained[v] for v in unseen]))
                scores = [said(real, method, seen, unseen, epoch_steps, seed) for seed in SEEDS]
            except (CannotSplit, EmptyNullModel):
                continue
            if there.std() > 0:
                with_labels += [float(spearmanr(one, there).statistic) for one in scores]
            of_seeds.append(float(spearmanr(scores[0], scores[1]).statistic))
    return f"{np.mean(with_labels):.3f} / {np.mean(of_seeds):.3f}"


def said(
    real: RealSet,
    method: str,
    seen: NDArray[np.int64],
    unseen: NDArray[np.int64],
    epoch_steps: int,
    seed: int,
) -> NDArray[np.float32]:
    """Scores of the segments of the unseen videos, by a detector of the seen ones."""
    videos = [real.trained[video] for video in seen]
    labels = np.concatenate(VARIANTS[method](videos))
    settings = TrainingSettings(seed=seed, epoch_steps=epoch_steps)
    detector = train(ArraySource(videos), labels, settings, device="cpu")
    return np.concatenate([segment_scores(detector, real.trained[video]) for video in unseen])


def main() -> None:
    """A row for each set and method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("methods-benchmark"))
    parser.add_argument("--halves", type=int, default=4)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--sets", nargs="+", choices=SMALL, default=list(SMALL))
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| set | method | " + " | ".join(f"{steps} steps an epoch" for steps in STEPS) + " |")
    print("|---" * (len(STEPS) + 2) + "|")
    for name in options.sets:
        extract(name, options.data, options.out)
        real = load(name, options.data, options.out)
        for method in options.methods:
            cells = [cell(real, method, steps, options.halves) for steps in STEPS]
            print(f"| {name} | {method} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
