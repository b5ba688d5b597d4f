"""Measure every method and baseline on every real data set: the table of docs/methods.md.

    python benchmarks/method_table.py DATA [-o OUT] [--seeds 10] [--sets NAME ...]
                                      [--methods paper released refined]

DATA contains the sets of benchmarks/method_sets.py and `weights`. Each method labels the training
videos, trains a detector for 20 epochs (the last one is used) and scores the test frames, with the
functions of the command line. Annotations are used only for measuring. Features are extracted once
to OUT. Results are appended to OUT/results.jsonl, so the benchmark can be stopped and continued.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from method_references import REFERENCES
from method_sets import NAMES, RealSet, extract, load
from numpy.typing import NDArray

from c2fpl.errors import CannotLabel
from c2fpl.models.detection.training import train
from c2fpl.models.settings import LabelSettings, Method, TrainingSettings
from c2fpl.models.sources import ArraySource
from c2fpl.pipeline.evaluation.metrics import roc_auc
from c2fpl.pipeline.evaluation.yardsticks import measure_yardsticks
from c2fpl.pipeline.steps.make_labels import MadeLabels, make_labels
from c2fpl.pipeline.steps.segment_scores import (
    is_relative,
    joined_with,
    segment_scores,
    training_source,
)
from c2fpl.pipeline.truth.frame_runs import pooled, video_runs

METHODS: tuple[Method, ...] = ("paper", "released", "refined")
COLUMNS = {
    "auc": "pooled",
    "auc_within_videos": "within",
    "auc_length_matched": "matched",
    "recall_1_per_hour": "1/h",
    "recall_6_per_hour": "6/h",
}


@dataclass(frozen=True)
class Arrays:
    """Videos in memory, named by number, with the interface the pipeline steps expect."""

    videos: Sequence[NDArray[np.float32]]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the videos."""
        return tuple(map(str, range(len(self.videos))))

    def chunks(self, name: str) -> Iterator[NDArray[np.float32]]:
        """Yield the whole video as one chunk."""
        yield self.videos[int(name)]

    def segment_count(self, name: str) -> int:
        """Number of segments of the video."""
        return len(self.videos[int(name)])

    def source(self) -> ArraySource:
        """The segments as a training source."""
        return ArraySource(self.videos)


@lru_cache(maxsize=1)
def loaded(name: str, data: Path, out: Path) -> RealSet:
    """Extract and load a set; the latest one is cached."""
    extract(name, data, out)
    return load(name, data, out)


@lru_cache(maxsize=1)
def labelled(name: str, method: Method, data: Path, out: Path) -> MadeLabels:
    """The labels of a method, which all seeds share."""
    trained = Arrays(loaded(name, data, out).trained)
    return make_labels(trained, LabelSettings(method=method), quiet=True)


def measured(real: RealSet, scores: Sequence[NDArray[Any]]) -> dict[str, float | None]:
    """All measures, from the (segments,) scores of each test video."""
    parts = zip(real.to_frames, scores, real.truths, strict=True)
    videos = [
        video_runs("", spread(np.asarray(one, np.float64)), truth.astype(np.uint8))
        for spread, one, truth in parts
    ]
    return {"auc": roc_auc(pooled(videos)), **vars(measure_yardsticks(videos, real.frame_rate))}


def by_method(name: str, method: Method, seed: int, data: Path, out: Path) -> dict[str, Any]:
    """Measure one method with one seed; empty if the method cannot label the set."""
    started = time.perf_counter()
    real = loaded(name, data, out)
    try:
        made = labelled(name, method, data, out)
    except CannotLabel:
        return {}
    trained, tested = Arrays(real.trained), Arrays(real.tested)
    settings = TrainingSettings(seed=seed)
    relative = is_relative(settings, made.evidence)
    source = training_source(trained, relative=relative)
    detector = train(source, np.concatenate(made.labels), settings, device="cpu")
    joined = []
    if made.evidence is not None:
        joined = joined_with(made.evidence, [detector], trained, relative=relative)
    scores = [
        segment_scores([detector], joined, tested, one, relative=relative)[0]
        for one in tested.names
    ]
    return {**measured(real, scores), "seconds": round(time.perf_counter() - started, 1)}


def row_of(name: str, what: str, seed: int, data: Path, out: Path) -> dict[str, Any]:
    """One row of results.jsonl."""
    if what in METHODS:
        found = by_method(name, what, seed, data, out)
    else:
        real = loaded(name, data, out)
        found = measured(real, REFERENCES[what](real))
    return {"set": name, "what": what, "seed": seed, **found}


def run(wanted: Sequence[tuple[str, str, int]], data: Path, out: Path) -> list[dict[str, Any]]:
    """Compute the rows that results.jsonl does not contain yet, and return all."""
    path = out / "results.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    done = {(row["set"], row["what"], row["seed"]): row for row in map(json.loads, lines)}
    with path.open("a") as file:
        for key in wanted:
            if key not in done:
                done[key] = row_of(*key, data, out)
                file.write(json.dumps(done[key]) + "\n")
                file.flush()
                print(*list(done[key].values()), flush=True)
    return [done[key] for key in wanted]


def table(rows: Sequence[dict[str, Any]], name: str) -> list[str]:
    """Markdown table of one set: mean ± standard deviation over the seeds, in percent."""
    lines = [f"| {name} | " + " | ".join(COLUMNS.values()) + " | seeds |"]
    lines.append("|---" * (len(COLUMNS) + 2) + "|")
    for what in (*METHODS, *REFERENCES):
        own = [row for row in rows if row["what"] == what]
        if own:
            cells = [cell([row.get(column) for row in own]) for column in COLUMNS]
            seeds = str(len(own)) if what in METHODS else "-"
            lines.append(f"| {what} | " + " | ".join([*cells, seeds]) + " |")
    return lines


def cell(values: Sequence[float | None]) -> str:
    """Format values as `80.1 ± 0.3`, or `-` if there are none."""
    known = 100 * np.array([value for value in values if value is not None])
    if len(known) == 0:
        return "-"
    return f"{known.mean():.1f}" + (f" ± {known.std(ddof=1):.1f}" if len(known) > 1 else "")


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("method-table"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=list(METHODS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.sets:
        keys = [(name, what, 0) for what in REFERENCES]
        keys += [(name, what, seed) for what in options.methods for seed in range(options.seeds)]
        print("", *table(run(keys, options.data, options.out), name), sep="\n", flush=True)


if __name__ == "__main__":
    main()
