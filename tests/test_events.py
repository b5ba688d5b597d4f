"""Events: hand-countable cases, the threshold rule, and what holds for every score curve."""

import csv
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import ArrayLike, NDArray

from c2fpl.errors import BadScores
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.report.events import (
    find_events,
    load_events,
    merge,
    peak_frame_of,
    timecode,
    write_events,
)
from c2fpl.pipeline.report.thresholds import (
    Threshold,
)
from c2fpl.pipeline.settings import EventSettings
from run_folder import HOSTILE, add_video, scores_with, small_run

Curve = NDArray[np.float32]
HALF = Threshold(0.5, 0.1, "given")
PLAIN = EventSettings(hysteresis=1, merge_gap_s=0, min_length_s=0)
curves = arrays.arrays(
    np.float32,
    st.integers(1, 80),
    elements=st.sampled_from([0, 0.25, 0.4375, 0.5, 0.625, 0.875, 1]),
)


def find(
    scores: ArrayLike, settings_: EventSettings, rate: float = 10.0, threshold: Threshold = HALF
) -> list[tuple[int, int]]:
    values = np.asarray(scores, dtype=np.float32)
    return find_events(values, PresentationTimes(len(values), rate), threshold, settings_)


def test_an_event_is_where_the_score_is_above_the_threshold_end_exclusive() -> None:
    assert find([0, 0.6, 0.7, 0.5, 0.9], PLAIN) == [(1, 3), (4, 5)]


def test_a_score_equal_to_the_threshold_is_not_above_it() -> None:
    assert find([0.5, 0.5], PLAIN) == []


def test_hysteresis_keeps_an_event_until_the_lower_threshold() -> None:
    # background 0.1, threshold 0.5, half of the way: 0.3
    loose = EventSettings(hysteresis=0.5, merge_gap_s=0, min_length_s=0)
    assert find([0.2, 0.4, 0.6, 0.35, 0.31, 0.2, 0.4], loose) == [(1, 5)]


def test_hysteresis_is_measured_from_the_background_so_scale_and_offset_do_not_matter() -> None:
    scores = np.array([0.2, 0.4, 0.6, 0.35, 0.31, 0.2, 0.4])
    squeezed = Threshold(0.45 + 0.05, 0.45 + 0.01, "given")
    loose = EventSettings(hysteresis=0.5, merge_gap_s=0, min_length_s=0)
    assert find(0.45 + scores / 10, loose, threshold=squeezed) == [(1, 5)]


def test_a_threshold_below_the_background_is_its_own_lower_threshold() -> None:
    low = Threshold(0.3, 0.8, "given")
    assert find([0.2, 0.4, 0.9, 0.3], EventSettings(min_length_s=0), threshold=low) == [(1, 3)]


def test_events_closer_than_the_gap_become_one_and_equal_to_the_gap_stay_two() -> None:
    scores = [0.9, 0, 0, 0.9]
    near = EventSettings(hysteresis=1, merge_gap_s=0.21, min_length_s=0)
    apart = EventSettings(hysteresis=1, merge_gap_s=0.2, min_length_s=0)
    assert find(scores, near) == [(0, 4)]
    assert find(scores, apart) == [(0, 1), (3, 4)]


def test_merging_comes_before_the_minimum_length() -> None:
    both = EventSettings(hysteresis=1, merge_gap_s=0.3, min_length_s=0.5)
    assert find([0, 0.9, 0.9, 0, 0.9, 0.9, 0], both) == [(1, 6)]


def test_events_shorter_than_the_minimum_are_left_out() -> None:
    least = EventSettings(hysteresis=1, merge_gap_s=0, min_length_s=0.2)
    assert find([0.9, 0, 0.9, 0.9, 0], least) == [(2, 4)]


def test_a_video_shorter_than_the_minimum_can_be_an_event_as_a_whole() -> None:
    assert find([0.9] * 8, EventSettings(min_length_s=1)) == [(0, 8)]


def test_the_peak_is_the_middle_of_the_first_highest_stretch() -> None:
    scores = np.array([0.2, 0.9, 0.9, 0.9, 0.3, 0.9], dtype=np.float32)
    assert peak_frame_of(scores, 0, 6) == 2
    assert peak_frame_of(scores, 4, 6) == 5


def test_merge_joins_a_chain() -> None:
    runs = [(0, 4), (6, 9), (11, 12), (20, 21)]
    assert merge(runs, PresentationTimes(30, 1), 3) == [
        (0, 12),
        (20, 21),
    ]


@given(curves, st.floats(0, 1), st.floats(0, 2), st.floats(0, 2))
@settings(max_examples=200, deadline=None)
def test_events_are_ordered_apart_long_enough_and_hold_every_long_enough_peak(
    scores: Curve, hysteresis: float, gap: float, least: float
) -> None:
    chosen = EventSettings(hysteresis=hysteresis, merge_gap_s=gap, min_length_s=least)
    events = find(scores, chosen)
    ends = [0, *(end for _, end in events)]
    assert all(start >= end for (start, _), end in zip(events, ends[:-1], strict=True))
    assert all(end - start >= min(least * 10, len(scores)) for start, end in events)
    assert all(scores[start:end].max() > HALF.value for start, end in events)
    gaps = [b[0] - a[1] for a, b in pairwise(events)]
    assert all(distance >= gap * 10 for distance in gaps)
    if least == 0:
        covered = np.zeros(len(scores), dtype=bool)
        for start, end in events:
            covered[start:end] = True
        assert covered[scores > HALF.value].all()


@given(curves, st.floats(0.05, 0.95), st.floats(0.05, 0.95))
@settings(max_examples=100, deadline=None)
def test_a_higher_threshold_never_finds_more_footage(
    scores: Curve, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    lengths = [
        sum(end - start for start, end in find(scores, PLAIN, threshold=Threshold(t, 0, "given")))
        for t in (low, high)
    ]
    assert lengths[0] >= lengths[1]


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"threshold": 1.5}, "threshold 1.5 is not in"),
        ({"quantile": -0.1}, "quantile -0.1 is not in"),
        ({"hysteresis": 2}, "hysteresis 2 is not in"),
        ({"merge_gap_s": -1}, "merge_gap_s -1 is not a number of seconds"),
        ({"min_length_s": float("nan")}, "min_length_s nan is not a number of seconds"),
        ({"threshold": 0.5, "quantile": 0.9}, "both given"),
    ],
)
def test_wrong_settings_are_refused_with_the_rule(wrong: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        EventSettings(**wrong)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00:00.000"), (3661.5, "01:01:01.500"), (59.9996, "00:01:00.000"),
     (360000.0, "100:00:00.000")],
)  # fmt: skip
def test_timecodes_round_to_the_millisecond_and_carry(seconds: float, text: str) -> None:
    assert timecode(seconds) == text


def test_the_files_of_a_run_hold_every_event_highest_peak_first(tmp_path: Path) -> None:
    files = small_run(tmp_path)
    found = write_events(files, EventSettings())
    with files.events.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["video"] for row in rows] == ["gate/night", HOSTILE]
    assert list(rows[0].values()) == [
        "gate/night", "80", "120", "8.0", "12.0", "0.9", "99", "00:00:08.000", "00:00:12.000",
    ]  # fmt: skip
    stored = json.loads(files.events.with_suffix(".json").read_text(encoding="utf-8"))
    assert [event["start_timecode"] for event in stored["events"]] == [
        "00:00:08.000", "00:00:05.000",
    ]  # fmt: skip
    assert load_events(files).threshold == found.threshold
    assert [e.peak_frame for e in load_events(files).events] == [99, 59]


def test_equal_peaks_are_ranked_by_name_then_time(tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "run")
    twice = scores_with(100, [(60, 80, 0.9), (10, 30, 0.9)])
    for name in ("b", "a"):
        add_video(files, tmp_path, name, twice, with_file=False)
    found = write_events(files, EventSettings(merge_gap_s=1))
    assert [(e.video, e.start_frame) for e in found.events] == [
        ("a", 10), ("a", 60), ("b", 10), ("b", 60),
    ]  # fmt: skip


def test_a_run_without_scores_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadScores, match="run `c2fpl score`"):
        write_events(RunFiles(tmp_path), EventSettings())


def test_events_that_were_not_written_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadScores, match=r"no .*events.json; `c2fpl report .*` writes it"):
        load_events(RunFiles(tmp_path))


def test_a_score_file_that_is_no_curve_is_refused(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    add_video(files, tmp_path, "a", np.zeros((3, 2), dtype=np.float32), with_file=False)
    with pytest.raises(BadScores, match="not one float a frame"):
        write_events(files, EventSettings())
