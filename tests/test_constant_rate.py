"""Resampling to 30 frames a second, against FFmpeg's own fps filter."""

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
import pytest
from av.filter import Graph

from c2fpl.extractors.decoding.pyav_frames import TimedFrame
from c2fpl.extractors.decoding.resampling import at_constant_rate

TICK = Fraction(1, 9000)


def still(number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((2, 2, 3), number, np.uint8)


def resampled(times: Sequence[float | None], source_rate: float, rate: float = 30) -> list[int]:
    frames = [TimedFrame(still(number), time_s) for number, time_s in enumerate(times)]
    return [int(f.pixels[0, 0, 0]) for f in at_constant_rate(frames, rate, source_rate)]


def by_ffmpeg(times: Sequence[float], source_rate: int, rate: int = 30) -> list[int]:
    graph = Graph()
    source = graph.add_buffer(width=16, height=16, format=av.VideoFormat("gray"), time_base=TICK)
    steps = [source, graph.add("fps", f"fps={rate}"), graph.add("buffersink")]
    graph.link_nodes(*steps).configure()
    for number, time_s in enumerate(times):
        frame = av.VideoFrame.from_ndarray(np.full((16, 16), number, np.uint8), format="gray")
        frame.pts, frame.time_base = round(Fraction(time_s) / TICK), TICK
        frame.duration = round(1 / source_rate / TICK)
        graph.push(frame)
    graph.push(None)
    numbers: list[int] = []
    while True:
        try:
            pulled = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return numbers
        assert isinstance(pulled, av.VideoFrame)
        numbers.append(int(pulled.to_ndarray()[0, 0]))


@pytest.mark.parametrize("source_rate", [10, 12, 15, 24, 25, 30, 50, 60])
def test_constant_rates_are_resampled_as_ffmpeg_does(source_rate: int) -> None:
    times = [number / source_rate for number in range(100)]
    assert resampled(times, source_rate) == by_ffmpeg(times, source_rate)


@pytest.mark.parametrize("seed", range(5))
def test_variable_rates_are_resampled_as_ffmpeg_does(seed: int) -> None:
    steps = np.random.default_rng(seed).integers(1, 1500, 60)
    times = [float(tick * TICK) for tick in [0, *np.cumsum(steps).tolist()]]
    assert resampled(times, 20) == by_ffmpeg(times, 20)


def test_25_to_30_gives_one_and_a_fifth_of_the_frames() -> None:
    numbers = resampled([number / 25 for number in range(100)], 25)
    assert len(numbers) == 120
    assert numbers[:7] == [0, 1, 2, 2, 3, 4, 5]


def test_30_to_30_changes_nothing() -> None:
    assert resampled([number / 30 for number in range(90)], 30) == list(range(90))


def test_the_first_frame_need_not_be_at_zero() -> None:
    late = [5 + number / 25 for number in range(50)]
    assert resampled(late, 25) == resampled([time_s - 5 for time_s in late], 25)


def test_frames_without_times_come_at_the_source_rate() -> None:
    assert resampled([None] * 50, 25) == resampled([number / 25 for number in range(50)], 25)


@pytest.mark.parametrize("jump_s", [-100.0, 3600.0])
def test_a_broken_clock_neither_fills_hours_nor_stops(jump_s: float) -> None:
    broken = [number / 30 + jump_s * (number > 20) for number in range(40)]
    assert resampled(broken, 30) == list(range(40))


def test_one_frame_of_ten_hours_stays_short() -> None:
    assert len(resampled([0.0], 1 / 36000)) == 300


def test_a_video_has_at_least_one_frame_left() -> None:
    assert resampled([0.0], 1000) == [0]
    assert resampled([], 25) == []
