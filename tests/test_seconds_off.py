"""Seconds made of frame numbers: how far they are off is measured while decoding."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.video.stream import VideoStream

from c2fpl.extractors.decoding.header import read_header
from c2fpl.extractors.decoding.pyav_frames import TimedFrame
from c2fpl.extractors.decoding.resampling import at_constant_rate
from c2fpl.extractors.decoding.seconds_off import LEAST_SAID_S, SecondsOff, seconds_remark
from c2fpl.extractors.settings import Decoder, DecodingSettings
from damaged import decoded
from synthetic import Synthetic, numbered_frame

SLOWER_S = [0.04 * n if n < 50 else 2 + 0.2 * (n - 50) for n in range(100)]
"""25 frames a second, after two seconds 5."""
PAUSED_S = [0.04 * n + 7 * (n >= 30) for n in range(60)]
BROKEN_S = [0.04 * n + 60 * (n >= 30) for n in range(60)]
"""A break of a minute: too long for a still."""
VARIABLE = [
    Synthetic("slower.mp4", frames=100, times=SLOWER_S),
    Synthetic("slower.mkv", frames=100, times=SLOWER_S),
    Synthetic("paused.mp4", frames=60, times=PAUSED_S),
    Synthetic("paused.mkv", frames=60, times=PAUSED_S),
    Synthetic("paused, from 3 s.mp4", frames=60, times=PAUSED_S, start_s=3),
]
CONSTANT = [
    Synthetic("constant.mp4", frames=300),
    Synthetic("from 0.4 s.mp4", frames=300, start_s=0.4),
    Synthetic("constant.mkv", frames=300, rate=24),
    Synthetic("constant.avi", frames=300, codec="mpeg4"),
    Synthetic("B-frames.avi", codec="mpeg4", options={"bf": "2"}),
    Synthetic("H.264.avi", frames=300),
    Synthetic("short H.264.avi"),
    Synthetic("constant.ts", frames=300),
    Synthetic("edited.mp4", start_s=-10 / 25),
]


def reference(times: list[float], frame_rate: float) -> float:
    return max(abs(t - times[0] - n / frame_rate) for n, t in enumerate(times))


def named(video: Synthetic) -> str:
    return video.name


def packets(path: Path) -> list["av.Packet[VideoStream]"]:
    with av.open(str(path)) as container:
        return [packet for packet in container.demux(container.streams.video[0]) if packet.size]


def still() -> TimedFrame:
    return TimedFrame(numbered_frame(0, 8, 8), None)


@pytest.mark.parametrize("decoder", [pytest.param("auto", marks=pytest.mark.decord), "pyav"])
@pytest.mark.parametrize("video", VARIABLE, ids=named)
def test_a_variable_rate_is_measured_by_both_decoders(
    video: Synthetic, decoder: Decoder, tmp_path: Path
) -> None:
    report = decoded(video.write(tmp_path), DecodingSettings(decoder=decoder))[1]
    by_decord = video.name.endswith(".mp4") and decoder == "auto"
    assert report.decoder == ("decord" if by_decord else "pyav")
    assert video.times is not None
    expected = reference(list(video.times), report.frame_rate)
    assert expected > 1
    assert report.seconds_off == pytest.approx(expected, abs=0.0015)
    assert f"up to {report.seconds_off:.1f} s off" in report.timing


@pytest.mark.decord
def test_decord_gives_each_frame_its_own_time(tmp_path: Path) -> None:
    from c2fpl.extractors.decoding.decord_frames import DecordFrames

    path = Synthetic("slower.mp4", frames=100, times=SLOWER_S).write(tmp_path)
    times = [frame.time_s for frame in DecordFrames(path, read_header(path))]
    assert times == pytest.approx(SLOWER_S, abs=1e-5)


@pytest.mark.parametrize("decoder", ["auto", "pyav"])
@pytest.mark.parametrize("video", CONSTANT, ids=named)
def test_a_constant_rate_says_nothing(video: Synthetic, decoder: Decoder, tmp_path: Path) -> None:
    report = decoded(video.write(tmp_path), DecodingSettings(decoder=decoder))[1]
    assert report.seconds_off <= 0.001
    assert report.timing == ""


def test_b_frames_in_avi_which_has_no_times_are_resampled_evenly(tmp_path: Path) -> None:
    path = Synthetic("B-frames.avi", frames=100).write(tmp_path)
    assert [packet.pts for packet in packets(path)] == list(range(1, 101))  # in the file's order
    numbers, report = decoded(path, DecodingSettings(fps="30"))
    assert numbers == [int((slot + 0.5) * 25 / 30) for slot in range(120)]
    assert report.seconds_off <= 1 / 60 + 0.001


def test_a_rate_rounded_in_the_header_stays_below_a_frame() -> None:
    off = SecondsOff(29.97)
    for number in range(3600 * 30):  # an hour
        off.add(float(Fraction(number * 1001, 30000)))
    assert 0 < off.largest_s < 1 / 30


@pytest.mark.parametrize("times", [SLOWER_S, PAUSED_S], ids=["slower", "paused"])
def test_a_resampled_video_is_right_to_half_a_frame(times: list[float], tmp_path: Path) -> None:
    path = Synthetic("variable.mp4", frames=len(times), times=times).write(tmp_path)
    numbers, report = decoded(path, DecodingSettings(fps="30"))
    assert report.seconds_off <= 1 / 60 + 0.001
    first_shown = {number: slot for slot, number in reversed(list(enumerate(numbers)))}
    expected = max(abs(times[number] - slot / 30) for number, slot in first_shown.items())
    assert report.seconds_off == pytest.approx(expected, abs=0.001)
    assert report.timing == ""


def test_a_break_that_resampling_closes_is_still_measured(tmp_path: Path) -> None:
    path = Synthetic("broken.mkv", frames=60, times=BROKEN_S).write(tmp_path)
    report = decoded(path, DecodingSettings(fps="30"))[1]
    assert report.seconds_off == pytest.approx(60, abs=0.02)
    assert "but for breaks of over 10 s" in report.timing


def test_lost_frames_put_the_seconds_off_too(tmp_path: Path) -> None:
    path = Synthetic("whole.ts", frames=300, gop=1).write(tmp_path)
    data = path.read_bytes()
    first, last = (188 * int(len(data) * part / 188) for part in (0.4, 0.6))
    path.write_bytes(data[:first] + data[last:])
    numbers, report = decoded(path, DecodingSettings(max_lost=1))
    times = [number / 25 for number in numbers]
    assert report.seconds_off == pytest.approx(reference(times, report.frame_rate), abs=0.002)
    assert report.seconds_off > 1


def test_frames_without_times_measure_nothing_but_count() -> None:
    off = SecondsOff(10)
    for _ in range(50):
        off.add(None)
    assert off.largest_s == 0
    off.add(12.0)  # the first with a time, of frame 50
    off.add(None)
    off.add(12.2)
    assert off.largest_s == 0
    off.add(12.8)
    assert off.largest_s == 0.5


def test_times_that_go_back_are_off_by_what_they_go_back() -> None:
    off = SecondsOff(10)
    for time_s in (5.0, 5.1, 0.0, 0.1):
        off.add(time_s)
    assert off.largest_s == 5.2


def test_a_frame_that_is_repeated_keeps_its_time_where_it_first_comes() -> None:
    frames = [TimedFrame(still().pixels, time_s) for time_s in (7.0, 7.1, 7.2)]
    assert [f.time_s for f in at_constant_rate(frames, 30, 10)] == [
        *(7.0, None, None, 7.1, None, None, 7.2, None, None)
    ]


def test_the_line_names_value_rule_and_cure_from_half_a_second_on() -> None:
    assert seconds_remark(LEAST_SAID_S - 0.001, 25) == ""
    assert seconds_remark(float("nan"), 25) == ""
    line = seconds_remark(LEAST_SAID_S, 30000 / 1001)
    assert line.startswith("seconds are up to 0.5 s off: they are frame / 29.97 a second, ")
    assert "--fps 30" in line
    assert len(line) < 200
