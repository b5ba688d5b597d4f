"""Benchmarks on other layouts: one crop, text, concatenations, equal parts, longer segments."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.pipeline.truth.protocols import spread_parts
from command_line import c2fpl
from feature_folders import save_counts
from made_benchmarks import (
    QUICK,
    UCF_ROWS,
    benchmark_ucf,
    load_results,
    make_shanghaitech,
    make_ucf,
)

PARTS = ("UCF_Train_ten_crop_i3d", "UCF_Test_ten_crop_i3d")
SCORES = "segment-scores/paper-full-residual-feature/seed-0.npy"
ONE_SEED = ("--seeds", "1", "--no-curve")
Change = Callable[[NDArray[Any]], NDArray[Any]]


@pytest.fixture(scope="module")
def ucf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ucf(tmp_path_factory.mktemp("ucf"))


@pytest.fixture(scope="module")
def plain(ucf: Path, tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.float32]:
    """Segment scores on the set as it is."""
    output = tmp_path_factory.mktemp("plain")
    benchmark_ucf(ucf, output, *ONE_SEED)
    scores: NDArray[np.float32] = np.load(output / SCORES)
    return scores


def changed(ucf: Path, folder: Path, change: Change) -> Path:
    data = shutil.copytree(ucf, folder)
    for path in data.rglob("*_i3d.npy"):
        np.save(path, change(np.load(path)))
    return data


def equal_parts(values: NDArray[Any]) -> NDArray[Any]:
    """32 segments of any video."""
    parts: NDArray[Any] = values[np.linspace(0, len(values) - 1, 32).astype(int)]
    return parts


def test_one_crop_of_two_axes_gives_the_same_scores(
    ucf: Path, plain: NDArray[np.float32], tmp_path: Path
) -> None:
    data = changed(ucf, tmp_path / "data", lambda values: values[:, 0])
    benchmark_ucf(data, tmp_path / "out", *ONE_SEED)
    np.testing.assert_array_equal(np.load(tmp_path / "out" / SCORES), plain)


def test_a_concatenation_gives_the_same_scores(
    ucf: Path, plain: NDArray[np.float32], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "concatenated"
    folder.mkdir()
    train, test = ([np.load(p) for p in sorted((ucf / part).iterdir())] for part in PARTS)
    ends = np.cumsum([len(values) for values in train])
    np.save(folder / "concat_UCF.npy", np.concatenate(train))
    np.save(folder / "nalist.npy", np.stack((np.append(0, ends[:-1]), ends), axis=1))
    np.save(folder / "Concat_test_10.npy", np.concatenate(test))
    options = ("--annotations", ucf / UCF_ROWS, *QUICK, *ONE_SEED, "-o", tmp_path / "out")
    given = ("benchmark", "ucf-crime", "--features", folder, *options)
    counts = ("--frame-counts", ucf / "ucf_test.csv")
    assert c2fpl(*given, *counts) == 2
    assert c2fpl(*given, "--test-features", folder / "Concat_test_10.npy") == 2
    assert c2fpl(*given, *counts, "--test-features", folder / "Concat_test_10.npy") == 0
    np.testing.assert_array_equal(np.load(tmp_path / "out" / SCORES), plain)


def test_the_cure_of_a_missing_test_part_is_named(
    ucf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("concat_UCF.npy", "Concat_test_10.npy"):
        np.save(tmp_path / name, np.ones((8, 1, 4), np.float32))
    np.save(tmp_path / "nalist.npy", np.array([[0, 8]]))
    given = ("--annotations", ucf / UCF_ROWS, "-o", tmp_path / "out", *QUICK)
    assert c2fpl("benchmark", "ucf-crime", "--features", tmp_path, *given) == 2
    assert f"give --test-features {tmp_path / 'Concat_test_10.npy'}" in capsys.readouterr().err


def test_32_equal_parts_are_spread_over_the_real_frames_or_refused(
    ucf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = changed(ucf, tmp_path / "data", equal_parts)
    (data / "ucf_test.csv").unlink()
    given = ("--annotations", data / UCF_ROWS, "-o", tmp_path / "out", *QUICK, *ONE_SEED)
    assert c2fpl("benchmark", "ucf-crime", "--features", data, *given) == 2
    assert "equal parts of each video (Sultani et al.). Its number" in capsys.readouterr().err
    frames = {"Abuse501_x264": 139, "Arrest501_x264": 190, "Arson501_x264": 105}
    frames |= {f"Normal_Videos_00{n}_x264": 150 + 9 * n for n in (1, 2, 3)}
    table = save_counts(tmp_path / "counts.csv", frames)
    results = benchmark_ucf(data, tmp_path / "out", *ONE_SEED, "--frame-counts", table)
    assert results["protocol"] == "sultani"
    assert results["test_frames"] == sum(frames.values())
    parts = np.split(np.load(tmp_path / "out" / SCORES)[-1], 6)
    spread = [spread_parts(p, n) for p, n in zip(parts, frames.values(), strict=True)]
    assert len(np.concatenate(spread)) == results["test_frames"]


def test_longer_segments_are_scored_over_their_own_frames(ucf: Path, tmp_path: Path) -> None:
    options = (*ONE_SEED, "--frames-per-segment", "64")
    results = benchmark_ucf(ucf, tmp_path / "out", *options)
    assert results["protocol"] == "native"
    segments = sum(len(np.load(path)) for path in (ucf / PARTS[1]).iterdir())
    assert results["test_frames"] == 64 * segments


def test_text_of_32_lines_goes_the_whole_line(ucf: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for path in sorted((ucf / PARTS[0]).iterdir()):
        name = path.name.replace("_i3d.npy", "_C.txt")
        np.savetxt(tmp_path / "set" / name, equal_parts(np.load(path))[:, 0], fmt="%f")
    labels, detector, scores = (tmp_path / n for n in ("labels", "d.pt", "scores"))
    assert c2fpl("label", tmp_path / "set", "-o", labels) == 0
    assert c2fpl("train", tmp_path / "set", "--labels", labels, "-o", detector, *QUICK) == 0
    given = ("score", tmp_path / "set", "--detector", detector, "-o", scores)
    assert c2fpl(*given) == 2
    names = [path.name.removesuffix("_C.txt") for path in (tmp_path / "set").iterdir()]
    table = save_counts(tmp_path / "counts.csv", dict.fromkeys(names, 777))
    assert c2fpl(*given, "--frame-counts", table) == 0
    assert {np.load(path).shape for path in scores.glob("*.npy")} == {(777,)}
    rows = (labels / "labels.csv").read_text().splitlines()
    assert rows[1].split(",")[2:4] == ["", ""]


def test_segment_counts_that_fit_no_rule_are_left_to_the_protocol(tmp_path: Path) -> None:
    data = make_shanghaitech(tmp_path / "sht", np.random.default_rng(0))
    table = save_counts(tmp_path / "counts.csv", {"01_0015": 100, "02_0128": 100, "03_001": 170})
    masks = ("--annotations", data / "test_frame_mask", "--frame-counts", table)
    given = ("benchmark", "shanghaitech", "--features", data / "features", *masks)
    assert c2fpl(*given, "-o", tmp_path / "out", *QUICK, *ONE_SEED) == 0
    assert load_results(tmp_path / "out")["test_frames"] == 3 * 7 * 16


def extracted_form(published: Path, folder: Path, backbone: str) -> Path:
    """The same arrays as if this program had extracted them."""
    for path in published.glob("*.npy"):
        values = np.load(path)
        folder.mkdir(exist_ok=True)
        np.save(folder / path.name, values)
        record = {
            "num_frames_decoded": 16 * len(values),
            "frame_rate": 30.0,
            "weights_sha256": None,
            "settings": {"backbone": backbone, "tail": "loop"},
            "fingerprint": "0",
        }
        (folder / path.name).with_suffix(".json").write_text(json.dumps(record))
    return folder


@pytest.mark.parametrize(("backbone", "code"), [("flow", 0), ("flow-stabilised", 2)])
def test_the_test_set_must_have_the_backbone_of_the_training_set(
    ucf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], backbone: str, code: int
) -> None:
    train = extracted_form(ucf / PARTS[0], tmp_path / "train", "flow")
    test = extracted_form(ucf / PARTS[1], tmp_path / "test", backbone)
    given = ("--annotations", ucf / UCF_ROWS, *QUICK, *ONE_SEED, "-o", tmp_path / "out")
    parts = ("--features", train, "--test-features", test)
    assert c2fpl("benchmark", "ucf-crime", *parts, *given) == code
    if code:
        refusal = "the training set was extracted with backbone flow (weights -) but the test set"
        assert refusal in capsys.readouterr().err
