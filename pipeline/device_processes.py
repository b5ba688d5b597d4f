"""Several devices on one machine: one process each, videos dealt out longest first."""

import heapq
import logging
import multiprocessing
import queue
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from typing import Any

from c2fpl.pipeline.extraction_worker import (
    ExtractionWorker,
    FeatureSettings,
    Share,
    is_done,
    size_bytes,
)
from c2fpl.pipeline.files import RunFiles
from c2fpl.pipeline.progress import Progress
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos import VideoFile

logger = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often the rest is dealt out again after a process died."""
POLL_S = 0.2


class WorkersDied(RuntimeError):
    """Processes died again and again."""


def deal(videos: Sequence[VideoFile], hands: int) -> list[list[VideoFile]]:
    """Give each next longest video to the hand with the fewest bytes so far.

    Worked example: sizes 9, 5, 4, 3 over two hands are [9] and [5, 4, 3]: 9 against 12.
    """
    dealt: list[list[VideoFile]] = [[] for _ in range(hands)]
    load = [(0, hand) for hand in range(hands)]
    for video in sorted(videos, key=size_bytes, reverse=True):
        size, hand = heapq.heappop(load)
        dealt[hand].append(video)
        heapq.heappush(load, (size + size_bytes(video), hand))
    return dealt


def extract_on_devices(
    files: RunFiles,
    settings: FeatureSettings,
    execution: Execution,
    wanted: dict[VideoFile, str],
    shown: Progress,
) -> list[Share]:
    """Extract all videos of `wanted`; a process that dies costs a retry of its unfinished videos.

    Raises:
        WorkersDied: three times in a row.
    """
    shares: list[Share] = []
    left = dict(wanted)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            shares += _one_round(files, settings, execution, left, shown)
        except BrokenProcessPool:
            left = {v: made for v, made in left.items() if not is_done(files, v.name, made)}
            logger.warning(
                "an extraction process died; %d videos are left (attempt %d of %d)",
                *(len(left), attempt, ATTEMPTS),
            )
        else:
            return shares
    raise WorkersDied(
        f"extraction processes died {ATTEMPTS} times; look for the kernel's out-of-memory killer, "
        "use fewer devices or a smaller --batch-size, then run the same command again"
    )


def _one_round(
    files: RunFiles,
    settings: FeatureSettings,
    execution: Execution,
    wanted: dict[VideoFile, str],
    shown: Progress,
) -> list[Share]:
    context = multiprocessing.get_context("spawn")
    hands = deal(list(wanted), len(execution.devices))
    with context.Manager() as manager, ProcessPoolExecutor(len(hands), context) as pool:
        done: queue.Queue[int] = manager.Queue()
        futures = [
            pool.submit(
                _extract_share,
                files,
                settings,
                replace(execution, device=device),
                {video: wanted[video] for video in hand},
                Told(done),
            )
            for device, hand in zip(execution.devices, hands, strict=True)
            if hand
        ]
        for count in _counted(done, futures):
            shown.advance(count)
        return [future.result() for future in futures]


def _counted(done: "queue.Queue[int]", futures: list[Future[Any]]) -> Iterator[int]:
    while not all(future.done() for future in futures):
        try:
            yield done.get(timeout=POLL_S)
        except queue.Empty:
            continue
    while not done.empty():
        yield done.get()


@dataclass(frozen=True)
class Told:
    """Progress of a child process, told to its parent."""

    done: "queue.Queue[int]"
    """The parent's queue."""

    def advance(self, count: int = 1) -> None:
        """`count` more videos are done."""
        self.done.put(count)


def _extract_share(
    files: RunFiles,
    settings: FeatureSettings,
    execution: Execution,
    wanted: dict[VideoFile, str],
    told: Told,
) -> Share:
    worker = ExtractionWorker(files, settings, execution)
    failures = worker.extract(wanted, told)
    return Share(tuple(failures), worker.seconds(), worker.provenance())
