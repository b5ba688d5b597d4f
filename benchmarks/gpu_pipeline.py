"""The feed of a GPU, the whole pipeline and the training; each returns rows of a table."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from gpu_network import SEGMENT_FRAMES, Rows
from numpy.typing import NDArray

from c2fpl.extractors.decoder_messages import SegmentFrames
from c2fpl.extractors.decoder_pool import DecoderPool
from c2fpl.extractors.encoding.encoder import make_encoder
from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.models.detection.training import Epoch, train
from c2fpl.models.settings import TrainingSettings
from c2fpl.models.sources import ArraySource
from c2fpl.pipeline.demo_videos import plan_videos, write_videos
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.extraction.worker import ExtractionWorker
from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import VideoFile

SHORT_SIDE_PIXELS = 256
UCF_STEPS = 6094
"""Steps of an epoch of UCF-Crime: 779,951 segments in batches of 128."""


def generated_videos(folder: Path, count: int, most_frames: int) -> list[Path]:
    """Write H.264 videos of 320x240 pixels and 240 to 400 frames, cut after `most_frames`."""
    plans = plan_videos(count=count, seed=0)
    write_videos(
        [replace(plan, frame_count=min(plan.frame_count, most_frames)) for plan in plans], folder
    )
    return sorted(folder.glob("*.mp4"))


class SmallFrames:
    """Receives frames as the encoder of a GPU does, which resizes them; drops them."""

    resizes_frames = True

    def pin(self, memory: NDArray[np.uint8]) -> Callable[[], None]:
        """Does nothing."""
        return lambda: None


def feed(videos: Sequence[Path], workers: Sequence[int]) -> Rows:
    """The decoders alone, with the resize on the CPU and without it; no frame is copied."""
    rows: Rows = []
    for count, receiver in product(workers, (None, SmallFrames())):
        with DecoderPool(
            DecodingSettings(), SHORT_SIDE_PIXELS, workers=count, receiver=receiver
        ) as decoders:
            list(decoders.decode(enumerate(videos[:count])))  # starts the processes
            start, cpu = time.perf_counter(), time.process_time()
            messages = decoders.lend(enumerate(videos))
            segments = sum(isinstance(message, SegmentFrames) for message in messages)
            wall_s, cpu_s = time.perf_counter() - start, time.process_time() - cpu
        rows.append(
            {
                "decoders": count,
                "resize": "CPU" if receiver is None else "left to the GPU",
                "frames/s": SEGMENT_FRAMES * segments / wall_s,
                "parent, CPU ms a segment": 1e3 * cpu_s / segments,
            }
        )
    return rows


def pipeline(
    settings: ExtractionSettings,
    execution: Execution,
    videos: Sequence[Path],
    workers: Sequence[int],
    seconds: float,
    folder: Path,
) -> Rows:
    """The encoder alone on frames in memory, then videos to feature files."""
    alone = encoder_rate(settings, execution, seconds)
    rows: Rows = [{"way": "encoder alone", "frames/s": alone}]
    for count in workers:
        files = RunFiles(folder / f"{settings.backbone}-{count}")
        rate, spent = worker_rate(settings, replace(execution, workers=count), videos, files)
        shown = ("network_occupancy", "wait_for_frames", "wait_for_features", "limit")
        rows.append(
            {
                "way": f"videos to files, {count} decoders",
                "frames/s": rate,
                "of the encoder": rate / alone,
                **{name: spent[name] for name in shown},
            }
        )
    return rows


def worker_rate(
    settings: ExtractionSettings, execution: Execution, videos: Sequence[Path], files: RunFiles
) -> tuple[float, dict[str, float]]:
    """Frames a second of the extraction of all videos, and its seconds by stage."""
    named = {VideoFile(f"v{number}", path): "" for number, path in enumerate(videos)}
    features = FeatureSettings(settings, DecodingSettings())
    with (
        ExtractionWorker(files, features, execution) as worker,
        progress("", 0, "", quiet=True) as silent,
    ):
        share = worker.extract(named, silent)
    if share.failures:
        raise RuntimeError(share.failures[0].reason)
    spent = share.seconds or {}
    segments = sum(len(np.load(path, mmap_mode="r")) for path in files.features.glob("*.npy"))
    return SEGMENT_FRAMES * segments / spent["wall"], spent


def encoder_rate(settings: ExtractionSettings, execution: Execution, seconds: float) -> float:
    """Frames a second of the encoder with all its threads, frames already where it computes."""
    batch_size = execution.segments_per_call or None
    encoder = make_encoder(settings, device=execution.device, batch_size=batch_size)
    side = encoder.short_side_pixels
    shape = (SEGMENT_FRAMES, side, side * 4 // 3, 3)
    frames = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    calls = [[encoder.take(frames)] * encoder.segments_per_batch] * (2 * encoder.threads)
    segments = 0
    with ThreadPoolExecutor(encoder.threads) as pool:
        list(pool.map(encoder.encode, calls))
        start = time.perf_counter()
        while segments == 0 or time.perf_counter() - start < seconds:
            segments += sum(map(len, pool.map(encoder.encode, calls)))
        return SEGMENT_FRAMES * segments / (time.perf_counter() - start)


def training(device: torch.device, segments: int, crops: int, dim: int) -> Rows:
    """Training steps at the shape of UCF-Crime, and how long an epoch of it would take."""
    rng = np.random.default_rng(0)
    values = rng.random((segments, crops, dim), np.float32).astype(np.float16)
    labels = (rng.random(segments) < 0.1).astype(np.float32)
    settings = TrainingSettings(epochs=3)
    found: list[Epoch] = []
    train(ArraySource([values]), labels, settings, device=device, after_epoch=found.append)
    steps = settings.passes(segments) * -(-segments // settings.batch_size)
    step_s = min(epoch.seconds for epoch in found) / steps
    return [{"ms a step": 1e3 * step_s, "epoch of UCF-Crime, s": UCF_STEPS * step_s}]
