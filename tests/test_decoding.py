"""One contract for every decoder: all frames, once, in order, upright, or a stated loss."""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.errors import BadVideo
from c2fpl.extractors.decoding.decord_frames import DecordFrames, DecordGaveUp
from c2fpl.extractors.decoding.header import read_header
from c2fpl.extractors.decoding.video import DecodedFrame, DecoderChanged, DecodeReport, decode_video
from c2fpl.extractors.settings import Decoder, DecodingSettings
from synthetic import Synthetic, number_of, numbers_of, rotate_tag

pytestmark = pytest.mark.usefixtures("decoder_errors_counted")
OPEN_GOP = {"x264-params": "open-gop=1:keyint=50:min-keyint=50:bframes=3:b-adapt=0:scenecut=0"}
UNEVEN_S = [0.08 * n + 0.02 * (n % 3) + 1.5 * (n > 20) for n in range(40)]
QUIET_X265 = {"x265-params": "log-level=error"}

EXACT_IN_DECORD = [
    Synthetic("constant rate.mp4"),
    Synthetic("constant rate.mov"),
    Synthetic("constant rate.avi"),
    Synthetic("variable rate.mp4", times=UNEVEN_S),
    Synthetic("many groups.mp4", frames=300, gop=25),
    Synthetic("one group.mp4", frames=150, gop=250),
    Synthetic("all intra.mp4", gop=1),
    Synthetic("10 bit.mp4", pix_fmt="yuv420p10le"),
    Synthetic("4:4:4 odd size.mp4", pix_fmt="yuv444p", width=131, height=97),
    Synthetic("odd size.mp4", codec="mpeg4", width=131, height=97),
    Synthetic("full range.mp4", pix_fmt="yuvj420p"),
    Synthetic("B-frames.mp4", frames=90, options={"bf": "3", "b_strategy": "0"}),
    Synthetic("B-frames.avi", codec="mpeg4", options={"bf": "2"}),
    Synthetic("starts late.mp4", start_s=0.4),
    Synthetic("one frame.mp4", frames=1),
    Synthetic("interlaced.mp4", options={"x264-params": "tff=1"}),
    Synthetic("motion jpeg.avi", codec="mjpeg", pix_fmt="yuvj420p"),
    Synthetic("hevc.mp4", codec="libx265", options=QUIET_X265),
    Synthetic("hevc 10 bit.mp4", codec="libx265", pix_fmt="yuv420p10le", options=QUIET_X265),
    Synthetic("vp9.mp4", codec="libvpx-vp9"),
    Synthetic("portrait.mp4", width=96, height=128),
    Synthetic("#1 a=b@c ünï.label_A.mp4"),
]
"""Files that decord decodes exactly."""

LEFT_TO_PYAV = {
    Synthetic("transport stream.ts"): "mpegts",
    Synthetic(
        "interlaced mpeg2.ts", codec="mpeg2video", options={"flags": "+ilme+ildct"}
    ): "mpegts",
    Synthetic("hevc.ts", codec="libx265", options=QUIET_X265): "mpegts",
    Synthetic("program stream.mpg", codec="mpeg2video"): "mpeg",
    Synthetic("h264.mkv"): "matroska",
    Synthetic("hevc.mkv", codec="libx265", options=QUIET_X265): "matroska",
    Synthetic("variable rate.mkv", times=UNEVEN_S): "matroska",
    Synthetic("vp9.webm", codec="libvpx-vp9"): "matroska",
    Synthetic("vp9 odd size.webm", codec="libvpx-vp9", width=131, height=97): "matroska",
    Synthetic("av1.mp4", codec="libsvtav1"): "av1",
    Synthetic("av1.mkv", codec="libsvtav1"): "matroska",
    Synthetic("flash.flv"): "flv",
    Synthetic("raw.h264"): "h264",
}
"""Files that go to PyAV at once, with the word that says why."""

GIVEN_UP_MIDWAY = [
    Synthetic("open groups.mp4", frames=300, options=OPEN_GOP),
    Synthetic("open groups hevc.mp4", codec="libx265", frames=300, gop=40, options=QUIET_X265),
]
"""Files on which decord starts, until a check finds that its seeks are not exact."""

ALL = [*EXACT_IN_DECORD, *LEFT_TO_PYAV, *GIVEN_UP_MIDWAY]


class Decoding:
    """The frames and the report of one video."""

    def __init__(
        self, path: Path, side: int = 64, avoid_decord: str = "", decoder: Decoder = "auto"
    ):
        self.frames: list[NDArray[np.uint8]] = []
        self.restarts: list[str] = []
        for event in decode_video(
            path,
            DecodingSettings(decoder=decoder),
            short_side_pixels=side,
            avoid_decord=avoid_decord,
        ):
            match event:
                case DecodedFrame(pixels):
                    self.frames.append(pixels)
                case DecoderChanged(reason):
                    self.restarts.append(reason)
                    self.frames.clear()
                case DecodeReport():
                    self.report = event

    @property
    def numbers(self) -> list[int]:
        return numbers_of(self.frames)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("videos")


def written(video: Synthetic, folder: Path) -> Path:
    path = folder / video.name
    return path if path.exists() else video.write(folder)


def named(video: Synthetic) -> str:
    return video.name


@pytest.mark.parametrize("decoder", ["auto", "pyav"])
@pytest.mark.parametrize("video", ALL, ids=named)
def test_every_frame_comes_once_in_order(video: Synthetic, decoder: Decoder, folder: Path) -> None:
    decoding = Decoding(written(video, folder), decoder=decoder)
    assert decoding.numbers == list(range(video.frames))
    report = decoding.report
    assert report.num_frames_decoded == report.num_frames_source == video.frames
    assert (report.num_frames_lost, report.damage) == (0, "")
    assert (report.width_pixels, report.height_pixels) == (video.width, video.height)
    assert report.num_frames_header in (None, video.frames)


@pytest.mark.decord
@pytest.mark.parametrize("video", EXACT_IN_DECORD, ids=named)
def test_decord_decodes_what_it_is_exact_in(video: Synthetic, folder: Path) -> None:
    decoding = Decoding(written(video, folder))
    assert (decoding.report.decoder, decoding.report.fallback) == ("decord", "")
    assert decoding.restarts == []


@pytest.mark.parametrize("video", LEFT_TO_PYAV, ids=named)
def test_what_decord_gets_wrong_goes_to_pyav_at_once(video: Synthetic, folder: Path) -> None:
    decoding = Decoding(written(video, folder))
    assert decoding.report.decoder == "pyav"
    assert LEFT_TO_PYAV[video] in decoding.report.fallback
    assert decoding.restarts == []


@pytest.mark.decord
@pytest.mark.parametrize("video", GIVEN_UP_MIDWAY, ids=named)
def test_an_inexact_seek_of_decord_is_noticed(video: Synthetic, folder: Path) -> None:
    decoding = Decoding(written(video, folder))
    assert decoding.report.decoder == "pyav"
    assert "gives a different frame" in decoding.report.fallback
    assert decoding.restarts == [decoding.report.fallback]


@pytest.mark.decord
@pytest.mark.parametrize("video", ALL, ids=named)
def test_decord_alone_is_exact_or_gives_up(video: Synthetic, folder: Path) -> None:
    path = written(video, folder)
    try:
        frames = [frame.pixels for frame in DecordFrames(path, read_header(path))]
    except DecordGaveUp:
        return
    assert numbers_of(frames) == list(range(video.frames))


@pytest.mark.parametrize("video", EXACT_IN_DECORD, ids=named)
def test_decoders_agree_on_the_pixels(video: Synthetic, folder: Path) -> None:
    path = written(video, folder)
    by_decord = np.array(Decoding(path, video.height).frames, int)
    by_pyav = np.array(Decoding(path, video.height, decoder="pyav").frames, int)
    difference = np.abs(by_decord - by_pyav)
    if any(word in video.name for word in ("10 bit", "interlaced", "odd size")):
        # their FFmpeg versions differ in dithering and in the chroma of odd or interlaced lines
        assert difference.mean() < 1
    else:
        assert difference.max() == 0


@pytest.mark.parametrize("degrees", [90, 180, 270])
@pytest.mark.parametrize("decoder", [pytest.param("decord", marks=pytest.mark.decord), "pyav"])
def test_rotation_tags_are_applied(degrees: int, decoder: Decoder, tmp_path: Path) -> None:
    path = Synthetic("turned.mp4").write(tmp_path)
    rotate_tag(path, degrees)
    decoding = Decoding(path, decoder=decoder)
    upright = [np.rot90(frame, degrees // 90) for frame in decoding.frames]
    assert numbers_of(upright) == list(range(40))
    shown = (96, 128) if degrees != 180 else (128, 96)
    assert (decoding.report.width_pixels, decoding.report.height_pixels) == shown


@pytest.mark.parametrize("decoder", ["auto", "pyav"])
def test_frames_before_an_edit_list_are_not_shown(decoder: Decoder, tmp_path: Path) -> None:
    path = Synthetic("edited.mp4", start_s=-10 / 25).write(tmp_path)
    decoding = Decoding(path, decoder=decoder)
    assert decoding.numbers == list(range(10, 40))
    assert decoding.report.num_frames_header == 40
    assert decoding.report.num_frames_lost == 0


def test_a_reason_to_avoid_decord_is_kept(folder: Path) -> None:
    decoding = Decoding(written(EXACT_IN_DECORD[0], folder), avoid_decord="it hung")
    assert (decoding.report.decoder, decoding.report.fallback) == ("pyav", "it hung")


def test_asking_for_decord_alone_refuses_what_it_gets_wrong(folder: Path) -> None:
    path = written(Synthetic("transport stream.ts"), folder)
    with pytest.raises(BadVideo, match=r"mpegts has no frame count.*--decoder auto"):
        Decoding(path, decoder="decord")


@pytest.mark.parametrize("width", [2, 8, 16, 30])
def test_pictures_of_a_few_pixels_are_read(width: int, tmp_path: Path) -> None:
    decoding = Decoding(Synthetic("tiny.mp4", width=width, height=16, frames=5).write(tmp_path))
    assert (len(decoding.frames), decoding.report.width_pixels) == (5, width)
    assert {frame.shape[-1] for frame in decoding.frames} == {3}
    assert decoding.report.fallback.startswith("decord gives frames under 32 pixels")


def test_frames_are_contiguous_uint8_rgb(folder: Path) -> None:
    frame = Decoding(written(EXACT_IN_DECORD[0], folder)).frames[3]
    assert frame.dtype == np.uint8
    assert frame.shape == (64, 85, 3)
    assert frame.flags.c_contiguous
    assert number_of(frame) == 3
    assert number_of(frame[..., ::-1]) == -1


@pytest.mark.decord
@pytest.mark.shared_data
def test_real_videos_have_their_published_frame_counts(shared_data: Path) -> None:
    rows = (shared_data / "annotations/ucf-crime/ucf_test.csv").read_text().splitlines()[1:]
    published = {row.split(",")[1]: int(row.split(",")[3]) for row in rows}
    paths = sorted((shared_data / "ucf-crime-sample").rglob("*.mp4"), key=os.path.getsize)
    paths = [path for path in paths if path.stem in published][:3]
    assert len(paths) == 3
    for path in paths:
        report = Decoding(path, 8).report
        assert (report.decoder, report.num_frames_decoded) == ("decord", published[path.stem])
