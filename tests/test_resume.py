"""A run goes on: only what a changed setting touches is done again and said, in a safe order."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from c2fpl.pipeline import cli, score_videos
from c2fpl.pipeline.changes import what_changed
from c2fpl.pipeline.files import save_json, whole_file
from killing import results, write_short_videos

SETTINGS = ("--backbone", "flow", "--crops", "1", "--device", "cpu", "--epochs", "1")
VIDEOS = 5


def c2fpl(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main([str(argument) for argument in arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


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
        f"scores: detector or features changed, {VIDEOS} videos are scored again",
    ]
    assert c2fpl(*run, "--resize", "340x256") == 0
    assert changes(capsys)[:2] == [
        f"features: resize changed, {VIDEOS} videos are extracted again",
        "labels: beta changed, labelling again",
    ]


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


def full_disk_at(number: int, write: object) -> object:
    """The function, until its n-th call."""
    calls: Iterator[int] = iter(range(1, number + 1))

    def wrapped(*arguments: object) -> None:
        if next(calls) == number:
            raise OSError(28, "No space left on device")
        write(*arguments)  # type: ignore[operator]

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
