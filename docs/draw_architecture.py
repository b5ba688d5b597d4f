"""Draw which folder imports which, counted in the code: docs/images/architecture.svg.

python docs/draw_architecture.py docs/images/architecture.svg
"""

import ast
import sys
from collections import Counter
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
ORDER = (
    *("api", "pipeline.cli", "pipeline", "pipeline.benchmark", "pipeline.evaluation"),
    *("pipeline.report", "pipeline.steps", "pipeline.features", "pipeline.extraction"),
    *("pipeline.truth", "pipeline.videos", "pipeline.settings", "pipeline.files"),
    *("models.detection", "models.labels", "models"),
    *("extractors", "extractors.encoding", "extractors.backbones"),
    *("extractors.decoding", "extractors.damage", "extractors.settings"),
)
"""Folders, and the two modules of settings; each imports only those after it."""
BASES = {"extractors.segments", "extractors.cores", "extractors.devices"}
"""Basic modules, counted with the settings."""
LOWEST = {"c2fpl.errors", "c2fpl.field_checks", "c2fpl.processor"}
"""Modules below all folders. They import no folder and are not drawn."""


def imports() -> Counter[tuple[str, str]]:
    """How many import statements lead from one folder to another."""
    found: Counter[tuple[str, str]] = Counter()
    for floor in ("api", "pipeline", "models", "extractors"):
        for path in (ROOT / floor).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            entry = "api" if floor == "api" else folder_of(name)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                module = (isinstance(node, ast.ImportFrom) and node.module) or ""
                if module.startswith("c2fpl") and module not in LOWEST:
                    found[entry, folder_of(module)] += 1
    return found


def folder_of(module: str) -> str:
    """The entry of ORDER that an installed module belongs to."""
    name = module.removeprefix("c2fpl").removeprefix(".")
    if name in BASES:
        return "extractors.settings"
    while name and name not in ORDER:
        name = name.rpartition(".")[0]
    return name or "api"


def draw(path: Path) -> None:
    """One row a folder, one column a folder that it imports."""
    mpl.rcParams["svg.hashsalt"] = "c2fpl"  # the same file for the same imports
    mpl.rcParams["svg.fonttype"] = "none"
    size = len(ORDER)
    figure = Figure(figsize=(8.5, 7.5), layout="constrained")
    axes = figure.subplots()
    for (start, end), count in sorted(imports().items()):
        row, column = ORDER.index(start), ORDER.index(end)
        shade = "#c9d6e6" if row == column else "#5b83b1" if row < column else "#c23b22"
        axes.scatter(column, row, s=14 * count**0.8 + 10, color=shade)
    axes.plot([-0.5, size - 0.5], [-0.5, size - 0.5], color="#bbbbbb", linewidth=0.8)
    axes.set_xticks(range(size), ORDER, rotation=90)
    axes.set_yticks(range(size), ORDER)
    axes.set_xlim(-0.6, size - 0.4)
    axes.set_ylim(size - 0.4, -0.6)
    axes.xaxis.tick_top()
    axes.grid(visible=True, color="#eeeeee")
    axes.set_axisbelow(True)
    axes.set_xlabel("… is imported by the row's folder; a larger dot means more import statements")
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
