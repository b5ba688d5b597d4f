"""Plots of a benchmark: AUC by epoch for all seeds, and scores of selected test videos."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from c2fpl.pipeline.benchmark.results import SeedResults
from c2fpl.pipeline.benchmark.truth import TestSegments
from c2fpl.pipeline.benchmark.variants import Variant
from c2fpl.pipeline.files.atomic import whole_file
from c2fpl.pipeline.report.curves import curve_of
from c2fpl.pipeline.report.video_figure import MOST_STEPS, SCORE_COLOUR, draw_windows, shown_name
from c2fpl.pipeline.truth.frame_runs import runs_of_ones

MOST_VIDEOS = 8
"""Supplementary Figure 9 has panels (a) to (h)."""
PAPER_COLOUR = "#e4572e"
DPI = 110


def draw_convergence(path: Path, done: Sequence[tuple[Variant, SeedResults]]) -> None:
    """Plot AUC by epoch, one panel per variant: thin lines for the seeds, a thick one for the mean.

    As supplementary Figure 10. The published figure is a dashed line, with its spread as a band.
    """
    trained = [(v, seeds) for v, seeds in done if v.labels != "p-values"]
    if not trained:
        return
    columns = min(2, len(trained))
    rows = math.ceil(len(trained) / columns)
    figure = Figure(figsize=(6.4 * columns, 4.0 * rows), dpi=DPI, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, (variant, seeds) in zip(panels, trained, strict=False):
        _converge(axes, variant, seeds)
    for axes in panels[len(trained) :]:
        axes.set_visible(False)
    _save(path, figure)


def draw_qualitative(
    path: Path, truth: TestSegments, scores: NDArray[np.float32], title: str
) -> None:
    """Plot the frame scores of selected test videos with shaded annotations.

    As supplementary Figure 9. Videos are selected by name, never by result: the first video of each
    class, then the second, and normal videos last.

    Args:
        path: the PNG.
        truth: the test set.
        scores: (segments of all test videos,) in the order of `truth`.
        title: variant and seed.
    """
    frames = truth.frame_scores(scores)
    names = chosen_videos(truth)
    columns = min(2, len(names))
    rows = math.ceil(len(names) / columns)
    figure = Figure(figsize=(6.4 * columns, 2.3 * rows), dpi=DPI, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    figure.suptitle(title, fontsize=10, parse_math=False)
    for axes, name in zip(panels, names, strict=False):
        _score_panel(axes, name, frames[name], truth.truth[name])
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    _save(path, figure)


def chosen_videos(truth: TestSegments) -> list[str]:
    """Select up to eight test videos, alternating between classes; one is normal if possible."""
    by_class: dict[tuple[str, ...], list[str]] = {}
    for name in sorted(truth.own_names):
        by_class.setdefault(truth.test_set.videos[name].classes, []).append(name)
    normal = by_class.pop(("Normal",), [])
    turns = max((len(names) for names in by_class.values()), default=0)
    anomalous = [
        names[turn]
        for turn in range(turns)
        for _, names in sorted(by_class.items())
        if turn < len(names)
    ]
    kept = anomalous[: MOST_VIDEOS - min(1, len(normal))]
    return [*kept, *normal[: MOST_VIDEOS - len(kept)]]


def _converge(axes: Axes, variant: Variant, seeds: SeedResults) -> None:
    epochs = seeds[0]["curve"]["epochs"]
    curves = np.array([one["curve"]["auc"] for one in seeds], float)  # None becomes nan
    marker = "o" if len(epochs) == 1 else ""
    for curve in curves:
        axes.plot(epochs, 100 * curve, color=SCORE_COLOUR, alpha=0.35, lw=0.9, marker=marker)
    mean, last = 100 * curves.mean(axis=0), 100 * curves[:, -1]
    spread = f" ± {last.std(ddof=1):.2f}" if len(last) > 1 else ""
    which = f"mean of {len(seeds)} seeds" if len(seeds) > 1 else f"seed {seeds[0]['seed']}"
    label = f"{which}, last epoch {last.mean():.2f}{spread}"
    axes.plot(epochs, mean, color=SCORE_COLOUR, lw=2.2, label=label, marker=marker)
    _mark_paper(axes, variant)
    axes.set_title(f"{variant.title} ({variant.method})", fontsize=10, parse_math=False)
    axes.set(xlabel="epoch", ylabel="AUC, %")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.tick_params(labelsize=8, labelbottom=True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False)


def _mark_paper(axes: Axes, variant: Variant) -> None:
    figure = variant.figure
    if figure is None or figure.metric != "auc":
        return
    spread = f" ± {100 * figure.std:.2f}" if figure.std else ""
    label = f"published {100 * figure.value:.2f}{spread}"
    axes.axhline(100 * figure.value, color=PAPER_COLOUR, lw=1.1, ls=(0, (4, 3)), label=label)
    if figure.std:
        low, high = 100 * (figure.value - figure.std), 100 * (figure.value + figure.std)
        axes.axhspan(low, high, color=PAPER_COLOUR, alpha=0.15, lw=0)


def _score_panel(
    axes: Axes, name: str, scores: NDArray[np.float32], truth: NDArray[np.uint8]
) -> None:
    """Draw float32 (frames,) scores over the shaded uint8 (frames,) truth of one video."""
    draw_windows(axes, runs_of_ones(truth))
    curve = curve_of(scores, MOST_STEPS)
    axes.stairs(curve.values, curve.edges, color=SCORE_COLOUR, fill=True, alpha=0.12)
    axes.stairs(curve.values, curve.edges, baseline=None, color=SCORE_COLOUR, lw=1.4)
    axes.set(xlim=(0, len(scores)), ylim=(0, 1.02))
    axes.set_title(shown_name(name), fontsize=9, parse_math=False)
    axes.set_xlabel("frame", fontsize=8)
    axes.set_ylabel("score", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _save(path: Path, figure: Figure) -> None:
    with whole_file(path) as file:
        figure.savefig(file, format="png")
