"""The benchmark command with the labels of `refined`, on made features."""

from pathlib import Path

import numpy as np
import pytest

from c2fpl.pipeline.files.run_files import load_table
from made_benchmarks import Json, benchmark_ucf, load_results, make_ucf


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipeline table of one seed."""
    folder = tmp_path_factory.mktemp("refined")
    options = ("--seeds", "1", "--method", "refined", "--table", "pipeline", "--eta", "0.5")
    benchmark_ucf(make_ucf(folder / "ucf"), folder / "out", *options)
    return folder / "out"


@pytest.fixture
def results(output: Path) -> Json:
    return load_results(output)


def test_it_is_not_measured_by_parts_of_the_other_methods(results: Json) -> None:
    assert [one["title"] for one in results["variants"]] == [
        "coarse labels, fine labels, detector",
        "coarse labels over whole videos, detector",
    ]
    assert {one["method"] for one in results["variants"]} == {"refined"}


def test_it_trains_on_probabilities(output: Path) -> None:
    rows = load_table(output / "labels" / "refined" / "labels.csv", ("label",))
    labels = np.array([float(row["label"]) for row in rows])
    assert 0 <= labels.min() < labels.max() <= 1
    assert len(np.unique(labels)) > 10


def test_the_figure_of_the_paper_stands_beside_it_as_what_there_is_to_beat(results: Json) -> None:
    full, whole = results["variants"]
    assert full["paper"]["auc"] == 0.8014
    assert whole["paper"]["auc"] is None


def test_both_figures_are_drawn_and_the_table_says_what_a_false_alarm_is(output: Path) -> None:
    assert (output / "convergence.png").read_bytes().startswith(b"\x89PNG")
    assert (output / "qualitative.png").read_bytes().startswith(b"\x89PNG")
    assert "a score of at least 0.5" in (output / "results.md").read_text()
