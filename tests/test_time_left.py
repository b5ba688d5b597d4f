"""The remaining time: exact at a steady rate, quick to follow a change, silent at first."""

import logging
import time
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.files.time_left import ENOUGH_ITEMS, TimeLeft


def estimates(work: list[float], seconds: list[float]) -> list[float | None]:
    """Estimates after each item, when the items take these seconds one after another."""
    left = TimeLeft(work, 100.0)
    return [left.after(done, 100 + at) for done, at in enumerate(accumulate(seconds), start=1)]


@given(st.lists(st.floats(1, 1e6), min_size=ENOUGH_ITEMS, max_size=50), st.floats(1e-3, 1e3))
def test_the_estimate_is_exact_when_time_is_proportional_to_work(
    work: list[float], seconds_a_unit: float
) -> None:
    seconds = [each * seconds_a_unit for each in work]
    found = estimates(work, seconds)
    assert found[: ENOUGH_ITEMS - 1] == [None] * (ENOUGH_ITEMS - 1)
    for done in range(ENOUGH_ITEMS, len(work) + 1):
        left_s = sum(seconds[done:])
        assert found[done - 1] == pytest.approx(left_s, rel=1e-6, abs=1e-6 * sum(seconds))


def test_a_slow_start_is_forgotten() -> None:
    found = estimates([1.0] * 40, [60.0, *[2.0] * 39])
    assert found[29] == pytest.approx(20)  # the rate of the whole step would say 39 s


def test_a_machine_that_becomes_busy_is_noticed() -> None:
    found = estimates([1.0] * 60, [1.0] * 20 + [4.0] * 40)
    assert found[24] == pytest.approx(35 * 4, rel=0.1)  # the rate of the whole step would say 56 s


def test_large_items_first_do_not_make_the_rest_look_slow() -> None:
    assert estimates([9.0, 9.0, 9.0, *[1.0] * 27], [9.0] * 3)[-1] == pytest.approx(27)


def test_items_without_work_give_no_estimate() -> None:
    assert set(estimates([0.0] * 9, [1.0] * 9)) == {None}


def test_lines_come_every_ten_seconds_and_the_last_one_has_the_time_taken(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = iter([0.0, *(4.0 * step for step in range(1, 9))])
    monkeypatch.setattr(time, "monotonic", clock.__next__)
    caplog.set_level(logging.INFO)
    with progress("extract", 8, "videos", quiet=False) as shown:
        for _ in range(8):
            shown.advance()
    monkeypatch.undo()
    assert [record.message for record in caplog.records] == [
        "extract: 3 of 8 videos, 15.0 a minute, about 20 s left",
        "extract: 6 of 8 videos, 15.0 a minute, about 8 s left",
        "extract: 8 of 8 videos, 15.0 a minute, took 32 s",
    ]
