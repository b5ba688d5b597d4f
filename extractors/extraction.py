"""Many videos through one encoder: decoded segments -> batches that span videos -> feature rows.

A video's messages leave in order: rows of segments 0, 1, 2, ... and then its end. Batches are
filled across videos, so a short video never leaves the device idle, and at most `encoder.threads`
+ 1 of them are in flight, so memory depends on neither the length nor the number of videos.
"""

import time
from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.decoder_messages import Decoded, Restarted, SegmentFrames, Undecodable
from c2fpl.extractors.decoder_process import WatchedDecoders
from c2fpl.extractors.encoding.encoder import SegmentEncoder

Key: TypeAlias = Hashable
"""Tells the videos of one call apart; chosen by the caller."""


@dataclass(frozen=True, eq=False)
class FeatureRows:
    """Features of consecutive segments of one video."""

    key: Key
    """The video."""
    values: NDArray[np.float32]
    """(segments, crops, dim)."""


DecodingMessage: TypeAlias = SegmentFrames | Decoded | Undecodable | Restarted
ExtractionMessage: TypeAlias = FeatureRows | Decoded | Undecodable | Restarted
"""`Restarted` takes back the rows given so far; `Decoded` and `Undecodable` end a video."""


@dataclass
class StageSeconds:
    """Where the time of an extraction went; the waits are those of the one thread that feeds."""

    wait_for_frames: float = 0.0
    """Nothing to encode: decoding was behind."""
    wait_for_features: float = 0.0
    """Nothing to do but wait for the network."""
    wait_for_consumer: float = 0.0
    """The caller held the finished rows (writing was behind)."""
    network: float = 0.0
    """Busy seconds of crops + network, summed over threads."""
    decode: float = 0.0
    """Busy seconds of the decoders, summed over processes."""
    total: float = 0.0
    """Wall seconds."""

    @property
    def limit(self) -> str:
        """The stage that the others waited for."""
        waits = {
            "decode": self.wait_for_frames,
            "network": self.wait_for_features,
            "write": self.wait_for_consumer,
        }
        return max(waits, key=waits.__getitem__)


@dataclass
class _Batch:
    """Segments on their way through the network."""

    keys: list[Key] = field(default_factory=list)
    segments: list[NDArray[np.uint8]] = field(default_factory=list)
    features: "Future[tuple[NDArray[np.float32], float]] | None" = None

    def rows(self, stages: StageSeconds) -> Iterator[FeatureRows]:
        """Wait for the features; one message per run of segments of the same video."""
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
    """One encoder fed by a pool of decoders; `stages` tells where the time went."""

    def __init__(self, decoders: WatchedDecoders, encoder: SegmentEncoder) -> None:
        self.stages = StageSeconds()
        self._decoders = decoders
        self._encoder = encoder
        self._line: deque[_Batch | Decoded | Undecodable | Restarted] = deque()

    def extract(self, videos: Iterable[tuple[Key, Path]]) -> Iterator[ExtractionMessage]:
        """Features of every video, whatever happens to the others.

        An error of the network (not of a video) ends the iteration and reaches the caller.
        """
        begin = time.perf_counter()
        with ThreadPoolExecutor(self._encoder.threads, "encoder") as pool:
            try:
                with closing(self._decoders.decode(videos)) as decoded:
                    yield from self._timed(self._messages(decoded, pool))
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
                self._line.clear()
                self.stages.total += time.perf_counter() - begin

    def _messages(
        self, decoded: Iterable[DecodingMessage], pool: ThreadPoolExecutor
    ) -> Iterator[ExtractionMessage]:
        filling = _Batch()
        start = time.perf_counter()
        for message in decoded:
            self.stages.wait_for_frames += time.perf_counter() - start
            if isinstance(message, SegmentFrames):
                filling = self._filled(filling, message, pool)
            else:
                if isinstance(message, Restarted):  # or its new segments would leave before it
                    filling = self._sent(filling, pool)
                self._line.append(message)
            yield from self._finished(in_flight=self._encoder.threads + 1)
            start = time.perf_counter()
        self._sent(filling, pool)
        yield from self._finished(in_flight=0)

    def _filled(self, batch: _Batch, message: SegmentFrames, pool: ThreadPoolExecutor) -> _Batch:
        """Add a segment; a batch enters the line with its first and the network with its last."""
        if not batch.segments:
            self._line.append(batch)
        batch.keys.append(message.key)
        batch.segments.append(message.frames)
        if len(batch.segments) < self._encoder.segments_per_batch:
            return batch
        return self._sent(batch, pool)

    def _sent(self, batch: _Batch, pool: ThreadPoolExecutor) -> _Batch:
        """Give what the batch holds to the network; the next one is empty."""
        if batch.segments:
            batch.features = pool.submit(self._encode, batch.segments)
        return _Batch()

    def _encode(self, segments: list[NDArray[np.uint8]]) -> tuple[NDArray[np.float32], float]:
        start = time.perf_counter()
        values = self._encoder.encode(segments)
        segments.clear()
        return values, time.perf_counter() - start

    def _finished(self, *, in_flight: int) -> Iterator[ExtractionMessage]:
        """Take from the front of the line what is done, waiting while too much is in flight."""
        while self._line:
            head = self._line[0]
            if not isinstance(head, _Batch):
                yield head
            elif head.features is None:
                return
            elif head.features.done() or self._number_in_flight() > in_flight:
                yield from head.rows(self.stages)
            else:
                return
            self._line.popleft()

    def _number_in_flight(self) -> int:
        return sum(
            isinstance(item, _Batch) and item.features is not None and not item.features.done()
            for item in self._line
        )

    def _timed(self, messages: Iterator[ExtractionMessage]) -> Iterator[ExtractionMessage]:
        """Pass messages on; time spent outside is the consumer's."""
        for message in messages:
            if isinstance(message, Decoded):
                self.stages.decode += message.report.seconds
            start = time.perf_counter()
            yield message
            self.stages.wait_for_consumer += time.perf_counter() - start
