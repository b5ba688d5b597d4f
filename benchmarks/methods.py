"""Frame AUC of the labelling methods on every real set: the whole table of docs/methods.md.

    python benchmarks/methods.py DATA [-o OUT] [--seeds 10] [--draws 20] [--processes 2]
                                 [--sets NAME ...] [--parts methods halves ablation]

DATA holds ucf-crime-c3d, ped2, ucf-crime-sample and weights. Labels are made of the training videos
without any annotation, a detector is trained on them for 20 epochs (the last one counts), and the
test frames are scored; the annotations are read for the AUC alone. Results are added to
OUT/results.jsonl as they come and never made twice, so it can be stopped and taken up again.
"""

import argparse
import hashlib
import json
import math
import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from method_sets import NAMES, RealSet, extract, load
from method_variants import METHODS, VARIANTS, Labels
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from c2fpl.models.detection.detector import segment_scores
from c2fpl.models.detection.scores import calibrated, smoothed
from c2fpl.models.detection.training import train
from c2fpl.models.labels.coarse import CannotSplit
from c2fpl.models.labels.fine import EmptyNullModel
from c2fpl.models.settings import TrainingSettings
from c2fpl.models.sources import ArraySource

ALL = -1  # draw: no video is dropped
OPTIONS: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "smoothed by 1 segment": lambda scores: smoothed(scores, 1),
    "smoothed by 2 segments": lambda scores: smoothed(scores, 2),
    "calibrated by half": lambda scores: calibrated(scores, 0.5),
    "calibrated in full": lambda scores: calibrated(scores, 1),
}


@dataclass(frozen=True)
class Job:
    """One detector."""

    name: str
    variant: str
    seed: int
    draw: int
    """Number of the half of the training videos, or ALL."""


@lru_cache(maxsize=1)
def loaded(name: str, data: Path, out: Path) -> RealSet:
    """A set, kept while its jobs last."""
    return load(name, data, out)


def kept(count: int, draw: int) -> NDArray[np.int64]:
    """The videos of a draw: half of them, in their order."""
    if draw == ALL:
        return np.arange(count)
    return np.sort(np.random.default_rng(draw).permutation(count)[: math.ceil(count / 2)])


@lru_cache(maxsize=4)
def labelled(name: str, variant: str, draw: int, data: Path, out: Path) -> Labels | None:
    """Labels of the kept videos; None where the method says that it cannot."""
    real = loaded(name, data, out)
    try:
        return VARIANTS[variant]([real.trained[v] for v in kept(len(real.trained), draw)])
    except (CannotSplit, EmptyNullModel):
        return None


def measured(job: Job, data: Path, out: Path) -> dict[str, Any]:
    """The AUC of one detector; for `refined` on all videos also after each score option."""
    torch.set_num_threads(1)
    real = loaded(job.name, data, out)
    labels = labelled(job.name, job.variant, job.draw, data, out)
    if labels is None:
        return {**asdict(job), "auc": None}
    videos = [real.trained[video] for video in kept(len(real.trained), job.draw)]
    settings = TrainingSettings(seed=job.seed)
    detector = train(ArraySource(videos), np.concatenate(labels), settings, device="cpu")
    scores = [segment_scores(detector, video) for video in real.tested]
    record: dict[str, Any] = {
        **asdict(job),
        "auc": auc(real, scores),
        "labels": hashlib.sha256(np.concatenate(labels).tobytes()).hexdigest()[:12],
        "share": float(np.concatenate(labels).mean()),
    }
    if job.variant == "refined" and job.draw == ALL:
        for option, change in OPTIONS.items():
            record[option] = auc(real, [change(one) for one in scores])
    return record


def auc(real: RealSet, scores: list[NDArray[np.float32]]) -> float:
    """ROC AUC over the frames of all tested videos together."""
    frames = [spread(one) for spread, one in zip(real.to_frames, scores, strict=True)]
    return float(roc_auc_score(np.concatenate(real.truths), np.concatenate(frames)))


def jobs(names: list[str], parts: list[str], seeds: int, draws: int) -> Iterator[Job]:
    """All of them, the sooner wanted first."""
    for name in names:
        if "methods" in parts:
            yield from (Job(name, m, seed, ALL) for m in METHODS for seed in range(seeds))
        if "halves" in parts:
            yield from (Job(name, m, draw, draw) for m in METHODS for draw in range(draws))
        if "ablation" in parts:
            others = [variant for variant in VARIANTS if variant not in METHODS]
            yield from (Job(name, v, seed, ALL) for v in others for seed in range(seeds))


def _measured(arguments: tuple[Job, Path, Path]) -> dict[str, Any]:
    return measured(*arguments)


def run(wanted: list[Job], data: Path, out: Path, processes: int) -> list[dict[str, Any]]:
    """The results of all jobs, those of earlier runs read from the file."""
    path = out / "results.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    done = {Job(*(one[k] for k in Job.__annotations__)): one for one in map(json.loads, lines)}
    missing = [(job, data, out) for job in wanted if job not in done]
    for name in dict.fromkeys(job.name for job, _, _ in missing):
        extract(name, data, out)
    with multiprocessing.get_context("spawn").Pool(processes) as pool, path.open("a") as file:
        for number, record in enumerate(pool.imap(_measured, missing, chunksize=1), 1):
            file.write(json.dumps(record) + "\n")
            file.flush()
            print(f"{number}/{len(missing)}", *list(record.values())[:5], flush=True)
            done[Job(*(record[k] for k in Job.__annotations__))] = record
    return [done[job] for job in wanted]


def table(results: list[dict[str, Any]], title: str, halves: bool) -> list[str]:
    """Rows of variants, columns of sets: mean ± standard deviation in percent (lowest, highest)."""
    chosen = [one for one in results if (one["draw"] != ALL) == halves]
    names = list(dict.fromkeys(one["name"] for one in chosen))
    rows = [f"| {title} | " + " | ".join(map(str, names)) + " |", "|---" * (len(names) + 1) + "|"]
    for variant in dict.fromkeys(one["variant"] for one in chosen):
        cells = []
        for name in names:
            own = [one for one in chosen if (one["name"], one["variant"]) == (name, variant)]
            cells.append(cell([one["auc"] for one in own], halves))
        rows.append(f"| {variant} | " + " | ".join(cells) + " |")
    return rows


def cell(values: list[float | None], spread: bool) -> str:
    """`80.1 ± 0.3 (n)`, or with the lowest and the highest; methods that gave up are counted."""
    known = 100 * np.array([value for value in values if value is not None], dtype=float)
    if len(known) == 0:
        return "none"
    text = f"{known.mean():.1f} ± {known.std(ddof=1) if len(known) > 1 else 0:.1f}"
    text += f" [{known.min():.1f}, {known.max():.1f}]" if spread else ""
    return text + (f", {len(values) - len(known)} gave up" if len(known) < len(values) else "")


def option_table(results: list[dict[str, Any]]) -> list[str]:
    """The score options of `refined`."""
    chosen = [one for one in results if OPTIONS.keys() <= one.keys()]
    every = [
        {**one, "variant": option, "auc": one["auc" if option == "none" else option]}
        for option in ("none", *OPTIONS)
        for one in chosen
    ]
    return table(every, "scores of refined", halves=False) if every else []


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("methods-benchmark"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=list(NAMES))
    parts = ("methods", "halves", "ablation")
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    wanted = list(jobs(options.sets, options.parts, options.seeds, options.draws))
    results = run(wanted, options.data, options.out, options.processes)
    for rows in (
        table(results, "frame AUC, all training videos", halves=False),
        table(results, "frame AUC, half of them [lowest, highest]", halves=True),
        option_table(results),
    ):
        print("", *rows, sep="\n")


if __name__ == "__main__":
    main()
