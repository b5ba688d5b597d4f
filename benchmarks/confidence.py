"""Measure what the stated confidence of `refined` is worth: the tables of docs/methods.md.

    python benchmarks/confidence.py DATA [-o OUT] [--sets NAME ...]

DATA contains the sets of benchmarks/method_sets.py. For each set: the confidence of the real
features, of noise of the same shape, of the real features with noise of growing strength added, and
of random halves of the videos. The last two, and the whole sets, also have an AUC: that of the
evidence alone, smoothed by its chain, without a detector. Of ucf-crime-c3d only the test videos are
used. Features are extracted once to OUT. Results are appended to OUT/confidence.jsonl, so the
benchmark can be stopped and continued.
"""

import argparse
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from method_sets import NAMES, RealSet, extract, load
from method_table import measured
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import spearmanr

from c2fpl.models.labels import refined, two_states
from c2fpl.models.labels.confidence import measure_confidence

Videos = list[NDArray[np.float32]]
Rows = list[dict[str, Any]]

NOISE_DRAWS, LEVEL_DRAWS, HALVES = 4, 2, 8
LEVELS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Standard deviation of added noise, relative to that of each dimension within videos."""


def gaussian(videos: Videos, rng: np.random.Generator) -> Videos:
    """Independent values."""
    return [rng.normal(size=video.shape).astype(np.float32) for video in videos]


def scenes(videos: Videos, rng: np.random.Generator) -> Videos:
    """Independent values around a scene for each video."""
    return [v + 3 * rng.normal(size=v.shape[1]).astype(np.float32) for v in gaussian(videos, rng)]


def smooth(videos: Videos, rng: np.random.Generator) -> Videos:
    """Autoregressive dimensions, independent of each other."""
    longer = [np.zeros((len(video) + 50, video.shape[1]), np.float32) for video in videos]
    return [lfilter([1], [1, -0.9], v, axis=0)[50:] for v in gaussian(longer, rng)]


def heavy_tailed(videos: Videos, rng: np.random.Generator) -> Videos:
    """Student's t with two degrees of freedom."""
    return [rng.standard_t(2, size=video.shape).astype(np.float32) for video in videos]


def shuffled(videos: Videos, rng: np.random.Generator) -> Videos:
    """The real segments in random order within their video."""
    return [video[rng.permutation(len(video))] for video in videos]


def dimensions_apart(videos: Videos, rng: np.random.Generator) -> Videos:
    """The real features, with each dimension rotated in time by itself."""
    return [
        np.stack([np.roll(column, rng.integers(len(video))) for column in video.T], axis=1)
        for video in videos
    ]


NOISES: Mapping[str, Callable[[Videos, np.random.Generator], Videos]] = {
    one.__name__: one
    for one in (gaussian, scenes, smooth, heavy_tailed, shuffled, dimensions_apart)
}


def confidence(videos: Videos) -> dict[str, Any]:
    """Signal, agreement and order."""
    found = measure_confidence([[video] for video in videos]).as_json()
    return {name: found[name] for name in ("signal", "agreement", "order")}


def with_auc(
    videos: Videos, real: RealSet, places: Sequence[int], tested: Sequence[int]
) -> dict[str, Any]:
    """Confidence, and AUC of the evidence on some of the test videos.

    Args:
        videos: all videos.
        real: the set.
        places: number of each chosen test video in `videos`.
        tested: number of each chosen test video in `real`.
    """
    evidence = refined.label([[video] for video in videos]).scores
    chain = two_states.fit(sorted(evidence, key=lambda one: one.tobytes()))
    odds = two_states.log_odds([evidence[place] for place in places], chain)
    parts = {
        name: tuple(getattr(real, name)[number] for number in tested)
        for name in ("tested", "truths", "to_frames")
    }
    found = measured(replace(real, **parts), odds)
    return {**confidence(videos), "auc": found["auc"], "within": found["auc_within_videos"]}


def rows_of(name: str, data: Path, out: Path) -> Iterator[dict[str, Any]]:
    """All rows of one set."""
    extract(name, data, out)
    real = load(name, data, out)
    trained = real.tested if name == "ucf-crime-c3d" else real.trained
    videos = [video.mean(axis=1) for video in trained]
    places = [
        next(i for i, video in enumerate(trained) if np.array_equal(video, tested))
        for tested in real.tested
    ]
    every = range(len(places))
    yield {"kind": "real", **with_auc(videos, real, places, every)}
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    for kind, make in NOISES.items():
        for _ in range(NOISE_DRAWS):
            yield {"kind": kind, **confidence(make(videos, rng))}
    centred = np.concatenate([video - video.mean(axis=0) for video in videos])
    for level in np.repeat(LEVELS, LEVEL_DRAWS):
        added = [level * centred.std(axis=0) * hiss for hiss in gaussian(videos, rng)]
        noisy = [(v + hiss).astype(np.float32) for v, hiss in zip(videos, added, strict=True)]
        yield {"kind": "graded", "level": level, **with_auc(noisy, real, places, every)}
    others = [i for i in range(len(videos)) if i not in places]
    for _ in range(HALVES):
        tested = np.sort(rng.permutation(len(places))[: max(2, len(places) // 2)])
        chosen = [places[number] for number in tested]
        chosen += [int(i) for i in rng.permutation(others)[: len(others) // 2]]
        half = [videos[number] for number in chosen]
        yield {"kind": "half", **with_auc(half, real, range(len(tested)), tested.tolist())}


def report(rows: Rows) -> list[str]:
    """Markdown table of the sets, and rank correlations of the signal with the AUC."""
    header = "| set | signal | agreement | order | highest of noise | AUC | within |"
    lines = [header, "|---" * 7 + "|"]
    for name in dict.fromkeys(row["set"] for row in rows):
        of_set = [row for row in rows if row["set"] == name]
        (real,) = (row for row in of_set if row["kind"] == "real")
        noisiest = max((r for r in of_set if r["kind"] in NOISES), key=lambda r: r["signal"])
        cells = [f"{real[key]:.2f}" for key in ("signal", "agreement", "order")]
        cells.append(f"{noisiest['signal']:.3f} ({noisiest['kind'].replace('_', ' ')})")
        cells += [f"{100 * real[key]:.1f}" for key in ("auc", "within")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    for kinds in (("real",), ("real", "graded"), ("half",)):
        chosen = [r for r in rows if r["kind"] in kinds and r["within"] is not None]
        signals = [row["signal"] for row in chosen]
        found = [spearmanr(signals, [row[key] for row in chosen])[0] for key in ("auc", "within")]
        lines.append(f"{', '.join(kinds)}: {len(chosen)} units, " + "{:.2f}, {:.2f}".format(*found))
    return lines


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("method-table"))
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=list(NAMES))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "confidence.jsonl"
    rows: Rows = [json.loads(one) for one in path.read_text().splitlines()] if path.exists() else []
    for name in options.sets:
        if any(row["set"] == name for row in rows):
            continue
        new = [{"set": name, **row} for row in rows_of(name, options.data, options.out)]
        with path.open("a") as file:
            file.writelines(json.dumps(row) + "\n" for row in new)
        rows += new
    print(*report(rows), sep="\n")


if __name__ == "__main__":
    main()
