"""Frames by number: the right ones, whatever the container, clock or index does to a seek."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import av
import pytest

from c2fpl.errors import BadVideo
from c2fpl.extractors.decoding import frame_reader
from c2fpl.extractors.decoding.frame_reader import FrameRequest, Span, joined, read_frames
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.extractors.settings import DecodingSettings, Fps
from damaged import decoded
from synthetic import Synthetic, number_of, rotate_tag

FRAMES = 400
SPANS: tuple[Span, ...] = ((112, 144), (300, 301), (330, 340), (0, 3), (398, 400))
WANTED = [*range(3), *range(112, 144), 300, *range(330, 340), 398, 399]
VARIABLE_S = [0.04 * n if n < 100 else 4 + 0.2 * (n - 100) for n in range(FRAMES)]
PAUSED_S = [0.04 * n + 60 * (n >= 100) for n in range(FRAMES)]
NTSC_VARIABLE_S = [n / 59.94 if n % 7 else n / 59.94 + 0.004 for n in range(FRAMES)]
B_FRAMES = {"bf": "3", "b-pyramid": "normal"}
OPEN_GOP = {**B_FRAMES, "x264-params": "open-gop=1"}


def made(name: str, codec: str = "libx264", gop: int = 50, **more: object) -> Synthetic:
    return Synthetic(name, codec=codec, frames=FRAMES, gop=gop, **more)  # type: ignore[arg-type]


SEEKABLE = [
    made("plain.mp4"),
    made("long.mp4", gop=250, options=B_FRAMES),
    made("open gop.mp4", options=OPEN_GOP),
    made("edit list.mp4", start_s=-10 / 25),
    made("late.mp4", start_s=4000),
    made("fragmented.mp4"),
    made("variable.mp4", times=VARIABLE_S),
    made("nearly constant.mp4", times=NTSC_VARIABLE_S),
    made("hevc.mp4", "libx265", options={"x265-params": "bframes=4:log-level=none"}),
    made("ten bits.mp4", pix_fmt="yuv420p10le"),
    made("plain.ts"),
    made("long.ts", gop=250, options=B_FRAMES),
    made("open gop.ts", options=OPEN_GOP),
    made("paused.ts", times=PAUSED_S),
    made("hevc.ts", "libx265", options={"x265-params": "bframes=4:log-level=none"}),
    made("mpeg2.ts", "mpeg2video", gop=12, options={"bf": "2"}),
    made("program.mpg", "mpeg2video", gop=12, options={"bf": "2"}),
    made("late.mkv", start_s=5000),
    made("paused.mkv", times=PAUSED_S),
    made("vp9.webm", "libvpx-vp9", options={"auto-alt-ref": "1", "lag-in-frames": "16"}),
    made("plain.flv", rate=30),
    made("plain.wmv", "wmv2", gop=25),
    made("plain.3gp", "mpeg4"),
    made("mjpeg.avi", "mjpeg", pix_fmt="yuvj420p"),
    made("p only.avi", "mpeg4"),
]
COUNTED = [
    made("raw.264", options=B_FRAMES),
    made("raw.265", "libx265", options={"x265-params": "bframes=4:log-level=none"}),
    made("raw.m2v", "mpeg2video"),
    made("b-frames.avi", "mpeg4", options={"bf": "2"}),
    made("h264.avi"),
]


def named(video: Synthetic) -> str:
    return video.name


def read(
    path: Path, times: PresentationTimes, spans: Sequence[Span] = SPANS, fps: Fps = "native"
) -> dict[int, int]:
    """Number in the pixels by number of the frame."""
    frames = read_frames(FrameRequest(path, tuple(spans), times, fps))
    return {each.frame: number_of(each.pixels) for each in frames if each is not None}


Written: TypeAlias = tuple[Path, list[int], PresentationTimes]
"""A file, the numbers in its decoded frames, and their times."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Synthetic], Written]:
    """Writes and decodes a video once for all tests; they only read it."""
    folder, done = tmp_path_factory.mktemp("written"), dict[str, Written]()

    def write(video: Synthetic) -> Written:
        if video.name not in done:
            path = video.write(folder)
            numbers, report = decoded(path, DecodingSettings(max_lost=1))
            done[video.name] = path, numbers, report.times
        return done[video.name]

    return write


@pytest.mark.parametrize("video", [*SEEKABLE, *COUNTED], ids=named)
def test_every_frame_is_the_one_that_was_asked_for(
    video: Synthetic, written: Callable[[Synthetic], Written]
) -> None:
    path, numbers, times = written(video)
    spans = [(start, min(end, len(numbers))) for start, end in SPANS]
    found = read(path, times, spans)
    wanted = [frame for frame in WANTED if frame < len(numbers)]
    assert found == {frame: numbers[frame] for frame in wanted}
    assert len(numbers) > 380


@pytest.mark.parametrize("video", [v for v in SEEKABLE if v.name != "program.mpg"], ids=named)
def test_a_trusted_clock_spares_decoding_what_is_before(
    video: Synthetic,
    written: Callable[[Synthetic], Written],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, _, times = written(video)
    if not times.seekable:
        pytest.skip("decord knows no times of this one")

    def refuse(*_: object) -> None:
        raise AssertionError("counted from the start")

    monkeypatch.setattr(frame_reader._Reader, "_by_counting", refuse)
    assert read(path, times, [(300, 310)]).keys() == set(range(300, 310))


def joined_copies(path: Path, times: int) -> Path:
    """A transport stream whose clock starts again, as where recordings are joined."""
    path.write_bytes(path.read_bytes() * times)
    return path


def test_a_clock_that_restarts_is_never_sought_in(tmp_path: Path) -> None:
    path = joined_copies(Synthetic("a.ts", frames=100, gop=25).write(tmp_path), 3)
    numbers, report = decoded(path)
    assert len(numbers) == 300
    assert not report.times.seekable
    found = read(path, report.times, [(150, 160), (290, 300)])
    assert list(found.values()) == [*range(50, 60), *range(90, 100)]


@pytest.mark.parametrize("step", [1, 2, 5])
def test_equal_time_stamps_are_counted(step: int, tmp_path: Path) -> None:
    path = tmp_path / "equal.mkv"
    source = Synthetic("a.avi", codec="mjpeg", frames=200, pix_fmt="yuvj420p").write(tmp_path)
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(old.demux(video=0)):
            if packet.size:
                packet.stream, packet.time_base = stream, Fraction(1, 25)
                packet.pts = packet.dts = number - number % step
                new.mux(packet)
    times = decoded(path)[1].times
    assert times.seekable == (step == 1)
    assert list(read(path, times, [(112, 144)]).values()) == list(range(112, 144))


def test_a_file_that_starts_within_a_group_of_pictures_counts_from_its_first_frame(
    tmp_path: Path,
) -> None:
    path = made("cut.ts", gop=60).write(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[len(data) // 10 // 188 * 188 :])
    numbers, report = decoded(path, DecodingSettings(max_lost=1))
    assert numbers[0] > 0
    found = read(path, report.times, [(200, 220)])
    assert list(found.values()) == numbers[200:220]


def test_a_hole_in_the_file_leaves_the_numbers_right(tmp_path: Path) -> None:
    path = made("hole.ts", gop=20).write(tmp_path)
    data = path.read_bytes()
    first, last = (int(len(data) * share) // 188 * 188 for share in (0.3, 0.45))
    path.write_bytes(data[:first] + data[last:])
    numbers, report = decoded(path, DecodingSettings(max_lost=1))
    found = read(path, report.times, [(100, 140), (200, 240)])
    assert list(found.values()) == [*numbers[100:140], *numbers[200:240]]


def test_resampled_frames_are_numbered_after_the_resampling(tmp_path: Path) -> None:
    path = made("a.mp4").write(tmp_path)
    numbers, report = decoded(path, DecodingSettings(fps="30"))
    assert read(path, report.times, [(300, 320)], "30") == dict(
        zip(range(300, 320), numbers[300:320], strict=True)
    )


def test_a_turned_picture_is_upright_and_its_pixels_turn_too(tmp_path: Path) -> None:
    path = Synthetic("a.mp4", options={"x264-params": "sar=2/1"}).write(tmp_path)
    rotate_tag(path, 90)
    times = decoded(path)[1].times
    (frame,) = read_frames(FrameRequest(path, ((0, 1),), times))
    assert frame is not None
    assert frame.pixels.shape == (128, 96, 3)
    assert frame.pixel_aspect == Fraction(1, 2)


def test_a_file_that_is_shorter_than_it_was_is_refused(tmp_path: Path) -> None:
    path = Synthetic("a.mp4").write(tmp_path)
    with pytest.raises(BadVideo, match=r"ends at frame 40, .* has changed"):
        read(path, PresentationTimes(400, 25), [(30, 50)])


def test_a_file_with_another_clock_than_it_had_is_refused(tmp_path: Path) -> None:
    path = Synthetic("a.mp4").write(tmp_path)
    with pytest.raises(BadVideo, match="s away from its recorded time"):
        read(path, PresentationTimes(40, 5, seekable=True), [(30, 35)])


def test_spans_are_read_once_and_in_order() -> None:
    assert joined([(5, 9), (0, 6), (20, 20), (12, 13)]) == [(0, 9), (12, 13)]
    assert joined([]) == []


def test_each_frame_on_the_way_is_a_sign_of_life(tmp_path: Path) -> None:
    path = Synthetic("raw.264", frames=300).write(tmp_path)
    request = FrameRequest(path, ((299, 300),), decoded(path)[1].times)
    assert [frame is None for frame in read_frames(request)] == [True] * 299 + [False]
