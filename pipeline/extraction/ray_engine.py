"""Extracts on several machines with Ray, in one task per group of videos.

The output folder and the videos must have the same path on every machine. Ray repeats a task if its
machine dies, and the repeated task skips finished videos. A group that keeps failing is split, so
that one bad video does not affect the others.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from c2fpl.errors import MissingDevice, WorkersDied
from c2fpl.pipeline.extraction.device_processes import divide
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.extraction.freshness import is_done
from c2fpl.pipeline.extraction.ray_cluster import Ray, cluster, share_out
from c2fpl.pipeline.extraction.worker import STEP, ExtractionWorker, Share
from c2fpl.pipeline.files.outcomes import Failure
from c2fpl.pipeline.files.progress import Progress, progress
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import VideoFile

logger = logging.getLogger(__name__)

ATTEMPTS = 5
"""Number of times that Ray runs a task whose process or machine dies."""
GROUPS_PER_TASK_SLOT = 8
"""Groups per concurrent task. More groups balance machines of different speed better; fewer groups
load the network less often."""
REPORT_WAITING_EVERY_S = 60.0

Wanted: TypeAlias = Mapping[VideoFile, str]
"""Videos with the fingerprints of the features to extract."""
Handle: TypeAlias = Any
"""Ray's untyped reference to the result of a task."""


def extract_on_cluster(
    files: RunFiles,
    settings: FeatureSettings,
    execution: Execution,
    wanted: dict[VideoFile, str],
    shown: Progress,
) -> list[Share]:
    """Extract all videos of `wanted` on a running Ray cluster, or on a new one on this machine.

    Raises:
        NoCluster: Ray is not installed, or its cluster lacks the requested CPUs or GPUs.
        WorkersDied: every task died before it finished a video.
        Exception: the error that ended a task, such as a full disk.
    """
    with cluster() as ray:
        tasks, needs, device = share_out(ray.nodes(), execution.device)
        here = replace(execution, engine="local", device=device, quiet=True, log_file=None)
        group_task = GroupTask(
            RunFiles(files.root.absolute(), files.holds),
            _with_absolute_paths(settings),
            here,
            cores=int(needs["num_cpus"]),
        )
        remote = ray.remote(max_retries=ATTEMPTS - 1, retry_exceptions=[MissingDevice], **needs)
        running = _RunningTasks(ray, remote(extract_group), group_task)
        groups = divide(list(wanted), min(len(wanted), tasks * GROUPS_PER_TASK_SLOT))
        for group in groups:
            running.add({video: wanted[video] for video in group})
        return running.shares(shown)


@dataclass(frozen=True)
class GroupTask:
    """Arguments of all tasks, which Ray sends to the machines."""

    files: RunFiles
    settings: FeatureSettings
    execution: Execution
    cores: int


def extract_group(task: GroupTask, wanted: Wanted) -> Share:
    """Extract the unfinished videos of a group."""
    unfinished = {
        video: fingerprint
        for video, fingerprint in wanted.items()
        if not is_done(task.files, video.name, fingerprint)
    }
    with (
        ExtractionWorker(task.files, task.settings, task.execution, cores=task.cores) as worker,
        progress("", 0, "", quiet=True) as silent,
    ):
        failures = worker.extract(unfinished, silent)
        return worker.share(failures)


@dataclass
class _RunningTasks:
    """Groups in progress, and the results of finished ones."""

    ray: Ray
    function: Any
    """`extract_group` as Ray's remote function."""
    task: GroupTask
    groups: dict[Handle, Wanted] = field(default_factory=dict)
    """The videos of each task in progress."""
    done: list[Share] = field(default_factory=list)

    def add(self, group: Wanted) -> None:
        """Start a task for a group of videos."""
        self.groups[self.function.remote(self.task, group)] = group

    def shares(self, shown: Progress) -> list[Share]:
        """Wait for every group."""
        try:
            while self.groups:
                handle = self._next_handle()
                group = self.groups.pop(handle)
                share = self._result(handle, group)
                if share is not None:
                    self.done.append(share)
                    shown.advance(len(group))
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

    def _result(self, handle: Handle, group: Wanted) -> Share | None:
        """Result of the group's task; None if the task kept dying and the group was split."""
        try:
            share: Share = self.ray.get(handle)
        except self.ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except self.ray.exceptions.RayError as error:
            reason = type(error).__name__
            if len(group) == 1:
                return self._failed(next(iter(group)), reason)
            logger.warning("a task died %d times (%s); its videos run one by one", ATTEMPTS, reason)
            for video, fingerprint in group.items():
                self.add({video: fingerprint})
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
