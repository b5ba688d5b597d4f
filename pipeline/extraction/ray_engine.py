"""Extracts on several machines with Ray, in one task per group of videos.

The output folder and the videos must have the same path on every machine. Ray repeats a task if its
machine dies, and the repeated task skips finished videos. A group that keeps failing is split, so
that one bad video does not affect the others.
"""

import logging
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from c2fpl.errors import MissingDevice, WorkersDied
from c2fpl.pipeline.extraction.device_processes import divide
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.extraction.ray_cluster import Ray, cluster, share_out
from c2fpl.pipeline.extraction.worker import STEP, ExtractionWork, Share
from c2fpl.pipeline.files.outcomes import Failure
from c2fpl.pipeline.files.progress import Progress, progress
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.videos.find import VideoFile

logger = logging.getLogger(__name__)

ATTEMPTS = 5
"""Number of times that Ray runs a task whose process or machine dies."""
GROUPS_PER_TASK_SLOT = 8
"""Groups per concurrent task. More groups balance machines of different speed better; fewer groups
load the network less often."""
REPORT_WAITING_EVERY_S = 60.0

Handle: TypeAlias = Any
"""Ray's untyped reference to the result of a task."""


def extract_on_cluster(work: ExtractionWork, shown: Progress) -> list[Share]:
    """Extract all videos on a running Ray cluster, or on a new one on this machine.

    Raises:
        NoCluster: Ray is not installed, or its cluster lacks the requested CPUs or GPUs.
        WorkersDied: every task died before it finished a video.
        Exception: the error that ended a task, such as a full disk.
    """
    with cluster() as ray:
        tasks, needs, device = share_out(ray.nodes(), work.execution.device)
        here = replace(work.execution, engine="local", device=device, quiet=True, log_file=None)
        absolute = replace(
            work,
            files=RunFiles(work.files.root.absolute(), work.files.holds),
            settings=_with_absolute_paths(work.settings),
        )
        remote = ray.remote(max_retries=ATTEMPTS - 1, retry_exceptions=[MissingDevice], **needs)
        running = _RunningTasks(ray, remote(extract_group))
        count = min(len(work.wanted), tasks * GROUPS_PER_TASK_SLOT)
        for group in divide(list(work.wanted), count):
            running.add(absolute.of(group, here, int(needs["num_cpus"])))
        return running.shares(shown)


def extract_group(work: ExtractionWork) -> Share:
    """Extract the unfinished videos of a group."""
    with progress("", 0, "", quiet=True) as silent:
        return work.unfinished().extract(silent)


@dataclass
class _RunningTasks:
    """Groups in progress, and the results of finished ones."""

    ray: Ray
    function: Any
    """`extract_group` as Ray's remote function."""
    groups: dict[Handle, ExtractionWork] = field(default_factory=dict)
    """The work of each task in progress."""
    done: list[Share] = field(default_factory=list)

    def add(self, group: ExtractionWork) -> None:
        """Start a task for a group of videos."""
        self.groups[self.function.remote(group)] = group

    def shares(self, shown: Progress) -> list[Share]:
        """Wait for every group."""
        try:
            while self.groups:
                handle = self._next_handle()
                group = self.groups.pop(handle)
                share = self._result(handle, group)
                if share is not None:
                    self.done.append(share)
                    shown.advance(len(group.wanted))
        finally:
            for handle in self.groups:
                self.ray.cancel(handle, force=True)
        return self.done

    def _next_handle(self) -> Handle:
        while True:
            ready, _ = self.ray.wait(list(self.groups), timeout=REPORT_WAITING_EVERY_S)
            if ready:
                return ready[0]
            logger.info(
                "%d groups of videos are running or waiting for a machine", len(self.groups)
            )

    def _result(self, handle: Handle, group: ExtractionWork) -> Share | None:
        """Result of the group's task; None if the task kept dying and the group was split."""
        try:
            share: Share = self.ray.get(handle)
        except self.ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except self.ray.exceptions.RayError as error:
            reason = type(error).__name__
            if len(group.wanted) == 1:
                return self._failed(next(iter(group.wanted)), reason)
            logger.warning("a task died %d times (%s); its videos run one by one", ATTEMPTS, reason)
            for video, fingerprint in group.wanted.items():
                self.add(replace(group, wanted={video: fingerprint}))
            return None
        return share

    def _failed(self, video: VideoFile, reason: str) -> Share:
        if not self.done:
            raise WorkersDied(
                f"all tasks died before they finished a video ({reason}); check `ray logs` and the "
                "machines' memory, then run the same command again"
            )
        reason = (
            f"its task died {ATTEMPTS} times ({reason}); the machines may have too little memory"
        )
        return Share((Failure(video.name, STEP, reason),))


def _with_absolute_paths(settings: FeatureSettings) -> FeatureSettings:
    weights = settings.extraction.weights
    absolute = weights.absolute() if weights is not None else None
    return replace(settings, extraction=replace(settings.extraction, weights=absolute))
