"""Which video stream is read, where a file has several or one that begins late."""

import io
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.stream import VideoStream
from PIL import Image

from c2fpl.errors import BadVideo
from c2fpl.extractors.damage import transport_stream
from c2fpl.extractors.damage.transport_stream import transport_faults
from c2fpl.extractors.damage.transport_tables import (
    VideoPids,
    packet_places,
    sampled_video_pids,
)
from c2fpl.extractors.decoding.header import read_header
from c2fpl.extractors.decoding.one_pid import OneVideoPid
from damaged import decoded, remuxed
from synthetic import Synthetic, numbered_frame

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
    with pytest.raises(BadVideo, match="no video stream inside"):
        read_header(path)


def joined(path: Path, *parts: Path) -> Path:
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def under_pid(source: Path, pid: int, program: int = 0x1000) -> Path:
    """The same transport stream with other packet identifiers."""
    options = {"mpegts_start_pid": str(pid), "mpegts_pmt_start_pid": str(program)}
    return remuxed(source, source.with_name(f"{source.stem} {pid}.ts"), options)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """MPEG-TS, 40 frames, its video under packet identifier 256."""
    return Synthetic("recording.ts", options={"bf": "0"}).write(tmp_path)


@pytest.mark.parametrize("program", [0x1000, 0x1100])
def test_a_video_that_changes_its_packet_identifier_is_read_on(
    program: int, recording: Path, tmp_path: Path
) -> None:
    other = under_pid(recording, 512, program)
    for order in ((recording, other), (recording, other, recording), (recording, recording, other)):
        numbers, report = decoded(joined(tmp_path / "restarted.ts", *order))
        assert numbers == [*range(40)] * len(order)
        assert (report.loss, report.streams) == ("", "")


def test_damage_is_also_found_under_the_other_packet_identifier(recording: Path) -> None:
    other = under_pid(recording, 512)
    data = other.read_bytes()
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    inside = [number for number, packet in enumerate(packets) if packet[1:3] == b"\x02\x00"]
    del packets[inside[1]]  # the third packet of the first frame
    other.write_bytes(b"".join(packets))
    _, report = decoded(joined(recording.with_name("restarted.ts"), recording, other))
    assert "packet counter" in report.damage


def test_a_video_that_goes_on_in_another_codec_is_named(recording: Path, tmp_path: Path) -> None:
    other = under_pid(Synthetic("other.ts", codec="mpeg2video").write(tmp_path), 512)
    numbers, report = decoded(joined(tmp_path / "both.ts", recording, other))
    assert numbers == list(range(40))
    assert report.damage == "video continues under PID 0x200, not read"


def test_a_change_between_the_places_looked_at_is_named(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = joined(recording.with_name("both.ts"), recording, under_pid(recording, 512))
    monkeypatch.setattr(transport_stream, "sampled_video_pids", lambda _path: VideoPids())
    assert transport_faults(path, 256).broken() == ["video continues under PID 0x200, not read"]


def test_two_cameras_in_a_transport_stream_stay_two(tmp_path: Path) -> None:
    two = written(tmp_path / "two.ts", Track(0), Track(1000))
    assert sampled_video_pids(two).later == {}
    assert first_number(two)[:2] == (0, 30)


def test_a_camera_added_midway_changes_nothing(recording: Path, tmp_path: Path) -> None:
    two = written(tmp_path / "two.ts", Track(0), Track(1000))
    numbers, report = decoded(joined(tmp_path / "added.ts", recording, two))
    assert (numbers, report.loss) == ([*range(40), *range(30)], "")
    numbers, report = decoded(joined(tmp_path / "gone.ts", two, recording))
    assert (numbers, report.loss) == ([*range(30), *range(40)], "")


def test_replaced_identifiers_are_the_same_read_whole_or_in_pieces(recording: Path) -> None:
    path = joined(recording.with_name("both.ts"), recording, under_pid(recording, 512))
    whole = OneVideoPid(path, {512: 256}).read()
    pieces = OneVideoPid(path, {512: 256})
    assert b"".join(iter(lambda: pieces.read(1001), b"")) == whole
    original = np.frombuffer(path.read_bytes(), np.uint8)
    changed = np.frombuffer(whole, np.uint8)
    assert set((np.flatnonzero(original != changed) % 188).tolist()) == {1}
    assert len(packet_places(changed, 512)) == 0
    assert pieces.seek(-188, os.SEEK_END) == len(whole) - 188
    assert pieces.read(400) == whole[-188:]


def test_a_video_that_starts_long_after_the_sound_is_found(tmp_path: Path) -> None:
    path = tmp_path / "late.flv"
    with av.open(str(path), "w") as container:
        stream = _stream(container, Track(0))
        sound = container.add_stream("pcm_s16le", rate=44_100)
        sound.layout = "stereo"
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 2 * 44_100), np.int16), format="s16", layout="stereo"
        )
        silence.sample_rate = 44_100
        for second in range(40):
            silence.pts = second * 44_100
            container.mux(sound.encode(silence))
        for number in range(30):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number, 128, 96), format="rgb24")
            frame.pts = 40 * RATE + number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert first_number(path) == (0, 30, "")
