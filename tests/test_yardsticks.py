"""Yardsticks against plain counting, and the published anchors of scores without a network."""

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import official_truth
import plain_metrics
from c2fpl.pipeline.evaluation.references import Reference, references_of
from c2fpl.pipeline.evaluation.yardsticks import (
    ALIKE_LENGTH,
    hours_note,
    length_matched_auc,
    measure_yardsticks,
    recall_at,
    within_video_auc,
)
from c2fpl.pipeline.truth.frame_runs import VideoRuns, video_runs
from test_metrics import drawn_videos, runs_of, runs_of_lists


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_yardsticks_equal_plain_counting(seed: int, ties: bool) -> None:
    videos = drawn_videos(seed, ties=ties)
    runs = runs_of(videos)
    within = plain_metrics.within_videos_by_pairs(videos)
    matched = plain_metrics.length_matched_by_pairs(videos, ALIKE_LENGTH)
    assert within_video_auc(runs) == pytest.approx(within, abs=1e-12)
    assert length_matched_auc(runs) == pytest.approx(matched, abs=1e-12)
    normal_frames = sum(int((truth == 0).sum()) for _, truth in videos)
    for allowed in (0, 1, 2, 5):
        an_hour = (allowed + 0.5) / (normal_frames / 2.4 / 3600)  # clips of 24 frames
        found = plain_metrics.recall_by_thresholds(videos, allowed, clip_frames=24)
        assert recall_at(an_hour, runs, 2.4) == found


def test_a_score_that_knows_only_the_video_is_half_within_videos() -> None:
    videos = [runs_of_lists([0.9] * 40, [0] * 30 + [1] * 10), runs_of_lists([0.1] * 90, [0] * 90)]
    assert within_video_auc(videos) == 0.5
    assert length_matched_auc(videos) == 0.5  # the other video is twice as long


def test_a_raised_video_changes_nothing_within_videos() -> None:
    videos = drawn_videos(1)
    raised = [(scores + number, truth) for number, (scores, truth) in enumerate(videos)]
    assert within_video_auc(runs_of(raised)) == pytest.approx(within_video_auc(runs_of(videos)))


def test_every_yardstick_follows_the_order_of_scores_alone() -> None:
    videos = drawn_videos(2)
    other = [(np.exp(3 * scores), truth) for scores, truth in videos]
    one, same = (measure_yardsticks(runs_of(v), 0.01) for v in (videos, other))
    assert one == same


def test_an_event_is_found_by_one_frame_above_every_normal_one() -> None:
    scores, truth = [0.2, 0.1, 0.9, 0.1, 0.3, 0.8, 0.1], [0, 1, 1, 0, 0, 0, 1]
    videos = [runs_of_lists(scores, truth)]
    assert recall_at(1, videos, frame_rate=0.1) == 0.5  # one alarm needs 360 such frames
    assert recall_at(360 / 4, videos, frame_rate=0.1) == 0.5  # 0.8 is the alarm: 0.1 ties with 0.1
    assert recall_at(360, videos, frame_rate=0.1) == 1.0


def test_one_kind_of_frame_leaves_yardsticks_empty() -> None:
    for truth in ([0, 0], [1, 1]):
        found = measure_yardsticks([runs_of_lists([0.1, 0.9], truth)], 30)
        assert set(vars(found).values()) == {None}


def test_the_hours_behind_false_alarms_are_stated() -> None:
    videos = [runs_of_lists([0.5] * 5400, [0] * 5400)]
    assert "1.50 hours of normal frames at 1 frames per second: 1 and 9 are allowed" in hours_note(
        videos, 1
    )


def official(folder: Path) -> list[VideoRuns]:
    truth = official_truth.build(folder, "ucf-crime", "deepmil", "T_i3d1024_deepmil")
    with (folder / "ucf_test.csv").open() as file:
        counts = [16 * int(row["T_i3d1024_deepmil"]) for row in csv.DictReader(file)]
    return unscored(np.split(truth.frames.astype(np.uint8), np.cumsum(counts)[:-1]))


def c3d(path: Path) -> list[VideoRuns]:
    """The shared features' test videos, the end of an interval included."""
    with np.load(path) as stored:
        chosen = stored["split"] == "test"
        counts, ends = stored["nframes"][chosen], stored["ann"][chosen]
    truths = [np.zeros(int(count), np.uint8) for count in counts]
    for truth, numbers in zip(truths, ends, strict=True):
        for start, end in numbers.reshape(2, 2):
            truth[max(start, 0) : end + 1] = start >= 0
    return unscored(truths)


def unscored(truths: list[NDArray[np.uint8]]) -> list[VideoRuns]:
    return [video_runs(str(i), np.zeros(len(t)), t) for i, t in enumerate(truths)]


def by_name(videos: list[VideoRuns]) -> dict[str, Reference]:
    return {row.name: row for row in references_of(videos)}


@pytest.mark.shared_data
def test_published_anchors_of_official_ucf_crime(shared_data: Path) -> None:
    rows = by_name(official(shared_data / "annotations" / "ucf-crime"))
    assert rows["minus the video's length"].auc == pytest.approx(0.652, abs=5e-4)
    assert rows["perfect video label"].auc == pytest.approx(0.816, abs=5e-4)
    assert rows["minus the video's length"].auc_within_videos == 0.5
    assert rows["minus the video's length"].auc_length_matched == pytest.approx(0.5, abs=0.05)


@pytest.mark.shared_data
def test_length_alone_flatters_the_shared_c3d_set(shared_data: Path) -> None:
    length = by_name(c3d(shared_data / "ucf-crime-c3d" / "features.npz"))[
        "minus the video's length"
    ]
    assert length.auc == pytest.approx(0.835, abs=5e-4)
    assert length.auc_length_matched == pytest.approx(0.5, abs=0.06)
