"""Many machines: a Ray actor per GPU (or per few CPUs), one video a call, the same files.

The output folder and the videos must be where every machine sees them. A video whose actor or
machine dies goes back to the queue, and a new actor is asked for; it takes part as soon as some
machine has room. A video that cannot be read is a result like any other.
"""

import logging
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from c2fpl.pipeline.extraction.devices import DeviceFailed
from c2fpl.pipeline.extraction.ray_cluster import Ray, cluster, share_out
from c2fpl.pipeline.extraction.worker import (
    STEP,
    ExtractionWorker,
    FeatureSettings,
    Share,
)
from c2fpl.pipeline.files.outcomes import Failure
from c2fpl.pipeline.files.progress import Progress, progress
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import VideoFile

logger = logging.getLogger(__name__)

ATTEMPTS = 5
"""Of a video whose actor dies under it; and how often in a row actors may die before any video."""
SAY_WAITING_EVERY_S = 60.0

Future: TypeAlias = Any
"""Ray's handle of an answer to come."""


class ActorsDied(RuntimeError):
    """Actors die again and again before they have done a video."""


def extract_on_cluster(
    files: RunFiles,
    settings: FeatureSettings,
    execution: Execution,
    wanted: dict[VideoFile, str],
    shown: Progress,
) -> list[Share]:
    """Extract all videos of `wanted` on the cluster that `ray start` made, or on one started here.

    Raises:
        NoCluster: no Ray, or no CPU or GPU as asked for.
        ActorsDied: no actor lives long enough for one video.
        Exception: what ended an actor's call, such as a full disk.
    """
    with cluster() as ray:
        crew = Crew(ray, files, settings, execution, most=len(wanted))
        failures: list[Failure] = []
        try:
            for found in crew.results(wanted):
                failures.extend(found)
                shown.advance()
        finally:
            crew.dismiss()
    return [*crew.shares.values(), Share(tuple(failures))]


class VideoActor:
    """Holds one encoder and its decoders for its life; each call does one video."""

    def __init__(
        self,
        files: RunFiles,
        settings: FeatureSettings,
        execution: Execution,
        cores: int | None,
    ) -> None:
        self._files, self._settings, self._execution = files, settings, execution
        self._cores = cores

    def begin(self) -> None:
        """Build the encoder; its errors are the caller's."""
        self._worker = ExtractionWorker(
            self._files, self._settings, self._execution, cores=self._cores
        )

    def extract(self, video: VideoFile, wanted: str) -> Share:
        """Write the video's features; failures are returned, with what the actor did so far."""
        with progress("", 0, "", quiet=True) as silent:
            failures = self._worker.extract({video: wanted}, silent)
        return Share(tuple(failures), self._worker.seconds(), self._worker.provenance())


@dataclass(eq=False)
class _Member:
    """One actor: Ray's handle and what it is doing."""

    handle: Any
    video: VideoFile | None = None


@dataclass
class Crew:
    """The actors of one extraction; whoever is free gets the next video."""

    ray: Ray
    files: RunFiles
    settings: FeatureSettings
    execution: Execution
    most: int
    """Actors that could have something to do."""
    shares: dict[_Member, Share] = field(default_factory=dict)
    """What each actor did so far, without its failures."""

    def __post_init__(self) -> None:
        count, needs, device = share_out(self.ray.nodes(), self.execution.device)
        here = replace(self.execution, engine="local", device=device, quiet=True, log_file=None)
        there = RunFiles(self.files.root.absolute(), self.files.holds)
        self._kind = self.ray.remote(max_restarts=0, max_task_retries=0, **needs)(VideoActor)
        cores = int(needs.get("num_cpus", 0)) or None  # a GPU's actor is not held to a part
        self._arguments = (there, _absolute(self.settings), here, cores)
        self._busy: dict[Future, _Member] = {}
        self._idle: list[_Member] = []
        self._deaths_in_a_row = 0
        for _ in range(min(count, self.most)):
            self._hire()

    def results(self, wanted: Mapping[VideoFile, str]) -> Iterator[tuple[Failure, ...]]:
        """The failures, or none, of each video in the order in which they end."""
        waiting = deque(wanted)
        attempts: Counter[VideoFile] = Counter()
        left = len(wanted)
        while left:
            member, share = self._next_answer()
            video, member.video = member.video, None
            if share is None and video is not None:
                attempts[video] += 1
                if attempts[video] < ATTEMPTS:
                    waiting.appendleft(video)
                    video = None
            if video is not None:
                left -= 1
                yield share.failures if share else (_given_up(video),)
            self._give_out(waiting, wanted)

    def dismiss(self) -> None:
        """End all actors; their decoders die with them."""
        for member in (*self._busy.values(), *self._idle):
            self.ray.kill(member.handle)

    def _next_answer(self) -> tuple[_Member, Share | None]:
        """Wait for an actor: what it did, or None where it died and another one was asked for."""
        done = self._wait()
        member = self._busy.pop(done)
        try:
            share: Share | None = self.ray.get(done)
        except self.ray.exceptions.RayTaskError as error:
            if not isinstance(error.cause, DeviceFailed):
                raise error.cause from None
            self.ray.kill(member.handle)
            self._mourn(str(error.cause))
            return member, None
        except self.ray.exceptions.RayError as error:
            self._mourn(type(error).__name__)
            return member, None
        self._idle.append(member)
        if share is not None:
            self._deaths_in_a_row = 0
            self.shares[member] = replace(share, failures=())
        return member, share

    def _wait(self) -> Future:
        while True:
            done, _ = self.ray.wait(list(self._busy), num_returns=1, timeout=SAY_WAITING_EVERY_S)
            if done:
                return done[0]
            if not any(member.video for member in self._busy.values()):
                logger.warning("waiting for a machine of the cluster with room for an actor")

    def _give_out(self, waiting: deque[VideoFile], wanted: Mapping[VideoFile, str]) -> None:
        while self._idle and waiting:
            member = self._idle.pop()
            member.video = waiting.popleft()
            self._busy[member.handle.extract.remote(member.video, wanted[member.video])] = member

    def _hire(self) -> None:
        member = _Member(self._kind.remote(*self._arguments))
        self._busy[member.handle.begin.remote()] = member

    def _mourn(self, reason: str) -> None:
        self._deaths_in_a_row += 1
        if self._deaths_in_a_row > ATTEMPTS * self.most:
            raise ActorsDied(
                f"{self._deaths_in_a_row} actors died before they had done a video ({reason}); "
                "look at `ray logs` and the machines' memory, then run the same command again"
            )
        logger.warning("an actor died (%s); its video goes to another one", reason)
        self._hire()


def _absolute(settings: FeatureSettings) -> FeatureSettings:
    weights = settings.extraction.weights
    absolute = weights.absolute() if weights is not None else None
    return replace(settings, extraction=replace(settings.extraction, weights=absolute))


def _given_up(video: VideoFile) -> Failure:
    reason = f"its actor died {ATTEMPTS} times; the file may be too much for the machines' memory"
    return Failure(video.name, STEP, reason)
