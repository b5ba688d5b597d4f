"""kill -9, SIGTERM and Ctrl-C at any time: a resumed run ends with the same bytes as any other."""

import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
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
ATTEMPTS = 20
"""A run can end before the signal arrives; then the test starts another one."""


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
    """A run with at least `until` files in its folder, or one that has ended."""
    settings = [device if word == "cpu" else word for word in SETTINGS]
    process = runs.start("run", videos, "-o", output, *settings, stderr=stderr)
    while files_in(output) < until and process.is_alive():
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
        kill(process)
        assert process.exitcode in (-signal.SIGKILL, 0)
        assert damaged(tmp_path) == []
    assert runs.left_over() == []
    assert runs.finish("run", videos, "-o", tmp_path, *SETTINGS) == 0
    assert results(tmp_path) == results(whole)
    assert strays(tmp_path) == []


def test_a_killed_decoder_costs_a_retry_and_no_byte(
    runs: Killable, videos: Path, whole: Path, tmp_path: Path
) -> None:
    for attempt in range(ATTEMPTS):
        output = tmp_path / str(attempt)
        process = begin(runs, videos, output, until=6)
        killed = kill_child(runs, "decoder_child import main")
        process.join()
        assert process.exitcode == 0
        assert results(output) == results(whole)
        if killed:
            return
    pytest.fail(f"no decoder ran in any of {ATTEMPTS} runs")


def kill_child(runs: Killable, start: str) -> bool:
    """Kill a child process whose start line contains these words; whether there was one."""
    for process in runs.processes():
        with suppress(psutil.NoSuchProcess):
            if start in " ".join(process.cmdline()):
                process.kill()
                return True
    return False


def test_a_killed_device_process_is_started_again_and_costs_no_byte(
    runs: Killable, videos: Path, whole: Path, tmp_path: Path
) -> None:
    for attempt in range(ATTEMPTS):
        output, said = tmp_path / str(attempt), tmp_path / f"said {attempt}"
        process = begin(runs, videos, output, device="cpu,cpu", until=5, stderr=said)
        kill_child(runs, "device_processes import main")
        process.join()
        assert process.exitcode == 0
        assert results(output) == results(whole)
        if "the process on cpu died (signal SIGKILL); restarting it with" in said.read_text():
            return
    pytest.fail(f"no process of a device was at work in any of {ATTEMPTS} runs")


@pytest.mark.parametrize(
    ("sent", "device"),
    [(signal.SIGTERM, "cpu"), (signal.SIGINT, "cpu"), (signal.SIGINT, "cpu,cpu")],
)
def test_a_signal_ends_the_run_cleanly_and_says_how_to_go_on(
    runs: Killable, videos: Path, tmp_path: Path, sent: signal.Signals, device: str
) -> None:
    # Ctrl-C reaches the whole group of the terminal, kill reaches the process alone
    send = os.killpg if sent == signal.SIGINT else os.kill
    output, said = interrupted(
        runs, videos, tmp_path, device=device, send=lambda pid: send(pid, sent)
    )
    assert said.read_text().splitlines() == [
        "c2fpl: stopped; run the same command again to continue from here"
    ]
    assert strays(output) == []
    assert damaged(output) == []
    assert runs.left_over() == []


def interrupted(
    runs: Killable, videos: Path, folder: Path, *, device: str, send: Callable[[int], None]
) -> tuple[Path, Path]:
    """Output folder and error stream of a run that received a signal before its end."""
    for attempt in range(ATTEMPTS):
        output, said = folder / str(attempt), folder / f"said {attempt}"
        process = begin(runs, videos, output, device=device, until=5, stderr=said)
        assert process.pid is not None
        with suppress(ProcessLookupError):
            send(process.pid)
        process.join()
        if process.exitcode:
            assert process.exitcode == 130
            return output, said
    pytest.fail(f"{ATTEMPTS} runs ended before the signal arrived")


def test_a_second_run_is_refused_while_the_first_lives_and_takes_over(
    runs: Killable, videos: Path, tmp_path: Path
) -> None:
    for attempt in range(ATTEMPTS):
        files = RunFiles(tmp_path / str(attempt))
        process = begin(runs, videos, files.root, device="cpu,cpu", until=5)
        if is_paused(process):
            break
    else:
        pytest.fail(f"{ATTEMPTS} runs ended before they could be paused")
    with pytest.raises(FolderInUse, match=f"process {process.pid}"), only_writer(files):
        pass
    kill(process)
    with only_writer(files):
        assert strays(files.root) == []


def is_paused(process: ForkServerProcess) -> bool:
    """Pause a run; whether it had not ended before."""
    assert process.pid is not None
    with suppress(ProcessLookupError, psutil.NoSuchProcess):
        os.kill(process.pid, signal.SIGSTOP)
        while (status := psutil.Process(process.pid).status()) != psutil.STATUS_ZOMBIE:
            if status == psutil.STATUS_STOPPED:
                return True
    return False
