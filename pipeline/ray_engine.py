"""Many machines: a Ray actor per GPU (or per few CPUs), one video a call, the same files.

The output folder must be one that every machine sees. An actor that dies is started again, on
another machine if its own is gone, and its video is done again; a video that cannot be read is a
result like any other. Whatever is missing at the end, a local run of the same command does.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from c2fpl.pipeline.extraction_worker import ExtractionWorker, FeatureSettings, Share
from c2fpl.pipeline.files import RunFiles
from c2fpl.pipeline.outcomes import Failure
from c2fpl.pipeline.progress import Progress, progress
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos import VideoFile

logger = logging.getLogger(__name__)

CPUS_PER_ACTOR = 2
RETRIES = 5
"""Of a video whose actor or machine died under it."""


class NoCluster(RuntimeError):
    """Ray is not installed, or no cluster could be reached."""


def extract_on_cluster(
    files: RunFiles,
    settings: FeatureSettings,
    execution: Execution,
    wanted: dict[VideoFile, str],
    shown: Progress,
) -> list[Share]:
    """Extract all videos of `wanted` on the cluster that `ray start` made, or on one started here.

    Raises:
        NoCluster: no Ray, or no cluster.
    """
    ray = _connected()
    actors = _actors(ray, files, settings, execution)
    failures: list[Failure] = []
    for found in _results(ray, actors, wanted):
        failures.extend(found)
        shown.advance()
    seconds, encoder = ray.get(actors[0].facts.remote())
    for actor in actors:
        ray.kill(actor)
    return [Share(tuple(failures), {**seconds, "actors": len(actors)}, encoder)]


class VideoActor:
    """Holds one encoder for its life; each call does one video."""

    def __init__(self, files: RunFiles, settings: FeatureSettings, execution: Execution) -> None:
        self._worker = ExtractionWorker(files, settings, execution)

    def extract(self, video: VideoFile, wanted: str) -> list[Failure]:
        """Write the video's features; a failure is returned, not raised."""
        with progress("", 0, "", quiet=True) as silent:
            return self._worker.extract({video: wanted}, silent)

    def facts(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Seconds of the last video by stage, and what the encoder is."""
        return self._worker.seconds(), self._worker.provenance()


def _connected() -> Any:  # noqa: ANN401
    try:
        import ray
    except ImportError as error:
        raise NoCluster("Ray is not installed; pip install 'c2fpl[ray]'") from error
    if not ray.is_initialized():
        try:
            ray.init(address="auto", logging_level=logging.ERROR)
        except ConnectionError:
            ray.init(logging_level=logging.ERROR)
    return ray


def _actors(
    ray: Any,  # noqa: ANN401
    files: RunFiles,
    settings: FeatureSettings,
    execution: Execution,
) -> list[Any]:
    """One actor per GPU of the cluster, or per two CPUs where there is none or `cpu` was said."""
    resources = ray.cluster_resources()
    gpus = 0 if execution.device == "cpu" else int(resources.get("GPU", 0))
    count = gpus or max(1, int(resources.get("CPU", 1)) // CPUS_PER_ACTOR)
    needs = {"num_gpus": 1} if gpus else {"num_cpus": min(CPUS_PER_ACTOR, resources["CPU"])}
    there = RunFiles(files.root.absolute(), files.holds)
    here = replace(execution, engine="local", quiet=True)
    kind = ray.remote(max_restarts=-1, max_task_retries=RETRIES, **needs)(VideoActor)
    return [kind.remote(there, settings, here) for _ in range(count)]


def _results(ray: Any, actors: list[Any], wanted: dict[VideoFile, str]) -> Iterator[list[Failure]]:  # noqa: ANN401
    """Every actor has one video at a time; the next one goes to whoever is done first."""
    waiting = iter(wanted.items())
    busy = {}
    for actor, (video, made) in zip(actors, waiting, strict=False):
        busy[actor.extract.remote(video, made)] = (actor, video)
    while busy:
        (done,), _ = ray.wait(list(busy), num_returns=1)
        actor, video = busy.pop(done)
        try:
            yield ray.get(done)
        except ray.exceptions.RayActorError as error:
            reason = f"its actor died {RETRIES + 1} times ({type(error).__name__}); run again"
            yield [Failure(video.name, "extract", reason)]
        for following, made in waiting:
            busy[actor.extract.remote(following, made)] = (actor, following)
            break
