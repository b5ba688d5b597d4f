"""A published vector of ground truth in a benchmark: used as truth, compared with the intervals."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from command_line import c2fpl
from made_benchmarks import QUICK, UCF_ROWS, benchmark_ucf, make_ucf

ONE_SEED = ("--seeds", "1", "--no-curve")
SCORES = "segment-scores/paper-full-residual-feature/seed-0.npy"


@pytest.fixture(scope="module")
def ucf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ucf(tmp_path_factory.mktemp("ucf"))


@pytest.fixture
def by_intervals(ucf: Path) -> NDArray[np.float64]:
    """Frame labels of the test videos in list order, 16 frames a segment."""
    parts = []
    for line in (ucf / UCF_ROWS).read_text().splitlines():
        name, _, start, end, *_ = line.split()
        features = ucf / "UCF_Test_ten_crop_i3d" / f"{name.removesuffix('.mp4')}_i3d.npy"
        frames = np.zeros(16 * len(np.load(features)))
        if int(start) >= 0:
            frames[int(start) : int(end) + 1] = 1
        parts.append(frames)
    return np.concatenate(parts)


def test_the_metrics_are_those_of_the_vector_and_the_difference_is_noted(
    ucf: Path, by_intervals: NDArray[np.float64], tmp_path: Path
) -> None:
    vector = by_intervals.copy()
    vector[np.flatnonzero(vector)[:5]] = 0
    np.save(tmp_path / "gt.npy", vector)
    output = tmp_path / "out"
    results = benchmark_ucf(ucf, output, *ONE_SEED, "--ground-truth", tmp_path / "gt.npy")
    scores = np.repeat(np.load(output / SCORES)[-1], 16)
    auc = roc_auc_score(vector, scores)
    assert results["seeds"][0]["auc"] == pytest.approx(auc)
    assert results["anomalous_frames"] == vector.sum()
    assert any("differs from the intervals in 5 frames" in note for note in results["notes"])


def test_a_vector_equal_to_the_intervals_changes_nothing(
    ucf: Path, by_intervals: NDArray[np.float64], tmp_path: Path
) -> None:
    np.save(tmp_path / "gt.npy", by_intervals)
    without = benchmark_ucf(ucf, tmp_path / "out", *ONE_SEED)
    given = benchmark_ucf(ucf, tmp_path / "out", *ONE_SEED, "--ground-truth", tmp_path / "gt.npy")
    notes = given.pop("notes")
    assert "gt.npy equals the intervals in every frame" in notes
    assert given == {key: value for key, value in without.items() if key != "notes"}


def test_a_vector_of_another_length_is_refused_with_both_lengths(
    ucf: Path,
    by_intervals: NDArray[np.float64],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    np.save(tmp_path / "gt.npy", by_intervals[:-16])
    annotated = ("--features", ucf, "--annotations", ucf / UCF_ROWS)
    given = (*annotated, "--ground-truth", tmp_path / "gt.npy")
    assert c2fpl("benchmark", "ucf-crime", *given, "-o", tmp_path / "out", *QUICK) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"has {len(by_intervals) - 16} frames" in line
    assert f"have {len(by_intervals)}" in line
