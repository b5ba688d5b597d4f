"""Extracts on several devices of one machine, with one process per device."""

import heapq
import logging
import multiprocessing
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait

from c2fpl.errors import WorkersDied
from c2fpl.extractors.cores import usable_cores
from c2fpl.pipeline.extraction.freshness import is_done, size_bytes
from c2fpl.pipeline.extraction.worker import (
    ExtractionWorker,
    FeatureSettings,
    Share,
)
from c2fpl.pipeline.files.progress import Progress
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.wording import counted
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import VideoFile

logger = logging.getLogger(__name__)

ATTEMPTS = 3
"""Number of deaths of a device's process, without a finished video in between, that end the run."""


def divide(videos: Sequence[VideoFile], parts: int) -> list[list[VideoFile]]:
    """Assign the videos, largest first, to the part with the fewest bytes so far.

    Example: sizes 9, 5, 4, 3 in two parts give [9] and [5, 4, 3], that is 9 and 12 bytes.
    """
    divided: list[list[VideoFile]] = [[] for _ in range(parts)]
    load_bytes = [(0, part) for part in range(parts)]
    for video in sorted(videos, key=size_bytes, reverse=True):
        size, part = heapq.heappop(load_bytes)
        divided[part].append(video)
        heapq.heappush(load_bytes, (size + size_bytes(video), part))
    return divided


def cores_of_each(devices: Sequence[str], cores: int) -> int:
    """CPU cores for the process of each device: of 16 cores, each of `cuda:0,cuda:1` gets 8."""
    return max(1, cores // len(devices))


def extract_on_devices(
    files: RunFiles,
    settings: FeatureSettings,
    execution: Execution,
    wanted: dict[VideoFile, str],
    shown: Progress,
) -> list[Share]:
    """Extract all videos of `wanted`; if a process dies, its unfinished videos are retried.

    Raises:
        WorkersDied: the process of a device died three times in a row.
        Exception: the error that ended a process, such as a full disk; the others are stopped.
    """
    shares: list[Share] = []
    parts = divide(list(wanted), len(execution.devices))
    on_devices = [
        DeviceProcess(
            files,
            settings,
            replace(execution, device=device),
            {video: wanted[video] for video in part},
            cores=cores_of_each(execution.devices, usable_cores()),
        )
        for device, part in zip(execution.devices, parts, strict=True)
        if part
    ]
    running = list(on_devices)
    try:
        while running:
            ready = wait([on_device.connection for on_device in running])
            for on_device in [each for each in running if each.connection in ready]:
                share = on_device.receive(shown)
                if share is not None:
                    shares.append(share)
                    running.remove(on_device)
    finally:
        for on_device in on_devices:
            on_device.end()
    return shares


class DeviceProcess:
    """The process of one device, which is restarted if it dies."""

    connection: Connection

    def __init__(
        self,
        files: RunFiles,
        settings: FeatureSettings,
        execution: Execution,
        wanted: dict[VideoFile, str],
        *,
        cores: int,
    ) -> None:
        self._files, self._settings, self._execution = files, settings, execution
        self._cores = cores
        self._wanted = wanted
        self._deaths_in_a_row = 0
        self._start()

    def receive(self, shown: Progress) -> Share | None:
        """Handle one message or the death of the process; return the share when it is complete.

        Raises:
            WorkersDied: the process died three times in a row.
            Exception: the error that ended the process.
        """
        try:
            message = self.connection.recv()
        except (EOFError, OSError):
            self._restart()
            return None
        if isinstance(message, Exception):
            raise message
        if isinstance(message, Share):
            return message
        self._deaths_in_a_row = 0
        shown.advance(message)
        return None

    def end(self) -> None:
        """Kill the process; its decoders end with it."""
        self._process.kill()
        self._process.join()
        self.connection.close()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, child_end = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_extract_share,
            args=(
                child_end,
                self._files,
                self._settings,
                self._execution,
                self._wanted,
                self._cores,
            ),
            daemon=True,
        )
        self._process.start()
        child_end.close()

    def _restart(self) -> None:
        self.end()
        self._deaths_in_a_row += 1
        self._wanted = {
            video: fingerprint
            for video, fingerprint in self._wanted.items()
            if not is_done(self._files, video.name, fingerprint)
        }
        died = f"the process on {self._execution.device} died ({_ending(self._process.exitcode)})"
        if self._deaths_in_a_row == ATTEMPTS:
            raise WorkersDied(
                f"{died} {ATTEMPTS} times in a row; check the kernel log for the out-of-memory "
                "killer, use fewer devices or a smaller --segments-per-call, and run the command "
                "again"
            )
        unfinished = counted(len(self._wanted), "unfinished video")
        logger.warning("%s; restarting it with %s", died, unfinished)
        self._start()


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


@dataclass(frozen=True)
class ProgressPipe:
    """Reports the progress of a device's process to its parent."""

    parent: Connection
    """Connection to the parent."""

    def advance(self, count: int = 1) -> None:
        """Report that `count` more videos are done."""
        self.parent.send(count)


def _extract_share(
    parent: Connection,
    files: RunFiles,
    settings: FeatureSettings,
    execution: Execution,
    wanted: dict[VideoFile, str],
    cores: int,
) -> None:
    """Main function of the process, which ends with its parent; only the parent handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent()
    try:
        with ExtractionWorker(files, settings, execution, cores=cores) as worker:
            failures = worker.extract(wanted, ProgressPipe(parent))
            parent.send(worker.share(failures))
    except (OSError, RuntimeError, ValueError) as error:
        parent.send(error)  # the parent raises it


def _end_with_parent() -> None:
    """Have the kernel kill this process with its parent, so that it cannot disturb a new run."""
    from c2fpl.extractors.decoder_child import end_with_parent

    parent = multiprocessing.parent_process()
    assert parent is not None
    end_with_parent(parent.sentinel)
