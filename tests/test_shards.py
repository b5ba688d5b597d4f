"""Shards of one extraction side by side in one folder, a whole run apart from them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from c2fpl.errors import FolderInUse
from c2fpl.pipeline.files import lock
from c2fpl.pipeline.files.atomic import PART_PREFIX
from c2fpl.pipeline.files.lock import only_writer
from c2fpl.pipeline.files.outcomes import Failure, load_failures, save_failures
from c2fpl.pipeline.files.run_files import RunFiles
from command_line import refused
from killing import Killable, results, strays, write_short_videos

FLOW = ("--backbone", "flow", "--crops", "1", "--device", "cpu", "--quiet")
HOLD = """
import sys
from pathlib import Path
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.lock import only_writer
with only_writer(RunFiles(Path(sys.argv[1]), holds="features"), (int(sys.argv[2]), 3)):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held(folder: Path, index: int) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that is shard `index` of 3."""
    command = [sys.executable, "-c", HOLD, str(folder), str(index)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.stdin.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "WAIT_FOR_SHARDS_S", 0.2)


def features(folder: Path) -> RunFiles:
    return RunFiles(folder, holds="features")


def test_shards_of_one_division_share_a_folder_and_leave_live_parts_alone(tmp_path: Path) -> None:
    with held(tmp_path, 1), held(tmp_path, 2):
        part = tmp_path / f"{PART_PREFIX}of-another-shard"
        part.write_text("half")
        with only_writer(features(tmp_path), (3, 3)):
            assert part.exists()
    with only_writer(features(tmp_path), (3, 3)):
        assert not part.exists()


def test_the_same_shard_twice_is_refused(tmp_path: Path) -> None:
    with (
        held(tmp_path, 2) as other,
        pytest.raises(FolderInUse, match=f"shard 2/3, process {other.pid} on"),
        only_writer(features(tmp_path), (2, 3)),
    ):
        pass


def test_a_shard_of_another_division_is_refused(tmp_path: Path) -> None:
    with (
        held(tmp_path, 2),
        pytest.raises(FolderInUse, match="written by shards of 3"),
        only_writer(features(tmp_path), (1, 4)),
    ):
        pass
    with only_writer(features(tmp_path), (1, 4)):
        pass


def test_a_whole_run_is_refused_while_a_shard_writes_its_features(tmp_path: Path) -> None:
    with (
        held(tmp_path / "features", 1),
        pytest.raises(FolderInUse, match="features is being written by shards of 3"),
        only_writer(RunFiles(tmp_path)),
    ):
        pass


def test_a_shard_is_refused_while_a_whole_run_lives(tmp_path: Path) -> None:
    with (
        only_writer(RunFiles(tmp_path)),
        pytest.raises(FolderInUse, match="process"),
        only_writer(features(tmp_path / "features"), (1, 2)),
    ):
        pass


def test_failures_of_shards_stand_side_by_side(tmp_path: Path) -> None:
    files = features(tmp_path)
    save_failures(files, "extract", [Failure("a", "extract", "x")], of=["a", "c"])
    save_failures(files, "extract", [Failure("b", "extract", "y")], of=["b", "d"])
    assert [failure.video for failure in load_failures(files)] == ["a", "b"]
    save_failures(files, "extract", [], of=["a", "c"])
    assert [failure.video for failure in load_failures(files)] == ["b"]


def test_two_shards_at_once_then_a_run_give_the_bytes_of_a_run_alone(tmp_path: Path) -> None:
    videos = write_short_videos(tmp_path / "videos", 8)
    (videos / "text.mp4").write_text("this is no video")
    (videos / "void.mp4").touch()
    runs = Killable("c2fplshards")
    settings = (*FLOW, "--epochs", "1", "--epoch-steps", "1")
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    shards = [
        runs.start("extract", videos, "-o", shared / "features", *FLOW, "--shard", f"{shard}/2")
        for shard in (1, 2)
    ]
    for shard in shards:
        shard.join()
        assert shard.exitcode == 1
    failed = load_failures(features(shared / "features"))
    assert [failure.video for failure in failed] == ["text", "void"]
    assert runs.finish("run", videos, "-o", alone, *settings) == 1
    assert runs.finish("run", videos, "-o", shared, *settings) == 1
    assert results(shared) == results(alone)
    assert strays(shared) == []


@pytest.mark.parametrize("command", ["run", "score"])
def test_steps_that_need_all_videos_take_no_shard(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    detector = ("--detector", tmp_path / "d.pt") if command == "score" else ()
    arguments = [command, tmp_path, "-o", tmp_path / "out", *detector, "--shard", "1/2"]
    assert "--shard 1/2 works only with `c2fpl extract`" in refused(capsys, *arguments)
