"""Which video stream is read, where a file has several or one that begins late."""

import io
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import pytest
from av.stream import Disposition
from av.video.stream import VideoStream
from PIL import Image

from c2fpl.extractors.decoding.header import UndecodableVideo, read_header
from damaged import decoded
from synthetic import numbered_frame

RATE = 25


@dataclass(frozen=True)
class Track:
    """A video stream of a file."""

    first: int
    """Number in the first frame."""
    frames: int = 30
    size: tuple[int, int] = (128, 96)
    codec: str = "libx264"
    default: bool = True
    picture: bool = False
    """Whether it is marked as cover art."""
    start_s: float = 0.0


def written(path: Path, *tracks: Track, sound: bool = False, cover: bytes = b"") -> Path:
    """A file with these video streams, in this order, interleaved."""
    with av.open(str(path), "w") as container:
        streams = [_stream(container, track) for track in tracks]
        if sound:
            container.add_stream("aac", rate=8000)
        if cover:
            container.add_attachment("cover.jpg", "image/jpeg", cover)
        for track, stream in zip(tracks, streams, strict=True):
            for number in range(track.frames):
                pixels = numbered_frame(track.first + number, *track.size)
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts = number + round(track.start_s * RATE)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    return path


def _stream(container: av.container.OutputContainer, track: Track) -> VideoStream:
    stream = cast(VideoStream, container.add_stream(track.codec, rate=RATE))
    stream.width, stream.height = track.size
    stream.pix_fmt = "yuvj420p" if track.codec == "mjpeg" else "yuv420p"
    stream.codec_context.time_base = Fraction(1, RATE)
    marks = Disposition.default if track.default else Disposition(0)
    stream.disposition = Disposition.attached_pic if track.picture else marks
    return stream


def first_number(path: Path) -> tuple[int, int, str]:
    """First number read, frames read, and what is said about streams."""
    numbers, report = decoded(path)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert report.loss == ""
    return numbers[0], len(numbers), report.streams


SMALL = (64, 48)
COVER = Track(900, frames=1, size=(256, 192), codec="mjpeg", picture=True)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_the_largest_of_two_streams_is_read_and_the_other_named(
    suffix: str, tmp_path: Path
) -> None:
    path = written(tmp_path / f"two{suffix}", Track(1000, size=SMALL), Track(0))
    first, frames, said = first_number(path)
    assert (first, frames) == (0, 30)
    assert said == "2 video streams: 1 (h264, 128x96) is read, not 0 (h264, 64x48)"


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_of_equal_streams_the_first_is_read(suffix: str, tmp_path: Path) -> None:
    path = written(tmp_path / f"two{suffix}", Track(0), Track(1000))
    assert first_number(path)[:2] == (0, 30)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_the_stream_marked_as_default_is_read_before_a_larger_one(
    suffix: str, tmp_path: Path
) -> None:
    path = written(tmp_path / f"two{suffix}", Track(1000, default=False), Track(0, size=SMALL))
    assert first_number(path)[:2] == (0, 30)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi"])
def test_a_still_is_not_read_though_it_is_first_and_larger(suffix: str, tmp_path: Path) -> None:
    codec = "libx264" if suffix == ".ts" else "mjpeg"
    still = Track(900, frames=1, size=(256, 192), codec=codec)
    path = written(tmp_path / f"still{suffix}", still, Track(0))
    first, frames, said = first_number(path)
    assert (first, frames) == (0, 30)
    assert said.startswith("2 video streams: 1 (h264, 128x96) is read, not 0 ")


def test_cover_art_is_neither_read_nor_a_second_video(tmp_path: Path) -> None:
    for tracks in ((COVER, Track(0)), (Track(0), COVER)):
        path = written(tmp_path / "cover.mp4", *tracks)
        assert first_number(path) == (0, 30, "")


def test_a_cover_attached_to_a_matroska_file_is_no_second_video(tmp_path: Path) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (256, 192)).save(picture, "JPEG")
    path = tmp_path / "cover.mkv"
    written(path, Track(0), cover=picture.getvalue())
    with av.open(str(path)) as container:
        assert len(container.streams.video) == 2
    assert first_number(path) == (0, 30, "")


def test_cover_art_alone_is_no_video(tmp_path: Path) -> None:
    path = written(tmp_path / "song.mp4", COVER, sound=True)
    with pytest.raises(UndecodableVideo, match="no video stream inside"):
        read_header(path)
