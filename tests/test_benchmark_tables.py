"""Tables of the benchmark command, and a run on real videos."""

from pathlib import Path

import pytest

from command_line import c2fpl
from made_benchmarks import (
    QUICK,
    benchmark_ucf,
    load_results,
    make_ucf,
)


@pytest.fixture(scope="module")
def ucf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ucf(tmp_path_factory.mktemp("ucf"))


def test_the_attention_table_has_the_rows_of_the_supplementary(ucf: Path, tmp_path: Path) -> None:
    results = benchmark_ucf(ucf, tmp_path, "--seeds", "1", "--table", "attention")
    rows = {one["title"]: one["paper"]["auc"] for one in results["variants"]}
    assert rows == {
        "residual, softmax over features": 0.806,
        "multiplicative, softmax over features": 0.635,
        "residual, softmax over the batch": 0.765,
        "no attention": None,
    }
    scores = {one["seeds"][0]["auc"] for one in results["variants"]}
    assert len(list((tmp_path / "segment-scores").iterdir())) == 4
    assert results["mean"] == results["variants"][0]["mean"]
    assert scores <= {one["mean"]["auc"] for one in results["variants"]}
    assert results["variants"][0]["std"]["auc"] is None


def test_two_methods_stand_side_by_side(ucf: Path, tmp_path: Path) -> None:
    results = benchmark_ucf(ucf, tmp_path, "--seeds", "1", "--method", "paper,released")
    assert [one["method"] for one in results["variants"]] == ["paper", "released"]
    assert results["method"] == "paper"
    assert {path.name for path in (tmp_path / "labels").iterdir()} == {"paper", "released"}


REAL_VIDEOS = (
    *("Anomaly-Videos/Assault/Assault018_x264.mp4", "Anomaly-Videos/Assault/Assault020_x264.mp4"),
    "Anomaly-Videos/RoadAccidents/RoadAccidents002_x264.mp4",
    "Training_Normal_Videos_Anomaly/Normal_Videos020_x264.mp4",
    "Testing_Normal_Videos_Anomaly/Normal_Videos_063_x264.mp4",
)
"""The shortest of the sample: three to train on, two to test."""


@pytest.fixture
def real_ucf(shared_data: Path, tmp_path: Path) -> Path:
    """A part of the sample of UCF-Crime in its own layout, with the lists of this part."""
    sample, part = shared_data / "ucf-crime-sample", tmp_path / "part"
    for name in REAL_VIDEOS:
        (part / name).parent.mkdir(parents=True, exist_ok=True)
        (part / name).symlink_to(sample / name)
    names = tuple(Path(name).stem for name in REAL_VIDEOS)
    for listing in sample.glob("*.txt"):
        lines = [line for line in listing.read_text().splitlines() if any(n in line for n in names)]
        (part / listing.name).write_text("\n".join(lines))
    return part


@pytest.mark.shared_data
@pytest.mark.slow
def test_real_videos_run_whole(real_ucf: Path, tmp_path: Path) -> None:
    rows = real_ucf / "Temporal_Anomaly_Annotation_for_Testing_Videos.txt"
    output = tmp_path / "out"
    options = ("--backbone", "flow", "--crops", "1", "--seeds", "2", *QUICK)
    given = ("--videos", real_ucf, "--annotations", rows, "-o", output, *options)
    assert c2fpl("benchmark", "ucf-crime", *given) == 0
    results = load_results(output)
    assert (results["train_videos"], results["test_videos"]) == (3, 2)
    assert results["backbone"] == "flow"
    assert results["protocol"] == "native"
    assert results["anomalous_frames"] == 60
    assert len(results["seeds"]) == 2
    assert any("not comparable" in note for note in results["notes"])
