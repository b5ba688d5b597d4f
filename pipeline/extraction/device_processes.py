"""Extracts on several devices of one machine, with one process per device."""

import heapq
import logging
import os
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import TypeAlias

from c2fpl.errors import WorkersDied
from c2fpl.extractors.child_process import (
    ChildDied,
    ChildProcess,
    connect_to_parent,
    ready_children,
)
from c2fpl.extractors.cores import usable_cores
from c2fpl.pipeline.extraction.freshness import size_bytes
from c2fpl.pipeline.extraction.worker import ExtractionWork, Share
from c2fpl.pipeline.files.progress import Progress
from c2fpl.pipeline.files.wording import counted
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


def extract_on_devices(work: ExtractionWork, shown: Progress) -> list[Share]:
    """Extract all videos; if a process dies, its unfinished videos are retried.

    Raises:
        WorkersDied: the process of a device died three times in a row.
        Exception: the error that ended a process, such as a full disk; the others are stopped.
    """
    shares: list[Share] = []
    devices = work.execution.devices
    cores = cores_of_each(devices, usable_cores())
    on_devices = [
        OneDevice(work.of(part, replace(work.execution, device=device), cores))
        for device, part in zip(devices, divide(list(work.wanted), len(devices)), strict=True)
        if part
    ]
    running = list(on_devices)
    try:
        while running:
            for on_device in ready_children(running):
                share = on_device.receive(shown)
                if share is not None:
                    shares.append(share)
                    running.remove(on_device)
    finally:
        for on_device in on_devices:
            on_device.end()
    return shares


@dataclass(frozen=True)
class Logged:
    """Message from the process of a device: a log record."""

    logger: str
    level: int
    text: str


DeviceMessage: TypeAlias = int | Logged | Share | OSError | RuntimeError | ValueError
"""Message from the process of a device: number of finished videos, log record, result, error."""


class OneDevice:
    """The process of one device, which is restarted if it dies."""

    def __init__(self, work: ExtractionWork) -> None:
        self._work = work
        self._deaths_in_a_row = 0
        self._start()

    @property
    def connection(self) -> Connection:
        """Connection to the present process."""
        return self._process.connection

    def receive(self, shown: Progress) -> Share | None:
        """Handle one message or the death of the process; return the share when it is complete.

        Raises:
            WorkersDied: the process died three times in a row.
            Exception: the error that ended the process.
        """
        try:
            message = self._process.receive()
        except ChildDied as died:
            self._restart(str(died))
            return None
        match message:
            case Exception():
                raise message
            case Share():
                return message
            case Logged():
                logging.getLogger(message.logger).log(message.level, "%s", message.text)
            case int():
                self._deaths_in_a_row = 0
                shown.advance(message)
        return None

    def end(self) -> None:
        """Kill the process; its decoders end with it."""
        self._process.end()

    def _start(self) -> None:
        self._process = ChildProcess[DeviceMessage](__name__)
        self._process.send((self._work, logger.getEffectiveLevel()))

    def _restart(self, reason: str) -> None:
        self._deaths_in_a_row += 1
        self._work = self._work.unfinished()
        died = f"the process on {self._work.execution.device} died ({reason})"
        if self._deaths_in_a_row == ATTEMPTS:
            raise WorkersDied(
                f"{died} {ATTEMPTS} times in a row; check the kernel log for the out-of-memory "
                "killer, use fewer devices or a smaller --segments-per-call, and run the command "
                "again"
            )
        unfinished = counted(len(self._work.wanted), "unfinished video")
        logger.warning("%s; restarting it with %s", died, unfinished)
        self._start()


class _Parent(logging.Handler):
    """The parent of this process, which shows its log and progress."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection
        self._sending = threading.Lock()

    def send(self, message: DeviceMessage) -> None:
        with self._sending:
            self._connection.send(message)

    def emit(self, record: logging.LogRecord) -> None:
        self.send(Logged(record.name, record.levelno, record.getMessage()))

    def advance(self, count: int = 1) -> None:
        self.send(count)


def main(connection_descriptor: int, lifeline: int) -> None:
    """Main function of the process: extract the videos of the first message."""
    connection = connect_to_parent(connection_descriptor, lifeline)
    _join_group_of_parent()
    work, log_level = connection.recv()
    parent = _Parent(connection)
    logging.basicConfig(level=log_level, handlers=[parent])
    try:
        parent.send(work.extract(parent))
    except (OSError, RuntimeError, ValueError) as error:
        parent.send(error)  # the parent raises it


def _join_group_of_parent() -> None:
    """Let Ctrl-Z pause this process with its parent, but only the parent handle Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setpgid(0, os.getpgid(os.getppid()))
