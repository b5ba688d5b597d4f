"""Which videos a benchmark takes: lists, folders, what is missing or doubled, and misuse."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from c2fpl.errors import BadAnnotation, BadSettings
from c2fpl.pipeline.benchmark.plan import BenchmarkPaths
from c2fpl.pipeline.benchmark.split import split_of
from c2fpl.pipeline.truth.video_annotation import Annotations, VideoAnnotation
from command_line import c2fpl
from made_benchmarks import (
    QUICK,
    UCF_ROWS,
    benchmark_ucf,
    load_results,
    make_shanghaitech,
    make_ucf,
    make_xd,
)


@pytest.fixture(scope="module")
def ucf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ucf(tmp_path_factory.mktemp("ucf"))


def test_missing_videos_are_named_with_the_effect_and_shift_nothing(
    ucf: Path, tmp_path: Path
) -> None:
    data = shutil.copytree(ucf, tmp_path / "data")
    (data / "UCF_Test_ten_crop_i3d" / "Abuse501_x264_i3d.npy").unlink()
    (data / "UCF_Train_ten_crop_i3d" / "Normal_Videos001_x264_i3d.npy").unlink()
    options = ("--frame-counts", data / "ucf_test.csv", "--seeds", "1")
    less = benchmark_ucf(data, tmp_path / "out", *options)
    (train,) = [note for note in less["notes"] if "training videos are missing" in note]
    (test,) = [note for note in less["notes"] if "test videos are missing" in note]
    assert "1 of 8" in train
    assert train.endswith("Normal_Videos001_x264")
    assert "1 of 6 test videos are missing (1 of them anomalous, 144 frames)" in test
    assert test.endswith("Abuse501_x264")
    assert less["test_frames"] == (12 + 7 + 10 + 8 + 11) * 16
    assert "Abuse501_x264" in (tmp_path / "out" / "results.md").read_text()


def test_a_feature_file_of_the_wrong_length_is_refused_by_name(
    ucf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = shutil.copytree(ucf, tmp_path / "data")
    wrong = data / "UCF_Test_ten_crop_i3d" / "Arrest501_x264_i3d.npy"
    np.save(wrong, np.load(wrong)[:-2])
    options = ("--annotations", data / UCF_ROWS, "-o", tmp_path / "out", *QUICK)
    counts = ("--frame-counts", data / "ucf_test.csv")
    assert c2fpl("benchmark", "ucf-crime", "--features", data, *options, *counts) == 2
    assert "Arrest501_x264 has 10 segments" in capsys.readouterr().err


def test_two_feature_files_of_one_video_are_refused_by_name(
    ucf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = {
        **{"settings": {"backbone": "flow", "tail": "loop"}, "fingerprint": "0"},
        **{"num_frames_decoded": 32, "frame_rate": 30},
    }
    for camera in ("a", "b"):
        (tmp_path / "own" / camera).mkdir(parents=True)
        np.save(tmp_path / "own" / camera / "Abuse001_x264.npy", np.ones((2, 1, 3), np.float32))
        (tmp_path / "own" / camera / "Abuse001_x264.json").write_text(json.dumps(record))
    given = ("--annotations", ucf / UCF_ROWS, "-o", tmp_path / "out", *QUICK)
    assert c2fpl("benchmark", "ucf-crime", "--features", tmp_path / "own", *given) == 2
    said = capsys.readouterr().err
    assert "features twice, as a/Abuse001_x264 and b/Abuse001_x264" in said


def test_xd_violence_without_lists_is_split_by_the_folders_of_annotated_videos(
    tmp_path: Path,
) -> None:
    data = make_xd(tmp_path / "xd", np.random.default_rng(3))
    options = ("--annotations", data / "annotations.txt", "-o", tmp_path / "out", *QUICK)
    code = c2fpl(
        "benchmark", "xd-violence", "--features", data, *options, "--seeds", "2", "--eta", "0.3"
    )
    results = load_results(tmp_path / "out")
    assert code == 0
    assert (results["train_videos"], results["test_videos"]) == (4, 3)
    assert results["protocol"] == "xdviodet"
    assert results["test_frames"] == 3 * 6 * 16
    assert results["anomalous_frames"] == 32 + 31
    assert results["paper"]["auc"] == 0.8009


def test_shanghaitech_takes_masks_and_the_lists_beside_them(tmp_path: Path) -> None:
    data = make_shanghaitech(tmp_path / "sht", np.random.default_rng(4))
    options = ("--annotations", data / "test_frame_mask", "-o", tmp_path / "out", *QUICK)
    code = c2fpl(
        *("benchmark", "shanghaitech", "--features", data / "features", *options),
        *("--seeds", "1", "--eta", "0.3"),
    )
    results = load_results(tmp_path / "out")
    assert code == 0
    assert (results["train_videos"], results["test_videos"]) == (4, 3)
    assert results["protocol"] == "shanghaitech-rtfm"
    assert results["test_frames"] == 3 * 7 * 16
    assert results["anomalous_frames"] == 2 * 32


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--features", "x", "--videos", "x"), "both of --videos and --features"),
        ((), "neither of --videos and --features"),
        (("--features", "nowhere"), "is not a folder"),
        (("--features", ".", "--seeds", "0"), "seeds 0 must be at least 1"),
        (("--features", ".", "--shard", "1/2"), "shard 1/2 would evaluate only a part"),
        (("--features", ".", "--method", "paper,magic"), "'magic' is unknown"),
    ],
)
def test_misuse_is_one_line(
    options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = ("--annotations", tmp_path / "rows.txt", "-o", tmp_path / "out", *options)
    assert c2fpl("benchmark", "ucf-crime", *given) == 2
    line = capsys.readouterr().err
    assert said in line
    assert line.count("\n") == 1


TRAIN, TEST = "Abuse001_x264", "Abuse028_x264"


def ucf_paths(folder: Path) -> BenchmarkPaths:
    (folder / "rows.txt").touch()
    (folder / "data").mkdir(exist_ok=True)
    return BenchmarkPaths(annotations=folder / "rows.txt", features=folder / "data")


def annotations_of(folder: Path, *names: str) -> Annotations:
    videos = {name: VideoAnnotation(name, ("Abuse",), ((1, 9),)) for name in names}
    return Annotations(folder / "rows.txt", "as written", videos)


def present(folder: Path, *names: str) -> dict[str, Path]:
    return {name: folder / f"{name}.npy" for name in names}


def test_lists_beside_the_annotations_are_found_by_their_official_names(tmp_path: Path) -> None:
    (tmp_path / "Anomaly_Train.txt").write_text(f"Abuse/{TRAIN}.mp4\r\n")
    (tmp_path / "Anomaly_Test.txt").write_text(f"Abuse/{TEST}.mp4")
    split = split_of("ucf-crime", ucf_paths(tmp_path), annotations_of(tmp_path, TEST), None, {})
    assert (split.train, split.test) == ((TRAIN,), (TEST,))


def test_the_empty_list_of_the_archive_gives_way_to_a_whole_one(tmp_path: Path) -> None:
    paths = ucf_paths(tmp_path)
    (paths.data / "a").mkdir()
    (paths.data / "a" / "Anomaly_Train.txt").touch()
    (paths.data / "b").mkdir()
    (paths.data / "b" / "Anomaly_Train.txt").write_text(f"Abuse/{TRAIN}.mp4")
    split = split_of("ucf-crime", paths, annotations_of(tmp_path, TEST), None, {})
    assert split.train == (TRAIN,)


def test_without_lists_annotated_videos_are_tested_and_the_others_trained_on(
    tmp_path: Path,
) -> None:
    here = present(tmp_path, TRAIN, TEST, "holiday")
    split = split_of("ucf-crime", ucf_paths(tmp_path), annotations_of(tmp_path, TEST), None, here)
    assert (split.train, split.test) == ((TRAIN,), (TEST,))
    assert "no list of training videos was found" in split.notes[0]


def test_a_video_in_both_lists_is_refused(tmp_path: Path) -> None:
    for name in ("train.txt", "test.txt"):
        (tmp_path / name).write_text(f"Abuse/{TEST}.mp4")
    train, test = tmp_path / "train.txt", tmp_path / "test.txt"
    paths = replace(ucf_paths(tmp_path), train_list=train, test_list=test)
    with pytest.raises(BadAnnotation, match="both list Abuse028_x264"):
        split_of("ucf-crime", paths, annotations_of(tmp_path, TEST), None, {})


def test_shanghaitech_without_lists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="SH_Test"):
        split_of("shanghaitech", ucf_paths(tmp_path), annotations_of(tmp_path), None, {})


def test_violent_training_videos_among_the_test_videos_are_refused(tmp_path: Path) -> None:
    test, train = "f__#1_label_B2-0-0", "g__#1_label_G-0-0"
    with pytest.raises(
        BadSettings, match=r"violent videos without annotation .*, g__#1_label_G-0-0"
    ):
        split_of(
            "xd-violence",
            ucf_paths(tmp_path),
            annotations_of(tmp_path, test),
            None,
            present(tmp_path, test, train),
        )
