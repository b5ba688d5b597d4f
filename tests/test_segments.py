from typing import cast, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.errors import BadScores, TooShort
from c2fpl.extractors.segments import SEGMENT_FRAMES, SegmentCutter, SegmentPlan
from c2fpl.extractors.settings import Tail

LENGTHS = [1, 15, 16, 17, 31, 32, 33, 1412]
WHOLE_CASES = [("loop", 16), ("drop", 16)]
WHOLE_CASES += [(tail, count) for tail in get_args(Tail) for count in (17, 31, 32, 33, 1412)]


def frame(number: int) -> NDArray[np.uint8]:
    return np.full((2, 3, 3), number % 256, np.uint8)


@pytest.mark.parametrize(
    ("frame_count", "loop", "drop"),
    [(16, 1, 1), (17, 2, 1), (31, 2, 1), (32, 2, 2), (33, 3, 2), (1412, 89, 88)],
)
def test_segment_counts_are_ceil_and_floor(frame_count: int, loop: int, drop: int) -> None:
    assert SegmentPlan(frame_count, "loop").segment_count == loop
    assert SegmentPlan(frame_count, "drop").segment_count == drop


@pytest.mark.parametrize("frame_count", [17, 32, 33, 48, 49, 1412])
def test_the_published_rule_of_xd_violence_leaves_the_last_frame_out(frame_count: int) -> None:
    assert SegmentPlan(frame_count, "xdviodet").segment_count == (frame_count - 1) // 16


def test_short_last_segment_repeats_its_own_frames() -> None:
    assert SegmentPlan(20).frames_of(1).tolist() == [16, 17, 18, 19] * 4


def test_full_segments_are_consecutive_frames() -> None:
    assert SegmentPlan(40).frames_of(1).tolist() == list(range(16, 32))


def test_one_frame_fills_a_segment_sixteen_times() -> None:
    assert SegmentPlan(1).frames_of(0).tolist() == [0] * 16


@pytest.mark.parametrize(("tail", "frame_count"), WHOLE_CASES)
def test_intervals_cover_every_frame_once(frame_count: int, tail: Tail) -> None:
    plan = SegmentPlan(frame_count, tail)
    covered = [
        frame
        for segment in range(plan.segment_count)
        for frame in range(*plan.interval_of(segment))
    ]
    assert covered == list(range(frame_count))


@pytest.mark.parametrize(("tail", "frame_count"), WHOLE_CASES)
def test_each_frame_takes_the_score_of_its_interval(frame_count: int, tail: Tail) -> None:
    plan = SegmentPlan(frame_count, tail)
    scores = np.random.default_rng(0).random(plan.segment_count)
    frames = plan.to_frames(scores)
    assert frames.shape == (frame_count,)
    assert frames.dtype == np.float32
    for segment in range(plan.segment_count):
        start, end = plan.interval_of(segment)
        assert set(frames[start:end]) == {np.float32(scores[segment])}


def test_dropped_frames_take_the_score_of_the_last_segment() -> None:
    assert SegmentPlan(18, "drop").to_frames(np.array([0.5])).tolist() == [0.5] * 18


def test_scores_of_another_length_are_refused() -> None:
    with pytest.raises(BadScores, match=r"shape \(2,\) for 3 segments \(40 frames\)"):
        SegmentPlan(40).to_frames(np.zeros(2))


def test_fewer_frames_than_a_segment_cannot_be_dropped() -> None:
    with pytest.raises(
        TooShort, match="15 frames are fewer than one segment of 16; tail rule loop"
    ):
        SegmentPlan(15, "drop")


def test_no_frames_are_no_video() -> None:
    with pytest.raises(TooShort, match="0 frames"):
        SegmentPlan(0)


def test_unknown_tail_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="tail rule 'pad' is unknown; use loop"):
        SegmentPlan(16, cast(Tail, "pad"))


def test_a_segment_past_the_end_is_refused() -> None:
    with pytest.raises(
        IndexError, match="segment 2 is out of range; this video has segments 0 to 1"
    ):
        SegmentPlan(32).frames_of(2)


@pytest.mark.parametrize("frame_count", LENGTHS)
def test_cutter_gives_the_segments_of_the_plan(frame_count: int) -> None:
    cutter = SegmentCutter("loop")
    frames = [frame(number) for number in range(frame_count)]
    segments = [segment for each in frames if (segment := cutter.add(each))]
    segments += cutter.finish()
    plan = SegmentPlan(frame_count)
    assert len(segments) == plan.segment_count
    for index, segment in enumerate(segments):
        assert len(segment) == SEGMENT_FRAMES
        expected = [frames[number] for number in plan.frames_of(index)]
        assert all(got is want for got, want in zip(segment, expected, strict=True))


@pytest.mark.parametrize("frame_count", [17, 31, 32, 33, 48, 49])
def test_cutter_leaves_the_last_frame_out_where_the_rule_says_so(frame_count: int) -> None:
    cutter = SegmentCutter("xdviodet")
    frames = [frame(number) for number in range(frame_count)]
    segments = [segment for each in frames if (segment := cutter.add(each))]
    assert list(cutter.finish()) == []
    assert len(segments) == (frame_count - 1) // SEGMENT_FRAMES
    for index, segment in enumerate(segments):
        first = index * SEGMENT_FRAMES
        assert all(got is want for got, want in zip(segment, frames[first:], strict=False))
        assert len(segment) == SEGMENT_FRAMES


def test_cutter_drops_the_frames_left_over() -> None:
    cutter = SegmentCutter("drop")
    segments = [segment for number in range(31) if (segment := cutter.add(frame(number)))]
    assert [each[0, 0, 0] for each in segments[0]] == list(range(16))
    assert list(cutter.finish()) == []
    assert len(segments) == 1


def test_cutter_says_when_all_would_be_dropped() -> None:
    cutter = SegmentCutter("drop")
    cutter.add(frame(0))
    with pytest.raises(TooShort, match="1 frames are fewer than one segment"):
        list(cutter.finish())
