"""Step 1: extracts features of videos, skipping those that are up to date."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from c2fpl.extractors.settings import WITHOUT_NETWORK, ExtractionSettings
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.extraction.freshness import (
    finished_precision,
    is_done,
    record_of,
    size_bytes,
)
from c2fpl.pipeline.extraction.precisions import auto_precision, check_can_continue
from c2fpl.pipeline.extraction.worker import STEP, ExtractionWork, Share
from c2fpl.pipeline.files.outcomes import Failure, save_failures
from c2fpl.pipeline.files.progress import Progress, progress
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.wording import counted, what_changed
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import VideoFile
from c2fpl.pipeline.videos.name_limits import unusable_names

logger = logging.getLogger(__name__)

_BYTES_TO_OPEN = 1 << 17
"""Opening a file takes about as long as decoding this many bytes; for the estimate of time."""


@dataclass(frozen=True)
class ExtractionReport:
    """Result of the extraction step."""

    ready: tuple[str, ...]
    """Names of the videos that have features, extracted now or before."""
    kept: int
    """Number of them that were extracted before, with the same settings."""
    failures: tuple[Failure, ...]
    seconds: Sequence[dict[str, Any]] = ()
    """Per process: seconds by stage, occupancy of the network and the bottleneck."""
    encoder: dict[str, Any] = field(default_factory=dict)
    """Backbone, precision and SHA-256 of its weights; empty if nothing was extracted."""

    def limit(self) -> str:
        """One line that names the bottleneck; empty if nothing was extracted."""
        if not self.seconds:
            return ""
        longest = max(self.seconds, key=lambda process: float(process["wall"]))
        busy = 100 * longest["network_occupancy"]
        return f"bottleneck: {longest['limit']}; the network was busy {busy:.0f} % of the time"

    def as_json(self) -> dict[str, Any]:
        """Content for run.json."""
        counts = {"ready": len(self.ready), "kept": self.kept, "failed": len(self.failures)}
        return {**counts, **self.encoder, "processes": list(self.seconds)}


def extract_features(
    files: RunFiles,
    videos: Sequence[VideoFile],
    settings: FeatureSettings,
    execution: Execution,
    *,
    keep_failures: bool = False,
) -> ExtractionReport:
    """Extract the features of every video that has no features of these settings yet.

    `keep_failures` keeps the failures of other videos in failed.csv.

    Raises:
        BadWeights: the backbone cannot be built; nothing was decoded.
        MissingDevice: this machine does not have the requested device.
        OSError: the output folder is not writable; finished videos are kept.
    """
    work = still_to_do(files, videos, settings, execution)
    _log_plan(files, work)
    if work.todo and execution.engine == "local":
        check_can_continue(work.settings.auto_precision, execution.devices)
    # Start with the longest videos, so that no core waits for one at the end.
    todo = sorted(work.todo, key=size_bytes, reverse=True)
    shares: list[Share] = []
    sizes = [_BYTES_TO_OPEN + size_bytes(video) for video in todo]
    with progress("extract", len(todo), "videos", quiet=execution.quiet, work=sizes) as shown:
        if todo:
            wanted = {video: work.fingerprints[video] for video in todo}
            shares = _run_engine(ExtractionWork(files, work.settings, execution, wanted), shown)
    failures = (*work.refused, *(failure for share in shares for failure in share.failures))
    names = [video.name for video in work.videos]
    some = keep_failures or execution.shard_of != (1, 1)
    save_failures(files, STEP, failures, of=names if some else None)
    failed = {failure.video for failure in failures}
    ready = tuple(name for name in names if name not in failed)
    seconds = [share.seconds for share in shares if share.seconds is not None]
    encoders = [share.encoder for share in shares if share.encoder is not None]
    return ExtractionReport(ready, work.kept, failures, seconds, encoders[0] if encoders else {})


@dataclass(frozen=True)
class Work:
    """Videos of a shard by what an extraction has to do."""

    settings: FeatureSettings
    """The settings, with the precision that `auto` means."""
    videos: tuple[VideoFile, ...]
    """All videos of the shard, in name order."""
    todo: tuple[VideoFile, ...]
    """Videos without features of these settings."""
    fingerprints: Mapping[VideoFile, str]
    """Expected fingerprint of each video's features."""
    refused: tuple[Failure, ...]
    """Videos with unusable names, which fail without being opened."""

    @property
    def kept(self) -> int:
        """Number of videos that have features of these settings already."""
        return len(self.videos) - len(self.todo) - len(self.refused)


def still_to_do(
    files: RunFiles,
    videos: Sequence[VideoFile],
    settings: FeatureSettings,
    execution: Execution,
) -> Work:
    """Find out which videos need to be extracted; nothing is decoded or written."""
    index, count = execution.shard_of
    mine = list(videos)[index - 1 :: count]
    reasons = unusable_names(files, (video.name for video in videos))
    refused = [Failure(v.name, STEP, reasons[v.name]) for v in mine if v.name in reasons]
    weights_sha256 = _weights_sha256(settings.extraction)
    usable = [video for video in mine if video.name not in reasons]
    records = (record_of(files, video.name) for video in usable if not execution.overwrite)
    settings = _with_precision(settings, weights_sha256, records, execution)
    wanted = {video: settings.fingerprint(video.path, weights_sha256) for video in usable}
    todo = [v for v in usable if execution.overwrite or not is_done(files, v.name, wanted[v])]
    return Work(settings, tuple(mine), tuple(todo), wanted, tuple(refused))


def _with_precision(
    settings: FeatureSettings,
    weights_sha256: str | None,
    records: Iterable[Mapping[str, Any]],
    execution: Execution,
) -> FeatureSettings:
    """Settings with the precision that `auto` means: that of finished features, else the fastest.

    A run that moves to another device thus continues in the precision in which it began.
    """
    if settings.extraction.precision != "auto" or settings.extraction.backbone in WITHOUT_NETWORK:
        return settings
    finished = finished_precision(records, settings.as_json(), weights_sha256)
    precision = finished or auto_precision(execution.devices)
    return replace(settings, auto_precision=precision)


def _log_plan(files: RunFiles, work: Work) -> None:
    """Log how many features exist, and which changed settings make others outdated."""
    if work.kept:
        of = counted(len(work.videos), "video")
        logger.info("features with these settings exist already for %d of %s", work.kept, of)
    records = (record_of(files, video.name) for video in work.todo)
    causes = Counter(_cause(before, work.settings) for before in records if before)
    for cause, count in causes.items():
        logger.info("features: %s changed, extracting %s again", cause, counted(count, "video"))


def _cause(before: Mapping[str, Any], settings: FeatureSettings) -> str:
    """What makes the features with this record outdated."""
    if changed := what_changed(before.get("settings", {}), settings.as_json()):
        return changed
    same_precision = settings.precision in ("auto", before.get("precision"))
    return "video or weights" if same_precision else "precision"


def _run_engine(work: ExtractionWork, shown: Progress) -> list[Share]:
    """Extract in this process, in one process per device, or on a Ray cluster."""
    if work.execution.engine == "ray":
        from c2fpl.pipeline.extraction.ray_engine import extract_on_cluster

        return extract_on_cluster(work, shown)
    if len(work.execution.devices) > 1:
        from c2fpl.pipeline.extraction.device_processes import extract_on_devices

        return extract_on_devices(work, shown)
    return [work.extract(shown)]


def _weights_sha256(extraction: ExtractionSettings) -> str | None:
    """SHA-256 of the weights given, if any; read first, so that a wrong path fails immediately."""
    if extraction.weights is None:
        return None
    from c2fpl.extractors.backbones.official import sha256

    return sha256(extraction.weights)
