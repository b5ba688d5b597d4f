"""Several devices on one machine: one process each, videos divided by size."""

import heapq
import logging
import multiprocessing
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait

from c2fpl.extractors.cores import usable_cores
from c2fpl.pipeline.extraction.freshness import is_done, size_bytes
from c2fpl.pipeline.extraction.worker import (
    ExtractionWorker,
    FeatureSettings,
    Share,
)
from c2fpl.pipeline.files.progress import Progress
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.words import counted
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import VideoFile

logger = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often in a row a device's process may die without a video done in between."""


class WorkersDied(RuntimeError):
    """The process of a device died again and again."""


def divide(videos: Sequence[VideoFile], parts: int) -> list[list[VideoFile]]:
    """Give each next largest video to the part with the fewest bytes so far.

    Worked example: sizes 9, 5, 4, 3 in two parts are [9] and [5, 4, 3]: 9 against 12 bytes.
    """
    divided: list[list[VideoFile]] = [[] for _ in range(parts)]
    load_bytes = [(0, part) for part in range(parts)]
    for video in sorted(videos, key=size_bytes, reverse=True):
        size, part = heapq.heappop(load_bytes)
        divided[part].append(video)
        heapq.heappush(load_bytes, (size + size_bytes(video), part))
    return divided


def cores_of(device: str, devices: Sequence[str], cores: int) -> int | None:
    """Cores of one of several devices' processes: a CPU's is an equal part of the machine's.

    A GPU's process is not held to a part: None. Worked example: of 16 cores each process of
    `cpu,cpu,cpu` has 5.
    """
    return max(1, cores // len(devices)) if not device.startswith("cuda") else None


def extract_on_devices(
    files: RunFiles,
    settings: FeatureSettings,
    execution: Execution,
    wanted: dict[VideoFile, str],
    shown: Progress,
) -> list[Share]:
    """Extract all videos of `wanted`; a process that dies costs a retry of its unfinished videos.

    Raises:
        WorkersDied: three times in a row on the same device.
        Exception: what ended a process, such as a full disk; the others are stopped.
    """
    shares: list[Share] = []
    parts = divide(list(wanted), len(execution.devices))
    on_devices = [
        DeviceProcess(
            files,
            settings,
            replace(execution, device=device),
            {video: wanted[video] for video in part},
            cores=cores_of(device, execution.devices, usable_cores()),
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
    """The process of one device, started again when it dies."""

    connection: Connection

    def __init__(
        self,
        files: RunFiles,
        settings: FeatureSettings,
        execution: Execution,
        wanted: dict[VideoFile, str],
        *,
        cores: int | None,
    ) -> None:
        self._files, self._settings, self._execution = files, settings, execution
        self._cores = cores
        self._wanted = wanted
        self._deaths_in_a_row = 0
        self._start()

    def receive(self, shown: Progress) -> Share | None:
        """Take one message, or notice the process's death. Returns the share once all is done.

        Raises:
            WorkersDied: it died three times in a row.
            Exception: what ended it.
        """
        try:
            message = self.connection.recv()
        except (EOFError, OSError):
            self._start_again()
            return None
        if isinstance(message, Exception):
            raise message
        if isinstance(message, Share):
            return message
        self._deaths_in_a_row = 0
        shown.advance(message)
        return None

    def end(self) -> None:
        """Kill the process if it lives; its decoders die with it."""
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

    def _start_again(self) -> None:
        self.end()
        self._deaths_in_a_row += 1
        self._wanted = {
            video: made
            for video, made in self._wanted.items()
            if not is_done(self._files, video.name, made)
        }
        died = f"the process on {self._execution.device} died ({_ending(self._process.exitcode)})"
        if self._deaths_in_a_row == ATTEMPTS:
            raise WorkersDied(
                f"{died} {ATTEMPTS} times in a row; look for the kernel's out-of-memory killer, "
                "use fewer devices or fewer --segments-per-call, then run the same command again"
            )
        left = counted(len(self._wanted), "unfinished video")
        logger.warning("%s; restarting its %s", died, left)
        self._start()


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


@dataclass(frozen=True)
class ProgressPipe:
    """Reports the progress of a device's process to its parent."""

    parent: Connection
    """The end that the parent reads."""

    def advance(self, count: int = 1) -> None:
        """`count` more videos are done."""
        self.parent.send(count)


def _extract_share(
    parent: Connection,
    files: RunFiles,
    settings: FeatureSettings,
    execution: Execution,
    wanted: dict[VideoFile, str],
    cores: int | None,
) -> None:
    """Body of the process. It ends with its parent, which alone handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent()
    try:
        with ExtractionWorker(files, settings, execution, cores=cores) as worker:
            failures = worker.extract(wanted, ProgressPipe(parent))
            parent.send(Share(tuple(failures), worker.seconds(), worker.provenance()))
    except (OSError, RuntimeError, ValueError) as error:
        parent.send(error)  # raised again there


def _end_with_parent() -> None:
    """Have the kernel kill this process with its parent, or it would write on beside a new run."""
    from c2fpl.extractors.decoder_child import end_with_parent

    parent = multiprocessing.parent_process()
    assert parent is not None
    end_with_parent(parent.sentinel)
