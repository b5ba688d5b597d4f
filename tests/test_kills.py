"""kill -9, SIGTERM and Ctrl-C at any time: a resumed run ends with the same bytes as any other."""

import os
import random
import signal
import time
from collections.abc import Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import psutil
import pytest

from c2fpl.errors import FolderInUse
from c2fpl.pipeline.files.lock import only_writer
from c2fpl.pipeline.files.run_files import RunFiles
from killing import SETTINGS, Killable, damaged, results, strays, write_short_videos

VIDEOS = 8
KILLS = 5
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def runs() -> Iterator[Killable]:
    """Starts runs; at the end none of their processes may be left."""
    started = Killable(f"c2fpl{os.getpid()}")
    yield started
    assert started.left_over() == []


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_short_videos(tmp_path_factory.mktemp("kills") / "videos", VIDEOS)


@pytest.fixture(scope="module")
def whole(runs: Killable, videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nobody interrupts."""
    output = tmp_path_factory.mktemp("whole")
    assert runs.finish("run", videos, "-o", output, *SETTINGS) == 0
    return output


def begin(
    runs: Killable,
    videos: Path,
    output: Path,
    *,
    until: int,
    device: str = "cpu",
    stderr: Path = Path(os.devnull),
) -> ForkServerProcess:
    """A run, going on until there are so many files in its folder."""
    settings = [device if word == "cpu" else word for word in SETTINGS]
    process = runs.start("run", videos, "-o", output, *settings, stderr=stderr)
    deadline_s = time.monotonic() + PATIENCE_S
    while files_in(output) < until and process.is_alive() and time.monotonic() < deadline_s:
        process.join(0.005)
    return process


def files_in(output: Path) -> int:
    return sum(path.is_file() for path in output.rglob("*"))


def kill(process: ForkServerProcess) -> None:
    process.kill()
    process.join()


def test_kills_at_any_time_then_the_same_bytes_and_nothing_else(
    runs: Killable, videos: Path, whole: Path, tmp_path: Path
) -> None:
    random.seed(7)
    last = files_in(whole)
    for number in range(KILLS):
        at = random.randint(number * last // KILLS, (number + 1) * last // KILLS - 1)
        process = begin(runs, videos, tmp_path, until=at)
        assert process.exitcode is None
        kill(process)
        assert damaged(tmp_path) == []
    assert runs.left_over() == []
    assert runs.finish("run", videos, "-o", tmp_path, *SETTINGS) == 0
    assert results(tmp_path) == results(whole)
    assert strays(tmp_path) == []


def test_a_killed_decoder_costs_a_retry_and_no_byte(
    runs: Killable, videos: Path, whole: Path, tmp_path: Path
) -> None:
    process = begin(runs, videos, tmp_path, until=6)
    decoders = [p for p in runs.processes() if "decoder_child" in " ".join(p.cmdline())]
    decoders[0].kill()
    process.join()
    assert process.exitcode == 0
    assert results(tmp_path) == results(whole)


def workers(runs: Killable) -> list[psutil.Process]:
    return [p for p in runs.processes() if "device_processes" in " ".join(p.cmdline())]


def test_a_killed_device_process_is_started_again_and_costs_no_byte(
    runs: Killable, videos: Path, whole: Path, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    output = tmp_path / "run"
    process = begin(runs, videos, output, device="cpu,cpu", until=5, stderr=said)
    workers(runs)[0].kill()
    process.join()
    assert process.exitcode == 0
    assert "the process on cpu died (signal SIGKILL)" in said.read_text()
    assert results(output) == results(whole)


@pytest.mark.parametrize(
    ("sent", "device"),
    [(signal.SIGTERM, "cpu"), (signal.SIGINT, "cpu"), (signal.SIGINT, "cpu,cpu")],
)
def test_a_signal_ends_the_run_cleanly_and_says_how_to_go_on(
    runs: Killable, videos: Path, tmp_path: Path, sent: signal.Signals, device: str
) -> None:
    said = tmp_path / "said"
    output = tmp_path / "run"
    process = begin(runs, videos, output, device=device, until=5, stderr=said)
    # Ctrl-C reaches the whole group of the terminal, kill reaches the process alone
    assert process.pid is not None
    (os.killpg if sent == signal.SIGINT else os.kill)(process.pid, sent)
    process.join()
    assert process.exitcode == 130
    assert said.read_text().splitlines() == [
        "c2fpl: stopped; run the same command again to continue from here"
    ]
    assert strays(output) == []
    assert damaged(output) == []
    assert runs.left_over() == []


def test_a_second_run_is_refused_while_the_first_lives_and_takes_over(
    runs: Killable, videos: Path, tmp_path: Path
) -> None:
    process = begin(runs, videos, tmp_path, device="cpu,cpu", until=5)
    with (
        pytest.raises(FolderInUse, match=f"process {process.pid}"),
        only_writer(RunFiles(tmp_path)),
    ):
        pass
    kill(process)
    with only_writer(RunFiles(tmp_path)):
        assert strays(tmp_path) == []
