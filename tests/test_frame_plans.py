"""Segments of published features on the frames of their videos: fixed lengths and equal parts."""

from pathlib import Path

import numpy as np
import pytest

from c2fpl.errors import BadFeatures
from c2fpl.pipeline.features.frame_plans import EqualParts, FixedLength
from c2fpl.pipeline.features.published import PublishedFeatures, open_features
from c2fpl.pipeline.settings import FramesPerSegment, ReadingSettings
from c2fpl.pipeline.truth.protocols import spread_parts
from feature_folders import DIM, save, save_counts


def opened(
    folder: Path,
    segments: dict[str, int],
    frames: dict[str, int] | None = None,
    per_segment: FramesPerSegment = "auto",
) -> PublishedFeatures:
    for name, count in segments.items():
        save(folder / "set" / f"{name}.npy", np.ones((count, DIM), np.float32))
    table = save_counts(folder / "counts.csv", frames) if frames else None
    reading = ReadingSettings(frames_per_segment=per_segment, frame_counts=table)
    return open_features(folder / "set", reading)


@pytest.mark.parametrize(
    "plan",
    [
        FixedLength(61, 4, 16),
        FixedLength(70, 4, 16),
        FixedLength(64, 4, 16),
        EqualParts(1000, 32),
        EqualParts(100, 32),
    ],
)
def test_the_intervals_of_all_segments_are_where_their_scores_go(
    plan: FixedLength | EqualParts,
) -> None:
    scores = np.arange(plan.segment_count, dtype=np.float32)
    frames = plan.to_frames(scores)
    assert frames.shape == (plan.frame_count,)
    by_interval = np.full(plan.frame_count, np.nan, np.float32)
    for segment in range(plan.segment_count):
        start, end = plan.interval_of(segment)
        by_interval[start:end] = scores[segment]
    np.testing.assert_array_equal(by_interval, frames)


def test_a_set_of_32_segments_each_is_in_equal_parts(tmp_path: Path) -> None:
    frames = {"a": 3000, "b": 500}
    features = opened(tmp_path, {"a": 32, "b": 32}, frames)
    scores = np.arange(32, dtype=np.float32)
    for name, count in frames.items():
        found = features.plan(name).to_frames(scores)
        np.testing.assert_array_equal(found, spread_parts(scores, count))


def test_equal_parts_without_frame_counts_have_no_frames(tmp_path: Path) -> None:
    plan = opened(tmp_path, {"a": 32, "b": 32}).plan("a")
    assert plan.interval_of(3) is None
    with pytest.raises(BadFeatures, match="a and all others have 32 segments: equal parts"):
        plan.to_frames(np.zeros(32, np.float32))


def test_32_segments_that_fit_16_frames_each_are_no_equal_parts(tmp_path: Path) -> None:
    plan = opened(tmp_path, {"a": 32}, {"a": 505}).plan("a")
    assert plan.interval_of(31) == (496, 505)


def test_one_video_of_another_length_makes_16_frames_a_segment(tmp_path: Path) -> None:
    plan = opened(tmp_path, {"a": 32, "b": 31}).plan("a")
    assert plan.interval_of(31) == (496, 512)


@pytest.mark.parametrize("per_segment", [16, 64])
def test_the_length_asked_for_is_taken(tmp_path: Path, per_segment: int) -> None:
    plan = opened(tmp_path, {"a": 32, "b": 32}, None, per_segment).plan("a")
    assert plan.interval_of(1) == (per_segment, 2 * per_segment)


def test_frames_that_make_another_number_of_segments_are_refused(tmp_path: Path) -> None:
    features = opened(tmp_path, {"a": 10, "b": 32}, {"a": 800})
    with pytest.raises(BadFeatures, match="a has 10 segments and 800 frames"):
        features.plan("a")
    assert opened(tmp_path, {"a": 10}, {"a": 640}, 64).plan("a").interval_of(9) == (576, 640)


def test_video_features_side_files_tell_rate_and_length(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, rate in (("door", 25.0), ("gate", 30.0)):
        save(tmp_path / f"{name}_rgb.npy", np.ones((5, DIM), np.float32))
        save(tmp_path / f"{name}_fps.npy", np.array(rate))
        save(tmp_path / f"{name}_timestamps_ms.npy", np.arange(5) * 64_000 / rate)
    features = open_features(tmp_path)
    assert features.names == ("door", "gate")
    assert features.times("door").start_s(25) == 1
    assert features.plan("door").interval_of(1) == (64, 128)
    assert "segments have 64 frames, by the timestamps" in caplog.text
