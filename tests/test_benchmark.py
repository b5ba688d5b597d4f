"""The benchmark command on made features: numbers, seeds, resume, tables, what is missing."""

import shutil
import subprocess
import sys
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import pytest

from made_benchmarks import (
    UCF_ROWS,
    Json,
    benchmark_ucf,
    load_results,
    make_ucf,
)
from plain_metrics import plain_figures

YARDSTICKS = (
    *("auc_within_videos", "auc_length_matched"),
    *("recall_1_per_hour", "recall_6_per_hour"),
)
METRICS = ("auc", "ap", "ap_trapezoid", "auc_anomalous", "far", *YARDSTICKS)
STATED_KEYS = ("dataset", "protocol", "method", "backbone", "seeds", "mean", "std", "interval95")
FULL = "paper-full-residual-feature"


def stored_scores(output: Path, variant: str = FULL) -> dict[str, bytes]:
    return {p.stem: p.read_bytes() for p in (output / "segment-scores" / variant).glob("*.npy")}


def times_of_change(output: Path, pattern: str) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in output.rglob(pattern)}


@pytest.fixture(scope="module")
def ucf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ucf(tmp_path_factory.mktemp("ucf"))


@pytest.fixture(scope="module")
def finished(ucf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds on the made UCF-Crime."""
    output = tmp_path_factory.mktemp("finished")
    benchmark_ucf(ucf, output, "--seeds", "2")
    return output


@pytest.fixture
def results(finished: Path) -> Json:
    return load_results(finished)


def test_results_have_the_stated_keys_at_the_top_and_in_every_variant(results: Json) -> None:
    for one in (results, *results["variants"]):
        assert set(STATED_KEYS) | {"paper"} <= set(one)
        assert [set(row) for row in one["seeds"]] == [{"seed", *METRICS, "epoch"}] * 2
    assert results["dataset"] == "ucf-crime"
    assert results["protocol"] == "rtfm"
    assert results["method"] == "paper"
    assert results["backbone"] == "published"
    assert [row["seed"] for row in results["seeds"]] == [0, 1]


def test_scores_without_a_network_stand_beside_the_results(finished: Path, results: Json) -> None:
    rows = {row["name"]: row for row in results["references"]}
    assert rows["perfect video label"]["auc"] >= 0.5
    assert rows["minus the video's length"]["auc_within_videos"] == 0.5
    page = (finished / "results.md").read_text()
    assert "## Yardsticks" in page
    assert "| minus the video's length | no network |" in page


def test_means_and_deviations_are_those_of_the_seeds_and_fractions(results: Json) -> None:
    for name in METRICS:
        values = [row[name] for row in results["seeds"]]
        assert all(0 <= value <= 1 for value in values)
        assert results["mean"][name] == pytest.approx(mean(values))
        assert results["std"][name] == pytest.approx(stdev(values))
    low, high = results["interval95"]["auc"]
    assert 0 <= low <= results["mean"]["auc"] <= high <= 1


def test_the_metrics_are_those_of_scikit_learn_on_frames_built_by_hand(
    ucf: Path, finished: Path, results: Json
) -> None:
    rows = [line.split() for line in (ucf / UCF_ROWS).read_text().splitlines()]
    truth, anomalous = [], []
    for name, _, start, end, *_ in rows:
        features = ucf / "UCF_Test_ten_crop_i3d" / f"{name.removesuffix('.mp4')}_i3d.npy"
        frames = np.zeros(16 * len(np.load(features)))
        if int(start) >= 0:
            frames[int(start) : int(end) + 1] = 1
        truth.append(frames)
        anomalous.append(np.full(len(frames), frames.any()))
    labels, inside = np.concatenate(truth), np.concatenate(anomalous)
    for row in results["seeds"]:
        path = finished / "segment-scores" / FULL / f"seed-{row['seed']}.npy"
        scored = np.repeat(np.load(path)[-1], 16).astype(np.float32)
        assert {name: row[name] for name in METRICS[:5]} == pytest.approx(
            plain_figures(labels, scored, inside)
        )
    assert results["test_frames"] == len(labels)
    assert results["anomalous_frames"] == labels.sum()


def test_the_last_epoch_counts_and_the_best_one_is_an_extra_with_a_label(results: Json) -> None:
    for row, curve, best in zip(
        results["seeds"], results["curve"]["auc"], results["best_epoch"]["seeds"], strict=True
    ):
        assert row["epoch"] == 3
        assert row["auc"] == curve[-1]
        assert best["auc"] == max(curve)
    assert "not a result" in results["best_epoch"]["note"]
    assert results["curve"]["epochs"] == [1, 2, 3]


def test_the_paper_stands_beside_with_its_source(finished: Path, results: Json) -> None:
    assert results["paper"]["auc"] == 0.8014
    assert results["paper"]["std"] == 0.0031
    assert "supplementary C" in results["paper"]["source"]
    page = (finished / "results.md").read_text()
    assert "80.14 ± 0.31" in page
    assert "76.96" in page
    assert f"{100 * results['mean']['auc']:.2f} ± " in page


def test_labels_are_made_of_training_videos_alone(finished: Path, ucf: Path) -> None:
    labelled = {
        line.split(",")[0]
        for line in (finished / "labels" / "paper" / "videos.csv").read_text().splitlines()[1:]
    }
    listed = (ucf / "Anomaly_Train.txt").read_text().split()
    assert labelled == {entry.split("/")[1].removesuffix(".mp4") for entry in listed}


def test_both_figures_are_drawn(finished: Path) -> None:
    for name in ("convergence.png", "qualitative.png"):
        assert (finished / name).read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_gives_the_same_bytes(
    ucf: Path, finished: Path, results: Json, tmp_path: Path
) -> None:
    again = benchmark_ucf(ucf, tmp_path, "--seeds", "2")
    assert stored_scores(tmp_path) == stored_scores(finished)
    assert again == results


def test_ten_seeds_differ(ucf: Path, tmp_path: Path) -> None:
    results = benchmark_ucf(ucf, tmp_path, "--seeds", "10", "--no-curve")
    assert len(set(stored_scores(tmp_path).values())) == 10
    assert [row["seed"] for row in results["seeds"]] == list(range(10))
    assert results["best_epoch"] is None


def test_a_finished_benchmark_is_only_read_and_more_seeds_are_only_added(
    ucf: Path, finished: Path, results: Json, tmp_path: Path
) -> None:
    output = shutil.copytree(finished, tmp_path / "out")
    before = times_of_change(output, "seed-*")
    more = benchmark_ucf(ucf, output, "--seeds", "3")
    after = times_of_change(output, "seed-*")
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) * 3 // 2
    assert more["seeds"][:2] == results["seeds"]


def test_another_protocol_measures_again_and_trains_nothing(
    ucf: Path, finished: Path, results: Json, tmp_path: Path
) -> None:
    output = shutil.copytree(finished, tmp_path / "out")
    before = times_of_change(output, "*.npy")
    options = ("--protocol", "native", "--frame-counts", ucf / "ucf_test.csv")
    native = benchmark_ucf(ucf, output, "--seeds", "2", *options)
    assert times_of_change(output, "*.npy") == before
    rows = [line.split() for line in (ucf / UCF_ROWS).read_text().splitlines()]
    assert native["anomalous_frames"] == sum(int(row[3]) - int(row[2]) for row in rows)
    assert results["anomalous_frames"] > native["anomalous_frames"]  # there the end is included
    assert native["protocol"] == "native"


def test_another_beta_labels_and_trains_again(ucf: Path, finished: Path, tmp_path: Path) -> None:
    output = shutil.copytree(finished, tmp_path / "out")
    benchmark_ucf(ucf, output, "--seeds", "2", "--beta", "0.5")
    assert not set(stored_scores(output).values()) & set(stored_scores(finished).values())


def test_killed_it_goes_on_at_the_seed_it_was_in_and_gives_the_same_numbers(
    ucf: Path, finished: Path, results: Json, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    command = [sys.executable, "-m", "c2fpl", "benchmark", "ucf-crime"]
    command += ["--features", str(ucf), "--annotations", str(ucf / UCF_ROWS), "-o", str(output)]
    command += ["--device", "cpu", "--epochs", "3", "--epoch-steps", "1", "--seeds", "20000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        next(line for line in run.stderr if f"{FULL}, seed 0: AUC" in line)
        run.kill()
    first = output / "seeds" / FULL / "seed-0.json"
    assert first.exists()
    assert not (output / "results.json").exists()
    kept = first.stat().st_mtime_ns
    assert benchmark_ucf(ucf, output, "--seeds", "2") == results
    assert first.stat().st_mtime_ns == kept
    assert stored_scores(output)["seed-1"] == stored_scores(finished)["seed-1"]


def test_the_pipeline_table_takes_the_parts_away_one_by_one(
    ucf: Path, finished: Path, results: Json, tmp_path: Path
) -> None:
    output = shutil.copytree(finished, tmp_path / "out")
    table = benchmark_ucf(ucf, output, "--seeds", "2", "--table", "pipeline")
    full, random, whole, p_values = table["variants"]
    assert full["seeds"] == results["seeds"]
    assert len(random["seeds"]) == len(whole["seeds"]) == 2
    assert [row["epoch"] for row in p_values["seeds"]] == [0]
    assert p_values["mean"]["auc"] > 0.9  # made events are larger than anything normal
    assert [one["paper"]["auc"] for one in (random, whole, p_values)] == [None] * 3
