"""Many videos through one encoder: rows in order, and void ones taken back, whatever the batch."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.extractors.decoder_messages import (
    Decoded,
    Message,
    Restarted,
    SegmentFrames,
    Undecodable,
)
from c2fpl.extractors.decoder_pool import DecoderPool
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.extractors.decoding.video import DecodeReport
from c2fpl.extractors.encoding.held_frames import HeldFrames, HostFrames, SegmentEncoder, on_host
from c2fpl.extractors.extraction import Extraction, FeatureRows
from c2fpl.extractors.settings import DecodingSettings
from gpu_stand_in import GpuStandIn, gpu_encoder
from tiny import TINY, cpu_encoder, tiny_network

Rows: TypeAlias = NDArray[np.float32]
REPORT = DecodeReport("pyav", 1, 1, 1, 0, PresentationTimes(1, 25), 1, 1, 0.1, "")


class FirstPixel(HostFrames):
    """An encoder whose feature is the segment's first pixel."""

    crops, dim, short_side_pixels, threads = 1, 1, 8, 2
    precision, weights_sha256 = "fp32", None

    def __init__(self, segments_per_batch: int) -> None:
        self.segments_per_batch = segments_per_batch
        self.facts: dict[str, object] = {}

    def encode(self, segments: Sequence[HeldFrames]) -> NDArray[np.float32]:
        return np.array([[[segment.flat[0]]] for segment in map(on_host, segments)], np.float32)


class Scripted(DecoderPool):
    """Decoders that say what the test wrote."""

    def __init__(self, messages: Sequence[Message]) -> None:
        super().__init__(DecodingSettings(), 8)
        self._messages = messages

    def lend(self, videos: Iterable[object]) -> Generator[Message]:
        yield from self._messages


def segment(key: str, value: int) -> SegmentFrames:
    return SegmentFrames(key, 0, np.full((16, 8, 8, 3), value, np.uint8))


def rows_of(messages: Sequence[Message], segments_per_batch: int) -> dict[object, list[float]]:
    """Values of the videos that were decoded, by the rules of the messages."""
    rows: dict[object, list[float]] = {}
    done: dict[object, list[float]] = {}
    extraction = Extraction(Scripted(messages), FirstPixel(segments_per_batch))
    for message in extraction.extract([("a", Path()), ("b", Path())]):
        if isinstance(message, FeatureRows):
            rows.setdefault(message.key, []).extend(message.values.ravel().tolist())
        elif isinstance(message, Decoded):
            done[message.key] = rows.pop(message.key)
        else:
            rows.pop(message.key, None)
    return done


@pytest.mark.parametrize("segments_per_batch", [1, 2, 3, 4, 5, 16])
def test_rows_before_a_restart_are_void_and_those_after_it_count(segments_per_batch: int) -> None:
    messages: list[Message] = [
        *(segment("b", 1), segment("a", 10), segment("a", 11), segment("b", 2)),
        *(Restarted("a", "decord gave up"), segment("a", 20), segment("b", 3)),
        *(segment("a", 21), Decoded("a", REPORT), segment("b", 4), Decoded("b", REPORT)),
    ]
    assert rows_of(messages, segments_per_batch) == {"a": [20, 21], "b": [1, 2, 3, 4]}


@pytest.mark.parametrize("segments_per_batch", [1, 3, 16])
def test_a_video_that_fails_takes_nothing_along(segments_per_batch: int) -> None:
    messages: list[Message] = [
        *(segment("a", 1), segment("b", 2), Undecodable("a", "damaged"), segment("b", 3)),
        Decoded("b", REPORT),
    ]
    assert rows_of(messages, segments_per_batch) == {"b": [2, 3]}


@pytest.mark.parametrize("batch_size", [1, 2, None])
def test_a_gpu_fed_from_pinned_slots_gives_the_features_of_the_cpu(
    batch_size: int | None, five_videos: list[Path]
) -> None:
    network, backbone = tiny_network(), replace(TINY, short_side_pixels=100)
    device = GpuStandIn()
    gpu = gpu_encoder(network, device, backbone=backbone, batch_size=batch_size)
    before = len(device.threads["upload"])
    found = features_of(five_videos, gpu)
    expected = features_of(five_videos, cpu_encoder(network, backbone))
    assert {name: len(rows) for name, rows in found.items()} == {0: 13, 1: 1, 2: 2, 3: 2, 4: 7}
    for name, rows in expected.items():
        np.testing.assert_allclose(found[name], rows, rtol=1e-4, atol=1e-6)
    assert device.uploads_from_pinned == len(device.threads["upload"]) - before == 25
    assert device.pinned == []


def features_of(videos: Sequence[Path], encoder: SegmentEncoder) -> dict[object, Rows]:
    """Features (segments, crops, dim) of each video by its number."""
    rows: dict[object, list[Rows]] = {}
    with DecoderPool(DecodingSettings(), 100, workers=2, receiver=encoder) as decoders:
        for message in Extraction(decoders, encoder).extract(enumerate(videos)):
            if isinstance(message, FeatureRows):
                rows.setdefault(message.key, []).append(message.values)
            else:
                assert isinstance(message, Decoded)
    return {key: np.concatenate(values) for key, values in rows.items()}
