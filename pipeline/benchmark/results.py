"""Collect the results of a benchmark in results.json.

The keys `dataset, protocol, method, backbone, seeds, mean, std, interval95, paper` at the top level
describe the first variant (the method as published). `variants` lists an object with these keys and
`title` for every variant, including the first. Metrics are fractions in [0, 1], or null if they
are undefined.

- `seeds`: one object per training, last epoch: `seed, auc, ap, ap_trapezoid, auc_anomalous, far,
  auc_within_videos, auc_length_matched, recall_1_per_hour, recall_6_per_hour, epoch`.
- `references`, top level only: results of scores without a network on the same frames, each with
  `name, auc, auc_within_videos, auc_length_matched`.
- `mean`, `std` (ddof=1; null for one seed): over the seeds.
- `interval95`: 2.5th and 97.5th percentiles of AUC and AP over test sets bootstrapped from the test
  videos, pooled over all seeds: the uncertainty due to videos and seeds.
- `paper`: `auc` (or null), its `std`, `what` and `source`, and `others`, all published figures.
- `best_epoch`: the same for the epoch with the highest test AUC. It is chosen on the test set, so
  it is an upper bound and not a result.
- `curve`: `epochs`, and `auc` by epoch for each seed.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

import numpy as np

from c2fpl.pipeline.benchmark.benchmark_data import BenchmarkData
from c2fpl.pipeline.benchmark.plan import BenchmarkPlan
from c2fpl.pipeline.benchmark.seeds import METRICS
from c2fpl.pipeline.benchmark.truth import TestSegments
from c2fpl.pipeline.benchmark.variants import Variant, figures_of
from c2fpl.pipeline.evaluation.references import references_of
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.frame_runs import VideoRuns, video_runs

SeedResults = Sequence[Mapping[str, Any]]
"""Return values of `SeedRunner.run` for the seeds of a variant."""

CHOSEN_ON_TEST = "epoch chosen by test AUC: an upper bound, not a result"


def results_of(
    plan: BenchmarkPlan,
    data: BenchmarkData,
    truth: TestSegments,
    done: Sequence[tuple[Variant, SeedResults]],
) -> dict[str, Any]:
    """Content of results.json for the variants finished so far."""
    objects = [
        {
            "title": variant.title,
            **_object(plan, data, truth, variant, seeds),
            "best_epoch": _best(seeds),
            "curve": _curve(seeds),
        }
        for variant, seeds in done
    ]
    first = {name: value for name, value in objects[0].items() if name != "title"}
    notes = [note for _, seeds in done for one in seeds for note in one["notes"]]
    frames = sum(len(video) for video in truth.truth.values())
    return {
        **first,
        "table": plan.table,
        "train_videos": len(data.train.names),
        "test_videos": len(truth.own_names),
        "test_frames": frames,
        "anomalous_frames": int(sum(video.sum() for video in truth.truth.values())),
        "references": [vars(row) for row in references_of(_without_scores(truth))],
        "notes": list(dict.fromkeys([*data.notes, *truth.notes, *notes])),
        "variants": objects,
    }


def _without_scores(truth: TestSegments) -> list[VideoRuns]:
    return [video_runs(name, np.zeros(len(frames)), frames) for name, frames in truth.truth.items()]


def summary_of(rows: SeedResults) -> dict[str, dict[str, float | None]]:
    """`mean` and `std` of each metric over the seeds."""
    return {
        "mean": {name: _mean([row[name] for row in rows]) for name in METRICS},
        "std": {name: _std([row[name] for row in rows]) for name in METRICS},
    }


def _object(
    plan: BenchmarkPlan,
    data: BenchmarkData,
    truth: TestSegments,
    variant: Variant,
    seeds: SeedResults,
) -> dict[str, Any]:
    return {
        "dataset": plan.dataset,
        "protocol": truth.test_set.protocol,
        "method": variant.method,
        "backbone": data.backbone,
        "seeds": [_row(one) for one in seeds],
        **summary_of(seeds),
        "interval95": {name: _interval(seeds, name) for name in ("auc", "ap")},
        "paper": _paper(variant, plan.dataset),
    }


def _row(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one[name] for name in ("seed", *METRICS, "epoch")}


def _best(seeds: SeedResults) -> dict[str, Any] | None:
    rows = [one["best_epoch"] for one in seeds if one["best_epoch"] is not None]
    if not rows:
        return None
    return {"note": CHOSEN_ON_TEST, "seeds": rows, **summary_of(rows)}


def _curve(seeds: SeedResults) -> dict[str, Any]:
    return {
        "epochs": seeds[0]["curve"]["epochs"],
        "auc": [one["curve"]["auc"] for one in seeds],
    }


def _paper(variant: Variant, dataset: DatasetName) -> dict[str, Any]:
    figure = variant.figure
    return {
        "auc": figure.value if figure and figure.metric == "auc" else None,
        "std": figure.std if figure else None,
        "what": figure.what if figure else "no published figure known for this row",
        "source": figure.source if figure else None,
        "others": [vars(other) for other in figures_of(variant, dataset)],
    }


def _interval(seeds: SeedResults, name: str) -> list[float] | None:
    draws = [value for one in seeds for value in one["bootstrap"][name]]
    if not draws:
        return None
    low, high = np.percentile(draws, (2.5, 97.5))
    return [float(low), float(high)]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None


def _std(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return stdev(known) if len(known) > 1 and len(known) == len(values) else None
