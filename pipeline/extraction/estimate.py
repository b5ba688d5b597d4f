"""Estimates the time of a run on this machine from a measurement of about two seconds."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from c2fpl.extractors.cores import default_workers, usable_cores
from c2fpl.extractors.decoder_messages import SegmentFrames
from c2fpl.extractors.decoder_pool import DecoderPool
from c2fpl.extractors.devices import resolve_device
from c2fpl.extractors.encoding.encoder import unloaded_encoder
from c2fpl.extractors.encoding.held_frames import HeldFrames, SegmentEncoder
from c2fpl.extractors.settings import WITHOUT_NETWORK
from c2fpl.models.detection.training import Epoch, train
from c2fpl.models.settings import TrainingSettings
from c2fpl.models.sources import ArraySource
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.extraction.precisions import computes_on_gpu
from c2fpl.pipeline.settings import Execution

DECODING_S, ENCODING_S = 0.5, 1.0
"""Duration of each part of the measurement; training adds three passes over one batch."""
MAX_SEGMENTS = 32
WARM_UP_BELOW_S = 0.3
"""On a CPU, a longer first call is the measurement: initialisation is a small part of it."""


@dataclass(frozen=True)
class Speed:
    """Seconds per segment of 16 frames on this machine under its load during the measurement."""

    decode_s: float
    """Decoding, with one decoder."""
    encode_s: float
    """Cropping and network: wall time with all threads of the encoder."""
    train_s: float
    """One pass of training."""
    device: str
    """Name of the device: `cpu` or a GPU."""
    on_gpu: bool
    """Whether the network runs on a GPU and so leaves the cores to the decoders."""
    processes: int
    """GPUs that share the videos; 1 on the CPU, because its processes share the cores."""
    workers: int
    """Decoders per device."""

    def extraction_s(self, segments: int) -> float:
        """Seconds to extract this number of segments."""
        decode_s = self.decode_s / self.workers
        cores = usable_cores()
        together_s = (
            max(decode_s, self.encode_s) if self.on_gpu else self.encode_s + self.decode_s / cores
        )
        return segments * together_s / self.processes

    def training_s(self, segments: int, passes: int) -> float:
        """Seconds to train on this number of segments."""
        return segments * passes * self.train_s


def measure_speed(
    videos: Sequence[Path],
    settings: FeatureSettings,
    execution: Execution,
    training: TrainingSettings,
) -> Speed | None:
    """Decode, encode and train on the first video that can be decoded; None if there is none.

    The network is built without its weights, because the speed does not depend on them.

    Raises:
        MissingDevice, BadSettings: in the same cases as in the run.
    """
    device = resolve_device(execution.devices[0])
    on_gpu = computes_on_gpu(settings.extraction.backbone, device)
    one_crop = not on_gpu and settings.extraction.backbone not in WITHOUT_NETWORK
    measured = replace(settings.extraction, crops=1) if one_crop else settings.extraction
    encoder = unloaded_encoder(measured, device=device)
    segments, decode_s = decoded_segments(videos, settings, encoder)
    if not segments:
        return None
    crops = settings.extraction.crops
    seconds = seconds_to_encode(encoder, segments, warm_up_always=on_gpu)
    encode_s = seconds * (crops if one_crop else 1)
    random = np.random.default_rng(0).random((training.batch_size, crops, encoder.dim), np.float32)
    passes: list[Epoch] = []
    thrice, targets = replace(training, epochs=3, epoch_steps=1), np.zeros(len(random))
    train(ArraySource([random]), targets, thrice, device=device, after_epoch=passes.append)
    train_s = min(each.seconds for each in passes) / len(random)
    processes = len(execution.devices) if on_gpu else 1
    cores = max(1, usable_cores() // processes)
    workers = execution.workers or default_workers(cores, on_gpu=on_gpu)
    return Speed(decode_s, encode_s, train_s, str(device), on_gpu, processes, workers)


def decoded_segments(
    videos: Sequence[Path], settings: FeatureSettings, encoder: SegmentEncoder
) -> tuple[list[HeldFrames], float]:
    """Segments of the first video that has any, decoded for the encoder as in a run.

    Returns:
        The segments, and decoding seconds per segment.
    """
    segments: list[HeldFrames] = []
    tail, short_side_pixels = settings.extraction.tail, encoder.short_side_pixels
    with (
        DecoderPool(settings.decoding, short_side_pixels, tail=tail, receiver=encoder) as decoders,
        closing(decoders.lend(enumerate(videos))) as messages,
    ):
        start = time.perf_counter()
        for message in messages:
            now = time.perf_counter()
            if isinstance(message, SegmentFrames):
                start = start if segments else now  # do not count opening the file
                segments.append(encoder.take(message.frames, message.resize))
            enough = len(segments) == MAX_SEGMENTS or now - start > DECODING_S
            if segments and (enough or not isinstance(message, SegmentFrames)):
                return segments, (now - start) / max(len(segments) - 1, 1)
    return segments, 0.0


def seconds_to_encode(
    encoder: SegmentEncoder, segments: list[HeldFrames], *, warm_up_always: bool
) -> float:
    """Wall seconds per segment with all threads of the encoder.

    On a GPU, which needs `warm_up_always`, the first call starts CUDA and searches for kernels: it
    takes up to 100 times as long as the others.
    """
    size = 1 if encoder.segments_per_batch <= 4 else encoder.segments_per_batch
    batches = [
        [segments[(first + k) % len(segments)] for k in range(size)]
        for first in range(encoder.threads)
    ]
    with ThreadPoolExecutor(encoder.threads) as pool:
        begin = time.perf_counter()
        list(pool.map(encoder.encode, batches))
        first_s = time.perf_counter() - begin
        if first_s >= WARM_UP_BELOW_S and not warm_up_always:
            return first_s / (size * len(batches))
        rounds, begin = 0, time.perf_counter()
        while time.perf_counter() - begin < ENCODING_S:
            list(pool.map(encoder.encode, batches))
            rounds += 1
        return (time.perf_counter() - begin) / (rounds * size * len(batches))
