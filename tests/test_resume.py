"""A run goes on: only what a changed setting touches is done again and said, in a safe order."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from c2fpl import functions as api
from c2fpl.models.settings import ScoreOptions
from c2fpl.pipeline.files.atomic import whole_file
from c2fpl.pipeline.files.run_files import load_json, save_json
from c2fpl.pipeline.files.wording import what_changed
from c2fpl.pipeline.steps import score_videos
from command_line import c2fpl
from killing import results, write_short_videos

pytestmark = pytest.mark.usefixtures("without_plots")
SETTINGS = (
    *("--backbone", "flow", "--crops", "1", "--device", "cpu"),
    *("--method", "paper", "--epochs", "1", "--epoch-steps", "1"),
)
VIDEOS = 5


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_short_videos(tmp_path_factory.mktemp("resume") / "videos", VIDEOS)


def changes(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capsys.readouterr().err.splitlines() if " changed, " in line]


def test_what_changed_is_said_and_nothing_else_is_done(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ("run", videos, "-o", tmp_path, *SETTINGS)
    assert c2fpl(*run) == 0
    assert changes(capsys) == []
    assert c2fpl(*run, "--beta", "0.4", "--dropout", "0.5") == 0
    assert changes(capsys) == [
        "labels: beta changed, labelling again",
        "detector: dropout changed, training again",
        f"scores: detector, features or options changed, {VIDEOS} videos to be scored again",
    ]
    assert c2fpl(*run, "--resize", "340x256") == 0
    assert changes(capsys)[:2] == [
        f"features: resize changed, extracting {VIDEOS} videos again",
        "labels: beta changed, labelling again",
    ]


def written_at(run: Path) -> dict[str, int]:
    """When each file before the scores got its present bytes, ns."""
    files = (*run.glob("features/v*"), *run.glob("labels/*"), run / "detector.pt")
    return {str(path.relative_to(run)): path.stat().st_mtime_ns for path in files}


def test_score_options_change_the_scores_alone(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ("run", videos, "-o", tmp_path, *SETTINGS)
    assert c2fpl(*run) == 0
    plain = results(tmp_path)
    made = written_at(tmp_path)
    capsys.readouterr()
    assert c2fpl(*run, "--smoothing-segments", "0.5", "--calibration", "1") == 0
    assert changes(capsys) == [
        f"scores: detector, features or options changed, {VIDEOS} videos to be scored again"
    ]
    assert written_at(tmp_path) == made
    asked = load_json(tmp_path / "run.json")["run"]["settings"]["scores"]
    assert (asked["smoothing_segments"], asked["calibration"]) == (0.5, 1.0)
    for path in (tmp_path / "scores").glob("*.npy"):
        by_segment = np.load(path)[::16]
        assert np.median(by_segment) == pytest.approx(0.5, abs=1e-6)
    assert c2fpl(*run) == 0
    assert results(tmp_path) == plain


def test_score_options_of_the_command_are_those_of_the_function(
    videos: Path, tmp_path: Path
) -> None:
    assert c2fpl("run", videos, "-o", tmp_path, *SETTINGS, "--quiet") == 0
    score = ("score", tmp_path / "features", "--detector", tmp_path / "detector.pt")
    options = ("--smoothing-segments", "1", "--calibration", "0.5", "--quiet", "--device", "cpu")
    assert c2fpl(*score, "-o", tmp_path / "changed", *options) == 0
    for path in sorted((tmp_path / "features").glob("*.npy")):
        by_function = api.score(
            *(tmp_path / "detector.pt", path),
            load_json(path.with_suffix(".json"))["num_frames_decoded"],
            options=ScoreOptions(smoothing_segments=1, calibration=0.5),
        )
        by_command = np.load(tmp_path / "changed" / path.name)
        np.testing.assert_array_equal(by_command, by_function)
        assert not np.array_equal(by_command, np.load(tmp_path / "scores" / path.name))


def test_a_stop_between_two_settings_leaves_no_score_of_the_other(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ("run", videos, "-o", tmp_path, *SETTINGS, "--quiet")
    assert c2fpl(*run) == 0
    before = results(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(score_videos, "_score_one", full_disk_at(3, score_videos._score_one))
        assert c2fpl(*run, "--beta", "0.4") == 2
    assert results(tmp_path) != before
    assert c2fpl(*run) == 0
    assert results(tmp_path) == before


def full_disk_at(number: int, write: Callable[..., None]) -> Callable[..., None]:
    """The function, until its n-th call."""
    calls: Iterator[int] = iter(range(1, number + 1))

    def wrapped(*arguments: object) -> None:
        if next(calls) == number:
            raise OSError(28, "No space left on device")
        write(*arguments)

    return wrapped


def test_names_of_what_differs() -> None:
    assert what_changed({"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 0}) == "b, c"
    assert what_changed({"a": 1}, {"a": 1}) == ""


def test_data_reach_the_disk_before_their_name_and_the_name_before_anything_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor: int) -> None:
        done.append("sync folder" if os.fstat(descriptor).st_mode & 0o040000 else "sync data")
        fsync(descriptor)

    def renamed(part: Path, path: Path) -> Path:
        done.append("rename")
        return replace(part, path)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    save_json(tmp_path / "a.json", {"a": 1})
    with whole_file(tmp_path / "b") as file:
        file.write(b"b")
    assert done == ["sync data", "rename", "sync folder"] * 2
