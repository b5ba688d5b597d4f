"""Measure what answers to a few events bring: the table of docs/methods.md, feedback.

    python benchmarks/feedback.py DATA [-o OUT] [--seeds 3] [--sets NAME ...]

DATA contains the sets of benchmarks/method_sets.py. Each set is treated as a user's own videos:
labelled with `refined`, trained, scored. A simulated person looks at the events of one half of the
test videos, highest score first, and confirms those with at least half of their frames annotated.
The detector is then trained again with 5, 20 and 50 answers, as `c2fpl train --feedback` does.
Measured on all test videos, and on the half where nobody looked. Each seed has its own halves.
Features are the means over crops. Results are appended to OUT/feedback.jsonl, so the benchmark can
be stopped and continued. If the default threshold gives too few events, lower ones are tried.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from method_sets import NAMES, RealSet, extract, load
from method_table import Arrays, measured
from numpy.typing import NDArray

from c2fpl.extractors.decoding.presentation_times import constant_times
from c2fpl.models.detection.training import train
from c2fpl.models.settings import LabelSettings, TrainingSettings
from c2fpl.pipeline.report.events import find_events
from c2fpl.pipeline.report.thresholds import choose_threshold, count_scores
from c2fpl.pipeline.settings import EventSettings
from c2fpl.pipeline.steps.make_labels import make_labels
from c2fpl.pipeline.steps.segment_scores import (
    is_relative,
    joined_with,
    segment_scores,
    training_source,
)
from c2fpl.pipeline.steps.train_detector import with_repeats
from c2fpl.pipeline.steps.update_labels import SegmentLabels

CLICKS = (5, 20, 50)
QUANTILES = (None, 0.9, 0.8, 0.7)
Scores = list[NDArray[np.float32]]


@dataclass(frozen=True)
class OwnVideos:
    """A data set as a user's own videos: all of them are trained on and scored."""

    real: RealSet
    """Test videos with their ground truth."""
    videos: Arrays
    """All videos, with one crop."""
    places: tuple[int, ...]
    """Number of each test video among all."""

    def measured(self, scores: Scores, tested: Sequence[int]) -> dict[str, float | None]:
        """AUC of some of the test videos, pooled and within videos."""
        chosen = {
            name: tuple(getattr(self.real, name)[number] for number in tested)
            for name in ("tested", "truths", "to_frames")
        }
        found = measured(replace(self.real, **chosen), [scores[self.places[i]] for i in tested])
        return {"auc": found["auc"], "within": found["auc_within_videos"]}


@dataclass(frozen=True)
class Click:
    """One answer: the segments of an event in a video, and whether it is confirmed."""

    place: int
    segments: NDArray[np.int64]
    keep: bool


def own_videos(name: str, data: Path, out: Path) -> OwnVideos:
    """Load a set; of ucf-crime-c3d only the test videos, whose training videos are many."""
    extract(name, data, out)
    real = load(name, data, out)
    trained = real.tested if name == "ucf-crime-c3d" else real.trained
    places = [
        next(i for i, video in enumerate(trained) if np.array_equal(video, tested))
        for tested in real.tested
    ]
    means = [video.mean(axis=1, keepdims=True) for video in trained]
    return OwnVideos(real, Arrays(means), tuple(places))


def trained_scores(own: OwnVideos, labels: SegmentLabels, seed: int) -> Scores:
    """Train on the labels, and score all videos."""
    settings = TrainingSettings(seed=seed)
    relative = is_relative(settings, labels.evidence)
    source, targets = with_repeats(training_source(own.videos, relative=relative), labels)
    detector = train(source, targets, settings, device="cpu")
    assert labels.evidence is not None
    joined = joined_with(labels.evidence, [detector], own.videos, relative=relative)
    return [
        segment_scores([detector], joined, own.videos, name, relative=relative)[0]
        for name in own.videos.names
    ]


def clicks(own: OwnVideos, scores: Scores, looked_at: Sequence[int], most: int) -> list[Click]:
    """Answers to the events of some test videos, highest score first."""
    frames = {i: own.real.to_frames[i](scores[own.places[i]]) for i in looked_at}
    counts = count_scores(frames.values())
    events: list[tuple[float, int, int, int]] = []
    for quantile in QUANTILES:
        threshold = choose_threshold(counts, quantile=quantile)
        events = [
            (-float(track[start:end].max()), number, start, end)
            for number, track in frames.items()
            for start, end in find_events(
                track, constant_times(len(track), own.real.frame_rate), threshold, EventSettings()
            )
        ]
        if len(events) >= most:
            break
    return [answer(own, scores, *event[1:]) for event in sorted(events)[:most]]


def answer(own: OwnVideos, scores: Scores, number: int, start: int, end: int) -> Click:
    """The answer of a person who knows the ground truth."""
    place = own.places[number]
    count = len(scores[place])
    segments = own.real.to_frames[number](np.arange(count, dtype=np.float32)).astype(int)
    inside = np.bincount(segments[start:end], minlength=count)
    chosen = np.flatnonzero(2 * inside >= np.maximum(np.bincount(segments, minlength=count), 1))
    return Click(place, chosen, bool(own.real.truths[number][start:end].mean() >= 0.5))


def with_clicks(labels: SegmentLabels, given: Sequence[Click]) -> SegmentLabels:
    """Labels with the answers."""
    values = [video.copy() for video in labels.values]
    answered = [np.zeros(len(video), dtype=bool) for video in values]
    for click in given:
        values[click.place][click.segments] = click.keep
        answered[click.place][click.segments] = True
    return replace(labels, values=tuple(values), answered=tuple(answered))


def one_seed(own: OwnVideos, labels: SegmentLabels, seed: int) -> list[dict[str, Any]]:
    """Rows of one seed: without answers, and with 5, 20 and 50."""
    order = np.random.default_rng(seed).permutation(len(own.places))
    looked_at, unseen = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    plain = trained_scores(own, labels, seed)
    rows, known = [], {0: plain}
    for wanted in (0, *CLICKS):
        given = clicks(own, plain, looked_at, wanted) if wanted else []
        if len(given) not in known:
            known[len(given)] = trained_scores(own, with_clicks(labels, given), seed)
        scores = known[len(given)]
        rows.append(
            {
                **{"clicks": wanted, "given": len(given), "kept": sum(c.keep for c in given)},
                "unseen": own.measured(scores, unseen.tolist()),
                "all": own.measured(scores, range(len(own.places))),
            }
        )
    return rows


def table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Markdown: change of the AUC by the answers, mean over seeds, in points."""
    header = "| set | seeds | clicks | confirmed | unseen: pooled | within | all: pooled | within |"
    lines = [header, "|---" * 8 + "|"]
    for name in dict.fromkeys(row["set"] for row in rows):
        for wanted in CLICKS:
            chosen = [row for row in rows if (row["set"], row["clicks"]) == (name, wanted)]
            before = {row["seed"]: row for row in rows if (row["set"], row["clicks"]) == (name, 0)}
            cells = [
                change([(row[part][what], before[row["seed"]][part][what]) for row in chosen])
                for part in ("unseen", "all")
                for what in ("auc", "within")
            ]
            given, kept = (np.mean([row[key] for row in chosen]) for key in ("given", "kept"))
            lines.append(
                f"| {name} | {len(chosen)} | {given:.0f} | {kept:.0f} | {' | '.join(cells)} |"
            )
    return list(dict.fromkeys(lines))  # sets with too few events give a row twice


def change(pairs: Sequence[tuple[float | None, float | None]]) -> str:
    """Mean before, and mean change with its standard deviation, in points."""
    known = np.array([(a, b) for a, b in pairs if a is not None and b is not None]) * 100
    if not len(known):
        return "-"
    gains = known[:, 0] - known[:, 1]
    spread = f" ± {gains.std(ddof=1):.1f}" if len(gains) > 1 else ""
    return f"{known[:, 1].mean():.1f} {gains.mean():+.1f}{spread}"


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("method-table"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sets", nargs="+", choices=NAMES, default=list(NAMES))
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "feedback.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    done = {(row["set"], row["seed"]) for row in rows}
    for seed in range(options.seeds):
        for name in options.sets:
            if (name, seed) in done:
                continue
            own = own_videos(name, options.data, options.out)
            made = make_labels(own.videos, LabelSettings(method="refined"), quiet=True)
            labels = SegmentLabels(own.videos.names, made.labels, "", made.evidence)
            new = [{"set": name, "seed": seed, **row} for row in one_seed(own, labels, seed)]
            with path.open("a") as file:
                file.writelines(json.dumps(row) + "\n" for row in new)
            rows += new
            print(name, seed, flush=True)
    print(*table(rows), sep="\n")


if __name__ == "__main__":
    main()
