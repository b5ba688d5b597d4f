"""Format results.json as Markdown: our results and the published figures with their sources."""

from collections.abc import Mapping, Sequence
from typing import Any

from c2fpl.pipeline.evaluation.tables import per_cent
from c2fpl.pipeline.truth.datasets import DATASETS

_TITLES = {
    "auc": "AUC",
    "ap": "AP",
    "ap_trapezoid": "AP (trapezoid)",
    "auc_anomalous": "AUC, anomalous videos",
    "far": "false alarms",
}
_YARDSTICKS = {
    "auc_within_videos": "AUC within videos",
    "auc_length_matched": "AUC, lengths matched",
    "recall_1_per_hour": "events found at 1 false alarm/h",
    "recall_6_per_hour": "at 6/h",
}
_TEXT = ("", "method", "what", "metric", "source")
"""Text columns, aligned left."""


def markdown_of(results: Mapping[str, Any]) -> str:
    """Content of results.md; fractions are shown in per cent."""
    title = DATASETS[results["dataset"]].title
    variants: Sequence[Mapping[str, Any]] = results["variants"]
    parts = [
        f"# {title}: {results['table']}",
        f"Protocol `{results['protocol']}`, features `{results['backbone']}`,"
        f" {results['train_videos']} training and {results['test_videos']} test videos,"
        f" {results['test_frames']} frames scored, {results['anomalous_frames']} of them anomalous."
        " Values are in per cent, for the last epoch: mean ± standard deviation over the seeds."
        " False alarms are frames of normal videos with a score of at least 0.5.",
        _main_table(variants),
        _yardstick_table(variants, results["references"]),
        _published_table(variants),
        _seeds_table(variants),
        _best_table(variants),
        _notes(results["notes"]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _main_table(variants: Sequence[Mapping[str, Any]]) -> str:
    header = (
        "",
        "method",
        "seeds",
        *_TITLES.values(),
        "AUC 95 % (test videos)",
        "published AUC",
        "source",
    )
    rows = []
    for one in variants:
        paper = one["paper"]
        rows.append(
            (
                one["title"],
                one["method"],
                str(len(one["seeds"])),
                *(_with_spread(one["mean"][name], one["std"][name]) for name in _TITLES),
                _range(one["interval95"]["auc"]),
                _with_spread(paper["auc"], paper["std"]),
                paper["source"] or paper["what"],
            )
        )
    return _table(header, rows)


def _yardstick_table(
    variants: Sequence[Mapping[str, Any]], references: Sequence[Mapping[str, Any]]
) -> str:
    names = ("auc", *_YARDSTICKS)
    ours = [
        (
            one["title"],
            one["method"],
            *(_with_spread(one["mean"][name], one["std"][name]) for name in names),
        )
        for one in variants
    ]
    rows = [
        (row["name"], "no network", *(per_cent(row.get(name)) for name in names))
        for row in references
    ]
    text = (
        "The pooled AUC can be high for a score that only depends on the length or label of a"
        " video. Such a score gains nothing within videos or at matched lengths. Definitions:"
        " docs/method.md."
    )
    header = ("", "method", "AUC", *_YARDSTICKS.values())
    return f"## Yardsticks\n\n{text}\n\n" + _table(header, [*ours, *rows])


def _published_table(variants: Sequence[Mapping[str, Any]]) -> str:
    figures = {
        (f["metric"], f["value"], f["what"]): f for one in variants for f in one["paper"]["others"]
    }
    rows = [
        (f["what"], _TITLES[f["metric"]], _with_spread(f["value"], f["std"]), f["source"])
        for f in figures.values()
    ]
    if not rows:
        return ""
    return "## Published\n\n" + _table(("what", "metric", "%", "source"), rows)


def _seeds_table(variants: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            one["title"],
            one["method"],
            str(row["seed"]),
            str(row["epoch"]),
            *(per_cent(row[name]) for name in _TITLES),
        )
        for one in variants
        for row in one["seeds"]
    ]
    return "## Every seed\n\n" + _table(("", "method", "seed", "epoch", *_TITLES.values()), rows)


def _best_table(variants: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            one["title"],
            one["method"],
            *(_with_spread(best["mean"][name], best["std"][name]) for name in _TITLES),
            " ".join(str(row["epoch"]) for row in best["seeds"]),
        )
        for one in variants
        if (best := one["best_epoch"]) is not None
    ]
    if not rows:
        return ""
    text = "The epoch with the highest test AUC of each seed: an upper bound, not a result."
    return f"## Best epoch\n\n{text}\n\n" + _table(
        ("", "method", *_TITLES.values(), "epochs"), rows
    )


def _notes(notes: Sequence[str]) -> str:
    return "## Notes\n\n" + "\n".join(f"- {note}" for note in notes) if notes else ""


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    aligned = [":--" if name in _TEXT else "--:" for name in header]
    lines = [header, aligned, *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _with_spread(fraction: float | None, std: float | None) -> str:
    return per_cent(fraction) + ("" if std is None else f" ± {per_cent(std)}")


def _range(interval: Sequence[float] | None) -> str:
    return "-" if interval is None else f"{per_cent(interval[0])} to {per_cent(interval[1])}"
