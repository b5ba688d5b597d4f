"""Runs in processes of their own that can be killed at any time, and what must be true afterwards.

Processes come from a fork server that has imported everything, so that a run's time is its work and
kills fall into it. Each carries a mark in its environment, by which its children are found again.
"""

import csv
import json
import multiprocessing
import os
import signal
import time
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from c2fpl.pipeline.cli import main as cli
from c2fpl.pipeline.files.atomic import PART_PREFIX
from c2fpl.pipeline.steps.detector_files import load_detector
from synthetic import Synthetic

SETTINGS = ("--backbone", "flow", "--crops", "1", "--device", "cpu", "--epochs", "2", "--quiet")
PRELOAD = (
    "torch",
    "torch._dynamo",  # by the first optimiser
    "matplotlib.figure",
    "sklearn.mixture",
    "c2fpl.pipeline.run",
    "c2fpl.models.detection.training",
    "c2fpl.models.detection.detector",
    "c2fpl.models.labels.coarse",
    "c2fpl.models.labels.fine",
    "c2fpl.extractors.encoding.flow_encoder",
    "c2fpl.extractors.encoding.encoder",
    "c2fpl.extractors.extraction",
    "c2fpl.pipeline.extraction.device_processes",
    "c2fpl.pipeline.report.page",
    "c2fpl.pipeline.report.plots",
)
MARK = "C2FPL_KILLING"
GONE_S = 600.0
"""Limit for a test that would fail; on a busy machine processes take long to end."""


def write_short_videos(folder: Path, count: int) -> Path:
    """Videos of 20 to 79 frames."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        frames = 20 + 7 * index % 60
        Synthetic(f"v{index:02}.mp4", frames=frames, width=64, height=48).write(folder)
    return folder


@dataclass(frozen=True)
class Killable:
    """How runs are started; `mark` tells their processes from all others."""

    mark: str

    def start(self, *arguments: object, stderr: Path = Path(os.devnull)) -> ForkServerProcess:
        """`c2fpl` with these arguments, begun, in a process group of its own as on a terminal."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(PRELOAD))
        argv = [str(argument) for argument in arguments]
        process = context.Process(target=_run, args=(self.mark, argv, stderr))
        process.start()
        return process

    def finish(self, *arguments: object, stderr: Path = Path(os.devnull)) -> int:
        """`c2fpl` with these arguments, to its end; its exit code."""
        process = self.start(*arguments, stderr=stderr)
        process.join()
        assert process.exitcode is not None
        return process.exitcode

    def processes(self) -> list[psutil.Process]:
        """Living processes that these runs started, and their children."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def left_over(self) -> list[list[str]]:
        """Command lines of processes that do not end by themselves."""
        deadline_s = time.monotonic() + GONE_S
        while (living := self.processes()) and time.monotonic() < deadline_s:
            time.sleep(0.02)
        return [process.cmdline() for process in living]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            zombie = process.status() == psutil.STATUS_ZOMBIE
            return not zombie and self.mark in (process.environ().get(MARK), _named(process))
        except psutil.Error:
            return False


def _named(process: psutil.Process) -> str:
    """A forked run shows the environment of its server; it is known by its name."""
    return Path(f"/proc/{process.pid}/comm").read_text().strip()


def _run(mark: str, argv: list[str], stderr: Path) -> None:
    os.setsid()
    # A shell starts background jobs with SIGINT ignored, and so would these runs ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ[MARK] = mark
    os.dup2(os.open(stderr, os.O_WRONLY | os.O_CREAT, 0o600), 2)
    Path("/proc/self/comm").write_text(mark[:15])
    cli.main(argv)


def results(output: Path) -> dict[str, bytes]:
    """All that must be the same to the byte: features, labels, detector, scores."""
    patterns = ("features/**/*.npy", "labels/*.csv", "detector.pt", "scores/**/*.npy")
    found = [path for pattern in patterns for path in output.glob(pattern)]
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in found}


def strays(output: Path) -> list[Path]:
    """Unfinished files."""
    return sorted(output.rglob(f"{PART_PREFIX}*"))


def damaged(output: Path) -> list[Path]:
    """Files under their final names that are not whole."""
    files = (path for path in output.rglob("*") if path.is_file() and path.name[0] != ".")
    return sorted(path for path in files if not _is_whole(path))


def _is_table(text: str) -> bool:
    widths = {len(row) for row in csv.reader(text.splitlines())}
    return text.endswith("\n") and len(widths) == 1


def _is_whole(path: Path) -> bool:
    try:
        match path.suffix:
            case ".npy":
                return bool(np.load(path, allow_pickle=False).size)
            case ".json":
                return isinstance(json.loads(path.read_text()), dict | list)
            case ".csv":
                return _is_table(path.read_text())
            case ".png":
                with Image.open(path) as image:
                    image.load()
            case ".pt":
                load_detector(path)
            case ".html":
                return path.read_text().rstrip().endswith("</html>")
    except (ValueError, OSError, EOFError):
        return False
    return True
