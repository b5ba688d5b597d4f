"""What chose the settings of `refined`, without a single annotation: docs/methods.md, Criteria.

    python benchmarks/method_criteria.py DATA [-o OUT] [--halves 10] [--sets NAME ...]

Over random halves A, B of the training videos: how well a ridge regression that learns a sign's
normal scores from A's segments predicts them in B (a sign that holds content, not accident); the
likelihood of one population, of two and of two in time. Of every variant of the ablation: how alike
a video's labels are when half of the other videos are gone, and how well labels of A, learned, tell
the change of B's segments.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from method_sets import NAMES, extract, load
from method_variants import VARIANTS, Videos, change_of, departure_of
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.mixture import GaussianMixture

from c2fpl.models.labels import two_states
from c2fpl.models.labels.change import Array

Places = NDArray[np.int64]
"""Numbers of videos."""
RIDGE = 100.0  # on features scaled to a mean square of 1


def halves(count: int, number: int) -> tuple[Places, Places]:
    """Two halves of the videos."""
    order = np.random.default_rng(number).permutation(count)
    return np.sort(order[: count // 2]), np.sort(order[count // 2 :])


def predictability(videos: Videos, scores: Sequence[Array], count: int) -> float:
    """Rank correlation of a sign with what the other half of the videos says of the content."""
    found = []
    for number in range(count):
        for seen, unseen in (pair := halves(len(videos), number), pair[::-1]):
            said = learned(videos, seen, np.concatenate([scores[v] for v in seen]), unseen)
            truth = np.concatenate([scores[video] for video in unseen])
            found.append(float(spearmanr(said, truth).statistic))
    return float(np.mean(found))


def ridge(features: Array, wanted: Array) -> Array:
    """Weights of the regression, solved on the smaller side."""
    if len(features) < features.shape[1]:
        inner = features @ features.T + RIDGE * np.eye(len(features))
        return np.asarray(features.T @ np.linalg.solve(inner, wanted))
    outer = features.T @ features + RIDGE * np.eye(features.shape[1])
    return np.asarray(np.linalg.solve(outer, features.T @ wanted))


def of_variant(videos: Videos, variant: str, count: int) -> tuple[float, float]:
    """Of a variant's labels: their stability, and their agreement between halves of the videos.

    Returns:
        Mean correlation of a half's labels with those of all videos; mean rank correlation of the
        change in B with what a ridge regression learned from A's labels says of B's content.
    """
    make, change = VARIANTS[variant], change_of(videos)
    whole, stable, agreed = make(videos), [], []
    for number in range(count):
        for seen, unseen in (pair := halves(len(videos), number), pair[::-1]):
            own = np.concatenate(make([videos[video] for video in seen])).astype(np.float64)
            stable.append(correlation(own, np.concatenate([whole[v] for v in seen])))
            said = learned(videos, seen, own, unseen)
            agreed.append(spearmanr(said, np.concatenate([change[v] for v in unseen])).statistic)
    return float(np.mean(stable)), float(np.mean(agreed))


def correlation(one: Array, other: Array) -> float:
    """Of Pearson; labels that are all the same agree with nothing."""
    return float(np.corrcoef(one, other)[0, 1]) if one.std() * other.std() > 0 else 0.0


def learned(videos: Videos, seen: Places, labels: Array, unseen: Places) -> Array:
    """What a ridge regression of the labels on the seen content says of the unseen."""
    features = np.concatenate([videos[video].mean(axis=1) for video in seen])
    mean, scale = features.mean(axis=0), float(features.std())
    weights = ridge((features - mean) / scale, labels - labels.mean())
    others = np.concatenate([videos[video].mean(axis=1) for video in unseen])
    return np.asarray((others - mean) @ weights)


def likelihoods(evidence: Sequence[Array]) -> str:
    """BIC of one Gaussian, of two without memory, of the chain; the same on segments far apart."""
    found = []
    for z in (evidence, [one[::3] for one in evidence]):
        values = np.concatenate(list(z))
        mixture = GaussianMixture(2, covariance_type="tied", random_state=0).fit(values[:, None])
        one = two_states.bic_of_one(values)
        two = mixture.bic(values[:, None])
        found.append(f"{one:.0f} {two:.0f} {one - two_states.fit(z).gain:.0f}")
    return ", every third segment ".join(found)


def main() -> None:
    """One paragraph a set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("methods-benchmark"))
    parser.add_argument("--halves", type=int, default=10)
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=list(NAMES))
    options = parser.parse_args()
    for name in options.sets:
        extract(name, options.data, options.out)
        videos, count = load(name, options.data, options.out).trained, options.halves
        signs = {"change": change_of(videos), "distance to own mean": departure_of(videos)}
        content = {sign: predictability(videos, z, count) for sign, z in signs.items()}
        print(
            f"{name}: predicted from the other half: "
            + ", ".join(f"{sign} {one:.2f}" for sign, one in content.items())
            + f"; BIC of one, two, the chain: {likelihoods(signs['change'])}",
            flush=True,
        )
        for variant in [one for one in VARIANTS if one not in ("paper", "released")]:
            stable, agreed = of_variant(videos, variant, count)
            print(f"    {variant}: stability {stable:.3f}, agreement {agreed:.3f}", flush=True)


if __name__ == "__main__":
    main()
