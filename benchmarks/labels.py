"""Time pseudo-labelling at the size of UCF-Crime, against the published loops.

    python benchmarks/labels.py [--nalist clap_nalist.npy] [--plain]

Segment counts come from the list of the real training set, if given; otherwise they are drawn from
a log-normal distribution with the same number and sum. Norms are random; no features are needed.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm as gaussian

from c2fpl.models.labels.coarse import label_videos
from c2fpl.models.labels.fine import label_windows
from c2fpl.models.labels.summaries import describe, segment_norms
from c2fpl.models.settings import LabelSettings, Method

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from plain_labels import plain_largest_variation

VIDEOS, SEGMENTS = 1_609, 779_951
METHODS: tuple[Method, ...] = ("paper", "released")


def segment_counts(nalist: Path | None) -> NDArray[np.int64]:
    """(videos,) segment counts from the published list of [from, to), or random ones."""
    if nalist is not None:
        bounds = np.load(nalist, allow_pickle=False)
        counts: NDArray[np.int64] = bounds[:, 1] - bounds[:, 0]
        return counts
    drawn = np.random.default_rng(0).lognormal(5, 1.3, VIDEOS)
    counts = np.maximum(7, drawn * SEGMENTS / drawn.sum()).astype(np.int64)
    counts[counts.argmax()] += SEGMENTS - counts.sum()
    return counts


def drawn_norms(counts: NDArray[np.int64]) -> list[NDArray[np.float32]]:
    """Random squared norms, float32 (segments,) per video, with level, slow drift and bursts."""
    rng = np.random.default_rng(1)
    norms = []
    for count in counts:
        drift = np.cumsum(rng.normal(0, 0.02, count))
        bursts = rng.gamma(0.1, 2, count)
        level = rng.gamma(16, 1 / 16)
        norms.append((400 * level * np.exp(0.1 * np.tanh(drift)) + 20 * bursts).astype(np.float32))
    return norms


def plain_windows(norms: list[NDArray[np.float32]], labels_of: NDArray[np.bool_]) -> list[int]:
    """First segment of each window of largest variation, by the published loops; -1 if none."""
    normal = np.concatenate([n for n, a in zip(norms, labels_of, strict=True) if not a])
    mean, std = np.mean(normal), np.sqrt(np.var(normal, ddof=1))
    firsts = []
    for video, is_anomalous in zip(norms, labels_of, strict=True):
        length = int(0.2 * len(video))
        if not is_anomalous or length == 0:
            firsts.append(-1)
            continue
        firsts.append(plain_largest_variation(gaussian.pdf(video, mean, std), length))
    return firsts


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nalist", type=Path)
    parser.add_argument("--plain", action="store_true", help="also run the published loops")
    options = parser.parse_args()
    counts = segment_counts(options.nalist)
    norms = drawn_norms(counts)
    print(f"{len(counts)} videos, {counts.sum()} segments, longest {counts.max()}")
    for method in METHODS:
        report(method, norms, plain=options.plain)
    report_norms()


def report(method: Method, norms: list[NDArray[np.float32]], *, plain: bool) -> None:
    """Print the time of each step after the norms, and compare windows with the published loops."""
    settings = LabelSettings(method=method).resolved()
    started = time.perf_counter()
    summaries = np.stack([describe(video, settings.spread or "std") for video in norms])
    described = time.perf_counter()
    coarse = label_videos(summaries, settings)
    split = time.perf_counter()
    fine = label_windows(norms, coarse.anomalous, settings)
    ended = time.perf_counter()
    positives = sum(int(labels.sum()) for labels in fine.labels)
    print(
        f"{method:9} describe {described - started:6.3f} s  coarse {split - described:6.3f} s  "
        f"fine {ended - split:6.3f} s  all {ended - started:6.3f} s  "
        f"({coarse.anomalous.sum()} videos, {positives} segments)"
    )
    if plain and method == "released":
        started = time.perf_counter()
        firsts = plain_windows(norms, coarse.anomalous)
        seconds = time.perf_counter() - started
        found = [int(np.argmax(labels)) if labels.any() else -1 for labels in fine.labels]
        print(f"published loops: {seconds:.1f} s for the windows; the same: {found == firsts}")


def report_norms() -> None:
    """Print the rate at which norms are computed from features in memory."""
    for dtype in ("float32", "float16"):
        values = np.random.default_rng(2).gamma(0.3, 1, (512, 10, 2048)).astype(dtype)
        started = time.perf_counter()
        for _ in range(4):
            segment_norms(values, "squared")
        rate = 4 * len(values) / (time.perf_counter() - started)
        gigabytes = rate * values[0].nbytes / 1e9
        print(f"norms of {dtype}: {rate:,.0f} segments/s ({gigabytes:.2f} GB/s)")


if __name__ == "__main__":
    main()
