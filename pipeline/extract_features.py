"""Step 1: videos -> features/<name>.npy and .json; what is done and unchanged is not done again."""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.pipeline.feature_writer import FeatureWriter, GrowingArray
from c2fpl.pipeline.files import (
    NotAnObject,
    RunFiles,
    beside,
    fingerprint,
    load_json,
    save_json,
)
from c2fpl.pipeline.outcomes import Failure, save_failures
from c2fpl.pipeline.progress import Progress, progress
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos import VideoFile

if TYPE_CHECKING:
    from c2fpl.extractors.decoding import DecodeReport
    from c2fpl.extractors.encoder import SegmentEncoder

logger = logging.getLogger(__name__)
STEP = "extract"


@dataclass(frozen=True)
class ExtractionReport:
    """What the step did."""

    ready: tuple[str, ...]
    """Names of the videos whose features are whole, made now or before."""
    kept: int
    """How many of them were done before, with the same settings."""
    failures: tuple[Failure, ...]
    """Videos that could not be read."""
    seconds: dict[str, Any] = field(default_factory=dict)
    """Seconds and occupancy by stage, and the stage that is the limit."""
    encoder: dict[str, Any] = field(default_factory=dict)
    """Backbone, precision and SHA-256 of its weights; empty where nothing had to be done."""


@dataclass(frozen=True)
class FeatureSettings:
    """All that decides what a feature file holds."""

    extraction: ExtractionSettings
    decoding: DecodingSettings

    def fingerprint(self, video: Path, weights_sha256: str | None) -> str:
        """Of one video's features: settings, weights by content, and the video's size in bytes.

        The video's date is left out on purpose: a copied disk must not cost a new extraction.
        """
        settings = asdict(replace(self.extraction, weights=None))
        size_bytes = video.stat().st_size if video.exists() else -1
        return fingerprint(
            {**settings, **asdict(self.decoding), "weights": weights_sha256, "bytes": size_bytes}
        )


def extract_features(
    files: RunFiles,
    videos: Sequence[VideoFile],
    settings: FeatureSettings,
    execution: Execution,
) -> ExtractionReport:
    """Extract every video that has no features of these settings yet.

    Raises:
        MissingWeights, WrongWeights: the backbone cannot be built (nothing was decoded).
        MissingDevice: the device asked for is not here.
        OSError: the output folder cannot be written (what is finished stays whole).
    """
    index, count = execution.shard_of
    mine = list(videos)[index - 1 :: count]
    weights_sha256 = _weights_sha256(settings.extraction)
    wanted = {video: settings.fingerprint(video.path, weights_sha256) for video in mine}
    todo = [v for v in mine if execution.overwrite or not is_done(files, v.name, wanted[v])]
    kept = len(mine) - len(todo)
    if kept:
        logger.info("%d of %d videos have features of these settings already", kept, len(mine))
    if not todo:
        save_failures(files, STEP, [])
        return ExtractionReport(tuple(video.name for video in mine), kept, ())
    todo.sort(key=_size_bytes, reverse=True)  # the longest first: no core waits for one at the end
    worker = ExtractionWorker(files, settings, execution)
    with progress("extract", len(todo), "videos", quiet=execution.quiet) as shown:
        failures = worker.extract(todo, wanted, shown)
    save_failures(files, STEP, failures)
    failed = {failure.video for failure in failures}
    ready = tuple(video.name for video in mine if video.name not in failed)
    return ExtractionReport(ready, kept, tuple(failures), worker.seconds(), worker.provenance())


class ExtractionWorker:
    """One encoder on one device with its decoders; used in this process or in one a device."""

    def __init__(self, files: RunFiles, settings: FeatureSettings, execution: Execution) -> None:
        from c2fpl.extractors.encoder import make_encoder
        from c2fpl.pipeline.devices import resolve_device

        self._files, self._settings = files, settings
        self._workers = execution.workers or default_workers()
        device = resolve_device(execution.device)
        self._encoder: SegmentEncoder = make_encoder(
            settings.extraction, device=device, batch_size=execution.batch_size or None
        )
        self._stages: list[Any] = []

    def extract(
        self, videos: Sequence[VideoFile], wanted: dict[VideoFile, str], shown: Progress
    ) -> list[Failure]:
        """Write features of all videos; the failures are returned, not raised."""
        from c2fpl.extractors.decoder_process import Decoded, Undecodable, WatchedDecoders
        from c2fpl.extractors.extraction import Extraction, FeatureRows

        by_name = {video.name: video for video in videos}
        failures: list[Failure] = []
        with (
            WatchedDecoders(
                self._settings.decoding,
                self._encoder.short_side_pixels,
                tail=self._settings.extraction.tail,
                workers=self._workers,
            ) as decoders,
            FeatureWriter(self._path_of, self._settings.extraction.dtype) as writer,
        ):
            extraction = Extraction(decoders, self._encoder)
            self._stages.append(extraction.stages)
            for message in extraction.extract((v.name, v.path) for v in videos):
                if isinstance(message, FeatureRows):
                    writer.append(message.key, message.values)
                    continue
                video = by_name[str(message.key)]
                if isinstance(message, Decoded):
                    publish = self._publisher(video, wanted[video], message.report, failures)
                    writer.publish(message.key, publish)
                else:
                    writer.discard(message.key)
                if isinstance(message, Undecodable):
                    failures.append(Failure(video.name, STEP, message.reason))
                    logger.warning("%s: %s", video.path, message.reason)
                if isinstance(message, Decoded | Undecodable):
                    shown.advance()
        return failures

    def seconds(self) -> dict[str, Any]:
        """Wall and busy seconds by stage over all calls, occupancy of the network, the limit."""
        stages = self._stages[-1]
        busy = stages.network / max(stages.total * self._encoder.threads, 1e-9)
        return {**asdict(stages), "network_occupancy": round(busy, 4), "limit": stages.limit}

    def provenance(self) -> dict[str, Any]:
        """Which network in which arithmetic made the features."""
        return {
            "backbone": self._settings.extraction.backbone,
            "precision": self._encoder.precision,
            "weights_sha256": self._encoder.weights_sha256,
        }

    def _path_of(self, key: object) -> Path:
        return beside(self._files.features, str(key), ".npy")

    def _publisher(
        self,
        video: VideoFile,
        wanted: str,
        report: "DecodeReport",
        failures: list[Failure],
    ) -> Callable[[GrowingArray], None]:
        """Give the array its name, then the .json that marks it as done."""
        record = beside(self._files.features, video.name, ".json")

        def publish(array: GrowingArray) -> None:
            record.unlink(missing_ok=True)
            if not array.finite:
                array.discard()
                reason = (
                    f"features beyond {self._settings.extraction.dtype}; "
                    "use --dtype float32 or --precision fp32"
                )
                failures.append(Failure(video.name, STEP, reason))
                return
            array.publish()
            save_json(record, self._record(video, wanted, report, array))

        return publish

    def _record(
        self, video: VideoFile, wanted: str, report: "DecodeReport", array: GrowingArray
    ) -> dict[str, Any]:
        return {
            "video": video.name,
            "source": os.fspath(video.path),
            "status": "done",
            **asdict(report),
            **self.provenance(),
            "segments": array.rows,
            "crops": self._encoder.crops,
            "dim": self._encoder.dim,
            "settings": {
                **asdict(replace(self._settings.extraction, weights=None)),
                **asdict(self._settings.decoding),
            },
            "fingerprint": wanted,
        }


def is_done(files: RunFiles, name: str, wanted: str) -> bool:
    """Whether the features of this video are whole and of the wanted settings."""
    record = beside(files.features, name, ".json")
    if not record.exists() or not beside(files.features, name, ".npy").exists():
        return False
    try:
        return load_json(record).get("fingerprint") == wanted
    except NotAnObject:
        return False


def default_workers() -> int:
    """Decoder processes: decoding is a few percent of a CPU run and must not crowd it out."""
    return max(1, min(8, (os.cpu_count() or 1) // 2))


def _weights_sha256(extraction: ExtractionSettings) -> str | None:
    """Of the given file, read before anything else so that a wrong path fails at once."""
    if extraction.weights is None:
        return None
    from c2fpl.extractors.weights import file_sha256

    return file_sha256(extraction.weights)


def _size_bytes(video: VideoFile) -> int:
    return video.path.stat().st_size if video.path.exists() else 0
