"""Frames missing between time stamps: counted at a constant rate, never at a variable one."""

from collections.abc import Iterable

import numpy as np

from c2fpl.extractors.decoding.missing_frames import MissingFrames


def missing(times: Iterable[int], ticks_a_second: float = 1000) -> int:
    counted = MissingFrames()
    for time in times:
        counted.add(time)
    return counted.missing(ticks_a_second)


def without(times: list[int], start: int, end: int) -> list[int]:
    return times[:start] + times[end:]


def test_nothing_is_missing_from_a_constant_rate() -> None:
    assert missing(range(0, 4000, 40)) == 0
    assert missing([0]) == missing([]) == 0


def test_a_hole_lacks_as_many_frames_as_steps_fit_in() -> None:
    times = [round(frame * 1000 / 30) for frame in range(200)]  # 33, 34, 33 ms as in Matroska
    assert missing(without(times, 50, 120)) == 70
    assert missing(without(without(times, 90, 91), 20, 27)) == 8


def test_times_out_of_order_as_of_b_frames_are_put_in_order() -> None:
    order = np.arange(64).reshape(-1, 4)[:, [3, 1, 0, 2]].ravel()
    times = [int(frame) * 40 for frame in order]
    assert missing(times) == 0
    assert missing([time for time in times if not 400 <= time < 520]) == 3


def test_nothing_can_be_said_to_be_missing_from_a_variable_rate() -> None:
    steps = np.random.default_rng(0).integers(20, 300, 200)
    assert missing(np.cumsum(steps).tolist()) == 0


def test_a_jump_over_ten_seconds_is_a_break_and_no_gap() -> None:
    assert missing([*range(0, 4000, 40), *range(13_880, 16_000, 40)]) == 247
    assert missing([*range(0, 4000, 40), *range(14_000, 16_000, 40)]) == 0


def test_times_that_come_again_lack_nothing() -> None:
    counted = MissingFrames()
    for time in [*range(0, 4000, 40), *range(2000, 6000, 40)]:
        counted.add(time)
    assert counted.missing(1000) == 0


def test_one_wild_time_hides_nothing() -> None:
    times = list(range(0, 8000, 40))
    assert missing([*times[:50], 2**40, *times[60:]]) == 10
