"""The whole line on small videos: files, counts, resume, failures that cost only themselves."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from c2fpl.pipeline.demo_videos import plan_videos, write_videos
from command_line import c2fpl

pytestmark = pytest.mark.usefixtures("without_plots")
EXTRACT = ("--backbone", "flow", "--crops", "1", "--device", "cpu", "--quiet")
TRAIN = ("--epochs", "2", "--epoch-steps", "1")
FLOW = (*EXTRACT, *TRAIN, "--method", "paper")
LENGTHS = (52, 42, 60, 32, 49, 55)


def contents(folder: Path, pattern: str) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob(pattern)}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six videos of known length, two of them with a brawl."""
    folder = tmp_path_factory.mktemp("scene") / "videos"
    plans = [
        replace(plan, frame_count=count, anomaly=(16, 32) if plan.anomaly else None)
        for plan, count in zip(plan_videos(count=6, seed=5), LENGTHS, strict=True)
    ]
    write_videos(plans, folder)
    return folder


@pytest.fixture(scope="module")
def finished(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over them."""
    run = tmp_path_factory.mktemp("run")
    assert c2fpl("run", videos, "-o", run, *FLOW, "--format", "npy,csv") == 0
    return run


def test_every_video_has_one_score_a_decoded_frame(videos: Path, finished: Path) -> None:
    names = sorted(path.stem for path in videos.iterdir())
    scores = {p.stem: np.load(p) for p in (finished / "scores").glob("*.npy")}
    assert sorted(scores) == names
    for name, count in zip(names, (52, 60, 49, 42, 32, 55), strict=True):
        assert scores[name].shape == (count,)
        assert scores[name].dtype == np.float32
        assert np.isfinite(scores[name]).all()
        assert scores[name].min() >= 0
        assert scores[name].max() <= 1


def test_the_files_of_the_design_are_there(finished: Path) -> None:
    expected = {"detector.pt", "events.csv", "run.json", "labels", "features", "scores", "plots"}
    assert expected <= {path.name for path in finished.iterdir()}
    assert (finished / "report" / "index.html").exists()
    assert not (finished / "failed.csv").exists()
    record = json.loads((finished / "features" / "hall00.json").read_text())
    assert record["num_frames_decoded"] == 52
    assert record["segments"] == 4
    assert record["backbone"] == "flow"
    assert np.load(finished / "features" / "hall00.npy").shape == (4, 1, record["dim"])


def test_the_score_table_repeats_the_array_with_times(finished: Path) -> None:
    rows = table(finished / "scores" / "hall00.csv")
    scores = np.load(finished / "scores" / "hall00.npy")
    assert [int(row["frame"]) for row in rows] == list(range(52))
    assert float(rows[50]["time_s"]) == 2.0
    np.testing.assert_allclose([float(row["score"]) for row in rows], scores, atol=5e-7)


def test_labels_name_every_segment_with_its_frames(finished: Path) -> None:
    rows = [row for row in table(finished / "labels" / "labels.csv") if row["video"] == "hall04"]
    frames = [(int(row["start_frame"]), int(row["end_frame"])) for row in rows]
    assert frames == [(0, 16), (16, 32), (32, 48), (48, 49)]


def test_run_json_says_versions_settings_and_seconds(finished: Path) -> None:
    record = json.loads((finished / "run.json").read_text())["run"]
    assert record["exit_code"] == 0
    assert record["settings"]["extraction"]["backbone"] == "flow"
    stages = {"extract", "label", "train", "score", "report"}
    assert record["seconds"].keys() == {*stages, "total"}
    assert all(seconds > 0 for seconds in record["seconds"].values())
    parts_s = sum(record["seconds"][stage] for stage in stages)
    assert parts_s <= record["seconds"]["total"] + 0.01  # they do not overlap
    assert record["versions"]["torch"]
    (process,) = record["extraction"]["processes"]
    assert process["limit"] in ("decode", "network", "write")
    assert process["decode"] > 0


def test_a_second_run_does_nothing_and_changes_nothing(videos: Path, finished: Path) -> None:
    before = contents(finished, "*.npy") | contents(finished, "*.pt") | contents(finished, "*.json")
    times = {p: p.stat().st_mtime_ns for p in finished.rglob("*.npy")}
    assert c2fpl("run", videos, "-o", finished, *FLOW, "--format", "npy,csv") == 0
    after = contents(finished, "*.npy") | contents(finished, "*.pt") | contents(finished, "*.json")
    changed = {str(p) for p in before if before[p] != after[p]}
    assert {p for p in changed if "report" not in p} <= {"run.json"}
    assert times == {p: p.stat().st_mtime_ns for p in finished.rglob("*.npy")}


def test_a_changed_label_setting_leaves_the_features(
    videos: Path, finished: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    features = {p: p.stat().st_mtime_ns for p in (run / "features").rglob("[!.]*")}
    assert c2fpl("run", videos, "-o", run, *FLOW, "--beta", "0.4") == 0
    assert features == {p: p.stat().st_mtime_ns for p in (run / "features").rglob("[!.]*")}
    before, after = (table(f / "labels" / "labels.csv") for f in (finished, run))
    assert sum(float(r["label"]) for r in after) > sum(float(r["label"]) for r in before)
    assert (run / "detector.pt").read_bytes() != (finished / "detector.pt").read_bytes()


def test_the_steps_one_by_one_give_the_same_bytes_as_run(
    videos: Path, finished: Path, tmp_path: Path
) -> None:
    features, labels, scores = (tmp_path / part for part in ("features", "labels", "scores"))
    assert c2fpl("extract", videos, "-o", features, *EXTRACT) == 0
    assert c2fpl("label", features, "-o", labels, "--quiet") == 0
    detector = tmp_path / "d.pt"
    arguments = ("--labels", labels, "-o", detector, "--device", "cpu", "--quiet", *TRAIN)
    assert c2fpl("train", features, *arguments) == 0
    assert c2fpl("score", features, "--detector", detector, "-o", scores, "--quiet") == 0
    assert contents(scores, "*.npy") == contents(finished / "scores", "*.npy")
    assert contents(features, "*.npy") == contents(finished / "features", "*.npy")


def test_a_trained_detector_scores_new_videos(videos: Path, finished: Path, tmp_path: Path) -> None:
    out = tmp_path / "new"
    arguments = ("--detector", finished / "detector.pt", "-o", out, "--device", "cpu", "--quiet")
    assert c2fpl("score", videos / "hall02.mp4", *arguments) == 0
    assert (out / "hall02.npy").read_bytes() == (finished / "scores/hall02.npy").read_bytes()


def test_workers_and_order_change_no_byte(videos: Path, finished: Path, tmp_path: Path) -> None:
    listing = tmp_path / "list.txt"
    listing.write_text("\n".join(map(str, sorted(videos.iterdir(), reverse=True))))
    assert c2fpl("extract", listing, "-o", tmp_path / "f", *EXTRACT, "--workers", 2) == 0
    assert contents(tmp_path / "f", "*.npy") == contents(finished / "features", "*.npy")


def test_two_device_processes_give_the_same_bytes_and_one_log(
    videos: Path, finished: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(videos, tmp_path / "videos")
    (folder / "text.mp4").write_text("this is no video")
    arguments = (*EXTRACT[:-3], "--device", "cpu,cpu", "--log-file", tmp_path / "log")
    assert c2fpl("extract", folder, "-o", tmp_path / "f", *arguments) == 1
    assert contents(tmp_path / "f", "*.npy") == contents(finished / "features", "*.npy")
    assert "text.mp4: not a readable video" in (tmp_path / "log").read_text()


def test_shards_together_are_the_whole(videos: Path, finished: Path, tmp_path: Path) -> None:
    for shard in ("1/2", "2/2"):
        assert c2fpl("extract", videos, "-o", tmp_path / "f", *EXTRACT, "--shard", shard) == 0
        count = len(list((tmp_path / "f").glob("*.npy")))
        assert count == (3 if shard == "1/2" else 6)
    assert contents(tmp_path / "f", "*.npy") == contents(finished / "features", "*.npy")


def test_a_bad_video_costs_only_itself(videos: Path, finished: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(videos, tmp_path / "videos")
    (folder / "text.mp4").write_text("this is no video")
    (folder / "empty.mp4").touch()
    run = tmp_path / "run"
    assert c2fpl("run", folder, "-o", run, *FLOW) == 1
    failed = {row["video"]: row for row in table(run / "failed.csv")}
    assert set(failed) == {"text", "empty"}
    assert all(row["step"] == "extract" and row["reason"] for row in failed.values())
    assert contents(run / "scores", "*.npy") == contents(finished / "scores", "*.npy")
    (folder / "text.mp4").unlink()
    (folder / "empty.mp4").unlink()
    assert c2fpl("run", folder, "-o", run, *FLOW) == 0
    assert not (run / "failed.csv").exists()


def test_names_of_every_kind_keep_their_scores(videos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    names = ["a b", "x#1=2@3", "ünï çødé", "dots.in.name", "sub/same", "sub2/same", "'q\"<b>&"]
    for index, name in enumerate(names):
        path = folder / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(sorted(videos.iterdir())[index % 6], path)
    assert c2fpl("run", folder, "-o", tmp_path / "run", *FLOW) == 0
    scores = tmp_path / "run" / "scores"
    found = {p.relative_to(scores).as_posix().removesuffix(".npy") for p in scores.rglob("*.npy")}
    assert found == set(names)


def test_one_video_alone_is_scored_within_itself_and_says_so(videos: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert c2fpl("run", videos / "hall02.mp4", "-o", run, *FLOW) == 0
    assert "only one video: a split needs two" in (run / "labels/labels.json").read_text()
    assert np.load(run / "scores" / "hall02.npy").shape == (60,)
    labels = [float(row["label"]) for row in table(run / "labels" / "labels.csv")]
    assert sum(labels) == 1  # ceil(0.2 * 4 segments)


def test_videos_all_the_same_cannot_be_split_and_it_is_said(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    for index in range(4):
        shutil.copy(videos / "hall00.mp4", folder / f"{index}.mp4")
    assert c2fpl("run", folder, "-o", tmp_path / "run", *FLOW) == 2
    said = capsys.readouterr().err
    assert "identical" in said or "same" in said


def test_a_detector_of_another_backbone_is_refused(
    videos: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    features = shutil.copytree(finished / "features", tmp_path / "features")
    for path in features.glob("*.json"):
        record = json.loads(path.read_text())
        record["settings"]["backbone"] = record["backbone"] = "x3d-s"
        path.write_text(json.dumps(record))
    detector = finished / "detector.pt"
    assert c2fpl("score", features, "--detector", detector, "-o", tmp_path / "s", "--quiet") == 2
    assert "--backbone flow" in capsys.readouterr().err


@pytest.mark.parametrize("harm", ["nan", "pickle", "dim"])
def test_harmed_features_are_refused_by_name(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], harm: str
) -> None:
    features = shutil.copytree(finished / "features", tmp_path / "features")
    values = np.load(features / "hall00.npy")
    if harm == "nan":
        values[0, 0, 0] = np.nan
        np.save(features / "hall00.npy", values)
    elif harm == "pickle":
        np.save(features / "hall00.npy", np.array([{"a": 1}], object), allow_pickle=True)
    else:
        np.save(features / "hall00.npy", values[:, :, :-1])
    assert c2fpl("label", features, "-o", tmp_path / "labels", "--quiet") == 2
    assert "hall00" in capsys.readouterr().err
