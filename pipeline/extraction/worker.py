"""Extracts features on one device and writes them to features/<name>.npy and .json."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from c2fpl.extractors.cores import default_workers
from c2fpl.extractors.devices import explain_device_failures, resolve_device
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.extraction.feature_writer import FeatureWriter, GrowingArray
from c2fpl.pipeline.extraction.freshness import is_done
from c2fpl.pipeline.extraction.precisions import computes_on_gpu
from c2fpl.pipeline.files.outcomes import Failure
from c2fpl.pipeline.files.progress import Progress
from c2fpl.pipeline.files.run_files import RunFiles, beside, save_json
from c2fpl.pipeline.files.saved_times import save_times, times_facts
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import VideoFile

if TYPE_CHECKING:
    from c2fpl.extractors.decoding.video import DecodeReport
    from c2fpl.extractors.encoding.held_frames import SegmentEncoder
    from c2fpl.extractors.extraction import ExtractionMessage

logger = logging.getLogger(__name__)
STEP = "extract"
_BUSY = 0.9
"""Share of the time from which the network is the bottleneck, whatever was waited for."""


@dataclass(frozen=True)
class Share:
    """Result of one process of an extraction."""

    failures: tuple[Failure, ...]
    seconds: dict[str, Any] | None = None
    """Seconds by stage, occupancy of the network and the bottleneck; None if unknown."""
    encoder: dict[str, Any] | None = None
    """Backbone, precision, SHA-256 of its weights, and facts about a GPU; None if unknown."""


@dataclass(frozen=True)
class ExtractionWork:
    """Videos to extract in one process, and how; it can be sent to the process."""

    files: RunFiles
    settings: FeatureSettings
    execution: Execution
    wanted: Mapping[VideoFile, str]
    """Videos with the fingerprints of the features to extract."""
    cores: int | None = None
    """CPU cores to use; None for all that the process may use."""

    def of(self, videos: Iterable[VideoFile], execution: Execution, cores: int) -> Self:
        """The same for some of the videos, with another execution."""
        wanted = {video: self.wanted[video] for video in videos}
        return replace(self, wanted=wanted, execution=execution, cores=cores)

    def unfinished(self) -> Self:
        """The same without the videos that are done."""
        wanted = {
            video: fingerprint
            for video, fingerprint in self.wanted.items()
            if not is_done(self.files, video.name, fingerprint)
        }
        return replace(self, wanted=wanted)

    def extract(self, shown: Progress) -> Share:
        """Extract all videos in this process; errors as those of `ExtractionWorker`."""
        with ExtractionWorker(
            self.files, self.settings, self.execution, cores=self.cores
        ) as worker:
            return worker.extract(self.wanted, shown)


class ExtractionWorker:
    """One encoder on one device with its decoders; use as a context manager.

    Args:
        files: the output folder.
        settings: what to extract, and how to decode.
        execution: device, batch size and number of decoders.
        cores: CPU cores to use; None for all that this process may use.

    Raises:
        MissingDevice, BadWeights: on construction, before decoding starts.
    """

    def __init__(
        self,
        files: RunFiles,
        settings: FeatureSettings,
        execution: Execution,
        *,
        cores: int | None = None,
    ) -> None:
        device = resolve_device(execution.device)
        on_gpu = computes_on_gpu(settings.extraction.backbone, device)

        from c2fpl.extractors.decoder_pool import DecoderPool
        from c2fpl.extractors.encoding.allocator import keep_freed_memory
        from c2fpl.extractors.encoding.encoder import make_encoder
        from c2fpl.extractors.extraction import Extraction

        self._files, self._settings = files, settings
        with explain_device_failures():
            self._encoder: SegmentEncoder = make_encoder(
                replace(settings.extraction, precision=settings.precision),
                device=device,
                batch_size=execution.segments_per_call or None,
                threads=cores,
            )
        self._decoders = DecoderPool(
            settings.decoding,
            self._encoder.short_side_pixels,
            tail=settings.extraction.tail,
            workers=execution.workers or default_workers(cores, on_gpu=on_gpu),
            receiver=self._encoder,
        )
        self._extraction = Extraction(self._decoders, self._encoder)
        self._write_seconds = 0.0
        if not on_gpu:
            keep_freed_memory()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        from c2fpl.extractors.encoding.allocator import return_freed_memory

        self._decoders.__exit__(*error)
        return_freed_memory()

    def extract(self, wanted: Mapping[VideoFile, str], shown: Progress) -> Share:
        """Extract and write the features of videos in the given order, with their fingerprints.

        Errors of single videos are not raised.

        Raises:
            MissingDevice: the device failed, or has too little memory for one clip.
            OSError: the disk is full or not writable.
        """
        from c2fpl.extractors.decoder_messages import Decoded, Undecodable
        from c2fpl.extractors.extraction import FeatureRows

        by_name = {video.name: video for video in wanted}
        failures: list[Failure] = []
        with FeatureWriter(self._path_of, self._settings.extraction.dtype) as writer:
            for message in self._messages(wanted):
                if isinstance(message, FeatureRows):
                    writer.append(message.key, message.values)
                    continue
                video = by_name[str(message.key)]
                if isinstance(message, Decoded):
                    loss = message.report.loss
                    decoded = f"{loss}; the decoded frames are used" if loss else ""
                    for remark in (decoded, message.report.streams, message.report.times.remark):
                        if remark:
                            logger.warning("%s: %s", video.path, remark)
                    facts = (video, wanted[video], message.report, failures)
                    writer.publish(message.key, partial(self._publish, *facts))
                else:
                    writer.discard(message.key)
                if isinstance(message, Undecodable):
                    failures.append(Failure(video.name, STEP, message.reason))
                    logger.warning("%s: %s", video.path, message.reason)
                if isinstance(message, Decoded | Undecodable):
                    shown.advance()
        self._write_seconds += writer.seconds
        gpu = {"gpu": dict(self._encoder.facts)} if self._encoder.facts else {}
        return Share(tuple(failures), self._seconds(), {**self._provenance(), **gpu})

    def _messages(self, videos: Iterable[VideoFile]) -> Iterator["ExtractionMessage"]:
        with explain_device_failures():
            yield from self._extraction.extract((video.name, video.path) for video in videos)

    def _seconds(self) -> dict[str, Any]:
        """Busy and waiting seconds by stage, wall seconds, network occupancy and bottleneck."""
        stages = self._extraction.stages
        busy = stages.network / max(stages.total * self._encoder.threads, 1e-9)
        return {
            "decode": stages.decode,
            "crops+network": stages.network,
            "write": self._write_seconds,
            "wall": stages.total,
            "wait_for_frames": stages.wait_for_frames,
            "wait_for_features": stages.wait_for_features,
            "wait_for_writer": stages.wait_for_consumer,
            "network_occupancy": round(busy, 4),
            "limit": "network" if busy > _BUSY else stages.limit,
        }

    def _provenance(self) -> dict[str, Any]:
        """Backbone, precision and weights that produced the features."""
        return {
            "backbone": self._settings.extraction.backbone,
            "precision": self._encoder.precision,
            "weights_sha256": self._encoder.weights_sha256,
        }

    def _path_of(self, key: object) -> Path:
        return beside(self._files.features, str(key), ".npy")

    def _publish(
        self,
        video: VideoFile,
        wanted: str,
        report: "DecodeReport",
        failures: list[Failure],
        array: GrowingArray,
    ) -> None:
        """Publish the finished array, then the .json that marks it as done."""
        record = beside(self._files.features, video.name, ".json")
        record.unlink(missing_ok=True)
        if not array.finite:
            array.discard()
            reason = (
                f"features exceed the range of {self._settings.extraction.dtype}; "
                "use --dtype float32 or --precision fp32"
            )
            failures.append(Failure(video.name, STEP, reason))
            return
        array.publish()
        save_times(self._files.features, video.name, report.times)
        save_json(record, self._record(video, wanted, report, array))

    def _record(
        self, video: VideoFile, wanted: str, report: "DecodeReport", array: GrowingArray
    ) -> dict[str, Any]:
        return {
            "video": video.name,
            "source": os.fspath(video.path),
            "status": "done",
            **report.as_json(),
            **times_facts(report.times),
            **self._provenance(),
            "segments": array.rows,
            "crops": self._encoder.crops,
            "dim": self._encoder.dim,
            "settings": self._settings.as_json(),
            "fingerprint": wanted,
        }
