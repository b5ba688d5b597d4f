"""What tests of damaged videos share: decoding them, their refusal, cutting them."""

from pathlib import Path

import av
import pytest

from c2fpl.errors import BadVideo
from c2fpl.extractors.decoding.video import DecodedFrame, DecodeReport, decode_video
from c2fpl.extractors.settings import DecodingSettings
from synthetic import number_of

MOOV_FIRST = {"movflags": "faststart"}


def decoded(path: Path, settings: DecodingSettings | None = None) -> tuple[list[int], DecodeReport]:
    numbers: list[int] = []
    for event in decode_video(path, settings or DecodingSettings(), short_side_pixels=64):
        if isinstance(event, DecodedFrame):
            numbers.append(number_of(event.pixels))
        elif isinstance(event, DecodeReport):
            return numbers, event
        else:
            numbers.clear()
    raise AssertionError("no report")


def refusal(path: Path, max_lost: float = 0.1) -> str:
    with pytest.raises(BadVideo) as caught:
        decoded(path, DecodingSettings(max_lost=max_lost))
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 200
    return line


def with_index_first(path: Path) -> Path:
    """The same mp4 with its index at the start, as cameras and web servers write it."""
    return remuxed(path, path.with_name("index first.mp4"), MOOV_FIRST)


def remuxed(source: Path, target: Path, options: dict[str, str] | None = None) -> Path:
    """The packets of the video in another container, or in the same with other options."""
    with av.open(str(source)) as read, av.open(str(target), "w", options=options or {}) as written:
        stream = read.streams.video[0]
        copy = written.add_stream_from_template(stream)
        for packet in read.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                written.mux(packet)
    return target


def keep(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path
