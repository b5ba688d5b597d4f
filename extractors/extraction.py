"""Extracts features of many videos with one encoder, in batches that span videos.

The messages of a video are in order: rows of segments 0, 1, 2, ..., then its end. Batches are
filled across videos, so short videos do not leave the device idle. At most `encoder.threads` + 1
batches are in flight, so memory does not depend on the length or the number of videos.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.decoder_messages import (
    Decoded,
    Key,
    Message,
    Restarted,
    SegmentFrames,
    Undecodable,
)
from c2fpl.extractors.decoder_pool import DecoderPool
from c2fpl.extractors.encoding.held_frames import HeldFrames, SegmentEncoder


@dataclass(frozen=True, eq=False)
class FeatureRows:
    """Features of consecutive segments of one video."""

    key: Key
    values: NDArray[np.float32]
    """float32 (segments, crops, dim)."""


ExtractionMessage: TypeAlias = FeatureRows | Decoded | Undecodable | Restarted
"""`Restarted` revokes the rows yielded so far; `Decoded` and `Undecodable` end a video."""


@dataclass
class StageSeconds:
    """Time spent in each stage of an extraction, in seconds; waits are those of the main thread."""

    wait_for_frames: float = 0.0
    """Waiting for decoded segments."""
    wait_for_features: float = 0.0
    wait_for_consumer: float = 0.0
    """Waiting for the caller, who writes the rows."""
    network: float = 0.0
    """Busy time of cropping and the network, summed over threads."""
    decode: float = 0.0
    """Busy time of the decoders, summed over processes."""
    total: float = 0.0
    """Wall time."""

    @property
    def limit(self) -> str:
        """The bottleneck: the stage that the others waited for longest."""
        waits = {
            "decode": self.wait_for_frames,
            "network": self.wait_for_features,
            "write": self.wait_for_consumer,
        }
        return max(waits, key=waits.__getitem__)


@dataclass
class _Batch:
    """Segments encoded together."""

    keys: list[Key] = field(default_factory=list)
    segments: list[HeldFrames] = field(default_factory=list)
    features: "Future[tuple[NDArray[np.float32], float]] | None" = None

    def rows(self, stages: StageSeconds) -> Iterator[FeatureRows]:
        """Wait for the features; yield one message per run of segments of the same video."""
        assert self.features is not None
        start = time.perf_counter()
        values, seconds = self.features.result()
        stages.wait_for_features += time.perf_counter() - start
        stages.network += seconds
        first = 0
        for key, run in groupby(self.keys):
            end = first + len(list(run))
            yield FeatureRows(key, values[first:end])
            first = end


class Extraction:
    """Feeds one encoder from a pool of decoders; `stages` holds the time spent in each stage."""

    def __init__(self, decoders: DecoderPool, encoder: SegmentEncoder) -> None:
        self.stages = StageSeconds()
        self._decoders = decoders
        self._encoder = encoder
        self._queue: deque[_Batch | Decoded | Undecodable | Restarted] = deque()

    def extract(self, videos: Iterable[tuple[Key, Path]]) -> Iterator[ExtractionMessage]:
        """Yield the features of every video; a video that fails does not affect the others.

        Errors of the network are not caught.
        """
        begin = time.perf_counter()
        with ThreadPoolExecutor(self._encoder.threads, "encoder") as pool:
            try:
                with closing(self._decoders.lend(videos)) as decoded:
                    yield from self._timed(self._messages(decoded, pool))
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
                self._queue.clear()
                self.stages.total += time.perf_counter() - begin

    def _messages(
        self, decoded: Iterable[Message], pool: ThreadPoolExecutor
    ) -> Iterator[ExtractionMessage]:
        filling = _Batch()
        start = time.perf_counter()
        for message in decoded:
            self.stages.wait_for_frames += time.perf_counter() - start
            if isinstance(message, SegmentFrames):
                filling = self._added(filling, message, pool)
            else:
                if isinstance(message, Restarted):  # new segments must not precede this message
                    filling = self._sent(filling, pool)
                self._queue.append(message)
            yield from self._finished(in_flight=self._encoder.threads + 1)
            start = time.perf_counter()
        self._sent(filling, pool)
        yield from self._finished(in_flight=0)

    def _added(self, batch: _Batch, message: SegmentFrames, pool: ThreadPoolExecutor) -> _Batch:
        """Add a segment to the batch and submit the batch when it is full; return the next batch.

        A batch enters the queue with its first segment, to keep the order of messages.
        """
        if not batch.segments:
            self._queue.append(batch)
        batch.keys.append(message.key)
        batch.segments.append(self._encoder.take(message.frames, message.resize))
        if len(batch.segments) < self._encoder.segments_per_batch:
            return batch
        return self._sent(batch, pool)

    def _sent(self, batch: _Batch, pool: ThreadPoolExecutor) -> _Batch:
        """Submit the batch to the network, unless it is empty; return a new batch."""
        if batch.segments:
            batch.features = pool.submit(self._encode, batch.segments)
        return _Batch()

    def _encode(self, segments: list[HeldFrames]) -> tuple[NDArray[np.float32], float]:
        """Features float32 (segments, crops, dim) of a batch, and the busy seconds."""
        start = time.perf_counter()
        values = self._encoder.encode(segments)
        segments.clear()
        return values, time.perf_counter() - start

    def _finished(self, *, in_flight: int) -> Iterator[ExtractionMessage]:
        """Yield finished items from the front of the queue, waiting if too many are in flight."""
        while self._queue:
            head = self._queue[0]
            if not isinstance(head, _Batch):
                yield head
            elif head.features is None:
                return
            elif head.features.done() or self._number_in_flight() > in_flight:
                yield from head.rows(self.stages)
            else:
                return
            self._queue.popleft()

    def _number_in_flight(self) -> int:
        return sum(
            isinstance(item, _Batch) and item.features is not None and not item.features.done()
            for item in self._queue
        )

    def _timed(self, messages: Iterator[ExtractionMessage]) -> Iterator[ExtractionMessage]:
        """Pass messages on and measure the time that the consumer takes."""
        for message in messages:
            if isinstance(message, Decoded):
                self.stages.decode += message.report.seconds
            start = time.perf_counter()
            yield message
            self.stages.wait_for_consumer += time.perf_counter() - start
