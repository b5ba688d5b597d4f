"""What chose the settings of `refined`, without a single annotation: docs/methods.md, Criteria.

    python benchmarks/method_criteria.py DATA [-o OUT] [--halves 10] [--sets NAME ...]

Over random halves A, B of the training videos: how well rarity measured against A agrees with
rarity measured against B, for each number of neighbours; how well a ridge regression that learns a
sign's normal scores from A's segments predicts them in B (a sign that holds content, not accident);
the weight that rarity gets; how alike a video's labels are when half of the other videos are gone.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from method_sets import NAMES, load
from method_variants import Videos, change_of, departure_of, evidence_of, rarity_of, weight_of
from numpy.typing import NDArray
from scipy.stats import spearmanr

from c2fpl.models import segment_space, two_states
from c2fpl.models.segment_space import Array

NEIGHBOURS = (1, 5, 20, 50)
RIDGE = 100.0  # on features scaled to a mean square of 1


def halves(count: int, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two halves of the videos."""
    order = np.random.default_rng(number).permutation(count)
    return np.sort(order[: count // 2]), np.sort(order[count // 2 :])


def agreement_of_rarity(videos: Videos, neighbours: int, count: int) -> float:
    """Rank correlation of rarity against two disjoint halves of the other videos."""
    segment_space.NEIGHBOURS, before = neighbours, segment_space.NEIGHBOURS
    found = []
    for number in range(count):
        measured = []
        for half in halves(len(videos), number):
            means = [[video.mean(axis=1)] for video in videos]
            seen = segment_space.first_pass([means[video] for video in half], 0)
            whole = segment_space.first_pass(means, 0)
            rare = segment_space.rarities(
                means,
                segment_space.FirstPass(whole.changes, whole.keys, seen.sample, seen.owners),
            )
            assert rare is not None
            measured.append(np.concatenate(rare))
        found.append(float(spearmanr(measured[0], measured[1]).statistic))
    segment_space.NEIGHBOURS = before
    return float(np.mean(found))


def predictability(videos: Videos, scores: Sequence[Array], count: int) -> float:
    """Rank correlation of a sign with what the other half of the videos says of the content."""
    found = []
    for number in range(count):
        for seen, unseen in (pair := halves(len(videos), number), pair[::-1]):
            features = np.concatenate([videos[video].mean(axis=1) for video in seen])
            mean, scale = features.mean(axis=0), float(features.std())
            wanted = np.concatenate([scores[video] for video in seen])
            weights = ridge((features - mean) / scale, wanted - wanted.mean())
            others = np.concatenate([videos[video].mean(axis=1) for video in unseen])
            truth = np.concatenate([scores[video] for video in unseen])
            found.append(float(spearmanr((others - mean) @ weights, truth).statistic))
    return float(np.mean(found))


def ridge(features: Array, wanted: Array) -> Array:
    """Weights of the regression, solved on the smaller side."""
    if len(features) < features.shape[1]:
        inner = features @ features.T + RIDGE * np.eye(len(features))
        return np.asarray(features.T @ np.linalg.solve(inner, wanted))
    outer = features.T @ features + RIDGE * np.eye(features.shape[1])
    return np.asarray(np.linalg.solve(outer, features.T @ wanted))


def without_half(videos: Videos, count: int) -> tuple[list[float], list[float]]:
    """Weight of rarity in each half, and the correlation of its labels with those of all videos."""
    whole = soft(evidence_of(videos))
    weights, alike = [], []
    for number in range(count):
        half = halves(len(videos), number)[0]
        own = [videos[video] for video in half]
        weights.append(weight_of(change_of(own), rarity_of(own)))
        same = np.concatenate([whole[video] for video in half])
        alike.append(float(np.corrcoef(np.concatenate(soft(evidence_of(own))), same)[0, 1]))
    return weights, alike


def soft(evidence: list[Array]) -> tuple[Array, ...]:
    """The posterior of the fitted chain."""
    return two_states.higher_state(evidence, two_states.fit(evidence))


def main() -> None:
    """One paragraph a set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("methods-benchmark"))
    parser.add_argument("--halves", type=int, default=10)
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=list(NAMES))
    options = parser.parse_args()
    for name in options.sets:
        videos, count = load(name, options.data, options.out).trained, options.halves
        rarity = [agreement_of_rarity(videos, k, count) for k in NEIGHBOURS]
        signs = {"change": change_of(videos), "distance to own mean": departure_of(videos)}
        content = {sign: predictability(videos, z, count) for sign, z in signs.items()}
        weights, alike = without_half(videos, count)
        chain = two_states.fit(evidence_of(videos))
        weight = weight_of(signs["change"], rarity_of(videos))
        print(
            f"{name}: rarity agrees between halves with {NEIGHBOURS} neighbours "
            + " ".join(f"{one:.3f}" for one in rarity)
            + "; predicted from the other half: "
            + ", ".join(f"{sign} {one:.2f}" for sign, one in content.items())
            + f"; weight of rarity {weight:.2f}, in halves "
            f"{min(weights):.2f} to {max(weights):.2f}; labels of halves against all "
            f"{min(alike):.2f} to {max(alike):.2f}; BIC of one Gaussian - BIC of the chain "
            f"{chain.gain:.0f}, renewal {chain.renewal:.3f}, higher share {chain.shares[1]:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
