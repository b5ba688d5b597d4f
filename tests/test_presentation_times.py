"""The time of a frame: recorded while decoding, compact where it can be, true to the file."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2fpl.errors import BadVideo
from c2fpl.extractors.decoding.presentation_times import (
    PresentationTimes,
    RateSource,
    constant_times,
)
from c2fpl.extractors.decoding.pyav_frames import TimedFrame
from c2fpl.extractors.decoding.resampling import at_constant_rate
from c2fpl.extractors.decoding.timestamps import FrameClock, TimesRecorder
from c2fpl.extractors.settings import Decoder, DecodingSettings
from damaged import decoded
from synthetic import Synthetic, numbered_frame

SLOWER_S = [0.04 * n if n < 50 else 2 + 0.2 * (n - 50) for n in range(100)]
PAUSED_S = [0.04 * n + 7 * (n >= 30) for n in range(60)]
BROKEN_S = [0.04 * n + 60 * (n >= 30) for n in range(60)]
VARIABLE = [
    Synthetic("slower.mp4", frames=100, times=SLOWER_S),
    Synthetic("slower.mkv", frames=100, times=SLOWER_S),
    Synthetic("paused, from 3 s.mp4", frames=60, times=PAUSED_S, start_s=3),
    Synthetic("broken.ts", frames=60, times=BROKEN_S),
]
CONSTANT = [
    Synthetic("from 0.4 s.mp4", frames=100, start_s=0.4),
    Synthetic("late.mkv", frames=100, rate=24, start_s=5000),
    Synthetic("B-frames.avi", codec="mpeg4", options={"bf": "2"}),
    Synthetic("H.264.avi"),
    Synthetic("constant.ts", frames=100),
    Synthetic("edited.mp4", start_s=-10 / 25),
    Synthetic("rounded.flv", rate=30),
    Synthetic("rounded.mkv", rate=30),
]
ticks = st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=60)


def named(video: Synthetic) -> str:
    return video.name


def recorded(
    stamps: list[float | None] | list[float], rate: float, source: RateSource = "rate"
) -> PresentationTimes:
    recorder = TimesRecorder(rate, source)
    for stamp in stamps:
        recorder.add(stamp)
    return recorder.times()


def clocked(stamps: list[float | None] | list[float], rate: float = 25) -> list[float]:
    clock = FrameClock(rate)
    return [clock.add(stamp) for stamp in stamps]


@pytest.mark.parametrize("decoder", [pytest.param("auto", marks=pytest.mark.decord), "pyav"])
@pytest.mark.parametrize("video", VARIABLE, ids=named)
def test_a_variable_rate_gives_each_frame_the_time_in_its_file(
    video: Synthetic, decoder: Decoder, tmp_path: Path
) -> None:
    times = decoded(video.write(tmp_path), DecodingSettings(decoder=decoder))[1].times
    assert video.times is not None
    assert times.seconds is not None
    assert times.seconds == pytest.approx(np.asarray(video.times), abs=0.001)
    assert times.source == "file"
    assert times.remark == ""


@pytest.mark.parametrize("decoder", [pytest.param("auto", marks=pytest.mark.decord), "pyav"])
@pytest.mark.parametrize("video", CONSTANT, ids=named)
def test_a_constant_rate_is_one_number(video: Synthetic, decoder: Decoder, tmp_path: Path) -> None:
    settings = DecodingSettings(decoder=decoder, max_lost=1)
    times = decoded(video.write(tmp_path), settings)[1].times
    assert times.seconds is None
    assert times.frame_rate == video.rate
    assert times.source == ("rate" if decoder == "auto" and "avi" in video.name else "file")
    assert times.remark == ""


@pytest.mark.parametrize(
    ("codec", "name", "rate"),
    [("libx264", "raw.264", 10), ("libx265", "raw.265", 10), ("mpeg2video", "raw.m2v", 30)],
)
def test_a_raw_stream_has_the_rate_of_its_own_headers(
    codec: str, name: str, rate: int, tmp_path: Path
) -> None:
    path = Synthetic(name, codec=codec, rate=rate).write(tmp_path)
    times = decoded(path)[1].times
    assert (times.frame_rate, times.seconds, times.source) == (rate, None, "rate")
    assert times.remark == ""
    resampled = decoded(path, DecodingSettings(fps="30"))[1].times
    assert (resampled.frame_rate, resampled.source) == (30, "rate")
    assert not times.seekable


def test_only_what_has_neither_times_nor_a_rate_says_which_one_is_assumed(tmp_path: Path) -> None:
    path = Synthetic("raw.mjpeg", codec="mjpeg", pix_fmt="yuvj420p", rate=10).write(tmp_path)
    times = decoded(path)[1].times
    assert (times.frame_rate, times.source) == (25, "assumed")
    assert "25 frames per second are assumed" in times.remark
    assert "\n" not in times.remark


def test_ntsc_rates_rounded_to_milliseconds_are_found_again() -> None:
    for rate in (24000 / 1001, 30000 / 1001, 60000 / 1001):
        stamps = [round(n / rate, 3) for n in range(5000)]
        times = recorded(stamps, 31.7)
        assert times.seconds is None
        assert times.frame_rate == rate


def test_a_wrong_rate_in_the_header_loses_to_the_times() -> None:
    assert recorded([n / 25 for n in range(200)], 50).frame_rate == 25


def test_joined_recordings_go_on_by_the_usual_step() -> None:
    stamps = [n / 25 for n in range(100)] * 2
    assert clocked(stamps) == pytest.approx([n / 25 for n in range(200)])
    times = recorded(stamps, 25)
    assert times.seconds is None
    assert not times.seekable


def test_stamps_out_of_order_and_equal_ones_stand_still() -> None:
    assert clocked([0.0, 0.08, 0.04, 0.12, 0.12]) == [0, 0.08, 0.08, 0.12, 0.12]
    assert not recorded([0.0, 0.08, 0.04, 0.12], 25).seekable
    assert not recorded([0.0, 0.04, 0.04, 0.12], 25).seekable


def test_frames_without_stamps_come_one_step_after_the_one_before() -> None:
    assert clocked([None, None, 7.0, 7.1, None, 7.3, None], 10) == pytest.approx(
        [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    )


@given(ticks)
def test_seconds_start_at_0_and_never_fall(stamps: list[float | None]) -> None:
    seconds = clocked(stamps)
    assert seconds[0] == 0
    assert all(a <= b and math.isfinite(b) for a, b in pairwise(seconds))
    times = recorded(stamps, 25)
    frames = np.arange(len(stamps) + 1)
    assert times.frame_count == len(stamps)
    assert (np.diff(times.start_s(frames)) >= 0).all()
    if times.source == "file":
        assert times.start_s(frames[:-1]) == pytest.approx(np.array(seconds), abs=0.07)


def test_a_clock_that_stands_still_tells_no_times() -> None:
    times = recorded([3.0] * 20, 10)
    assert (times.source, times.frame_rate) == ("rate", 10)


@pytest.mark.parametrize("seconds", [SLOWER_S, PAUSED_S, BROKEN_S])
def test_a_frame_is_found_by_its_time(seconds: list[float]) -> None:
    times = PresentationTimes(len(seconds), 25, seconds=np.array(seconds))
    for frame, start_s in enumerate(seconds):
        assert times.start_s(frame) == start_s
        assert times.frame_at(start_s) == frame
        assert times.frame_at(start_s + 0.001) == frame + 1
    constant = PresentationTimes(1000, 30000 / 1001)
    assert [constant.frame_at(constant.start_s(n)) for n in range(1001)] == list(range(1001))
    assert (constant.frame_at(-5), constant.frame_at(1e9)) == (0, 1000)


def test_a_stretch_ends_where_the_next_frame_begins_but_not_across_a_break() -> None:
    times = PresentationTimes(60, 25, seconds=np.array(PAUSED_S))
    assert times.end_s(30) == pytest.approx(1.2 + 7)  # a still of seven seconds
    times = PresentationTimes(60, 25, seconds=np.array(BROKEN_S))
    assert times.end_s(30) == pytest.approx(1.2)
    assert times.end_s(31) == pytest.approx(61.24)
    assert times.duration_s == pytest.approx(62.4)
    assert times.end_s(np.array([30, 60])) == pytest.approx([1.2, 62.4])


def test_resampled_frames_are_one_slot_apart_but_for_closed_breaks(tmp_path: Path) -> None:
    path = Synthetic("slower.mp4", frames=100, times=SLOWER_S).write(tmp_path)
    times = decoded(path, DecodingSettings(fps="30"))[1].times
    assert (times.frame_rate, times.seconds) == (30, None)
    frames = [TimedFrame(numbered_frame(0, 8, 8), time_s) for time_s in BROKEN_S]
    slots = [frame.time_s for frame in at_constant_rate(frames, 25, 25)]
    assert slots == pytest.approx(BROKEN_S)


@pytest.mark.parametrize(
    "seconds",
    [np.zeros(3), np.array([0, 2.0, 1.0, 3.0]), np.array([0, math.nan, 1, 2]), np.zeros((4, 1))],
)
def test_times_that_no_video_has_are_refused(seconds: np.ndarray) -> None:
    with pytest.raises(BadVideo):
        PresentationTimes(4, 25, seconds=seconds)


def test_a_rate_that_is_none_becomes_25() -> None:
    for rate in (0.0, math.nan, math.inf, -1.0):
        assert constant_times(3, rate).frame_rate == 25
