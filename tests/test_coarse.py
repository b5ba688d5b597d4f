from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import plain_labels
from c2fpl.errors import CannotLabel
from c2fpl.models.labels.coarse import label_videos
from c2fpl.models.settings import LabelSettings, Split

PAPER = LabelSettings(method="paper")
RELEASED = LabelSettings(method="released")
PEELED = 0  # a seed whose first component 1 is the smaller, so that peeling follows


def summaries(
    videos: int, seed: int = 0, dtype: type[np.floating[Any]] = np.float64
) -> NDArray[np.floating[Any]]:
    """Two sorts of videos, one rarer and more varied, neither sharply apart."""
    rng = np.random.default_rng(seed)
    rare = rng.random(videos) < 0.3
    mean = np.where(rare, rng.normal(14, 2, videos), rng.normal(10, 1, videos))
    spread = np.where(rare, rng.gamma(9, 0.3, videos), rng.gamma(9, 0.1, videos))
    return np.stack([mean, spread], axis=1).astype(dtype)


def as_rounds(moved: Sequence[Sequence[int]], videos: int) -> NDArray[np.int64]:
    rounds = np.zeros(videos, dtype=np.int64)
    for number, indices in enumerate(moved, start=1):
        rounds[indices] = number
    return rounds


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("eta", [0.25, 1.0, 1.5])
def test_paper_is_the_plain_loop(seed: int, eta: float) -> None:
    points = summaries(60, seed)
    labels = label_videos(points, LabelSettings(method="paper", eta=eta))
    assert np.array_equal(labels.round, as_rounds(plain_labels.paper_coarse(points, eta), 60))
    assert np.array_equal(labels.anomalous, labels.round > 0)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_released_is_the_notebook_in_list_order(seed: int, dtype: type[np.floating[Any]]) -> None:
    points = summaries(60, seed, dtype)
    labels = label_videos(points, RELEASED)
    assert np.array_equal(labels.round, as_rounds(plain_labels.released_coarse(points), 60))


@pytest.mark.parametrize(("videos", "seed"), [(133, 2), (144, 3)])
def test_a_video_at_the_third_percentile_itself_stays(videos: int, seed: int) -> None:
    points = summaries(videos, seed)
    labels = label_videos(points, RELEASED)
    assert np.count_nonzero(labels.round != 1) == 101  # so the percentile is the fourth of them
    assert np.count_nonzero(labels.round == 2) == 3


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_the_order_of_videos_never_reaches_a_paper_label(seed: int, random: Random) -> None:
    points = summaries(25, seed)
    order = list(range(25))
    random.shuffle(order)
    labels = label_videos(points, PAPER)
    assert np.array_equal(label_videos(points[order], PAPER).round, labels.round[order])


@pytest.mark.parametrize("split", ["smaller-part", "low-likelihood"])
def test_every_switch_of_paper_is_free_of_order(split: Split) -> None:
    points = summaries(40, 3)
    chosen = LabelSettings(method="paper", split=split)
    backwards = label_videos(points[::-1], chosen).round[::-1]
    assert np.array_equal(label_videos(points, chosen).round, backwards)


@pytest.mark.parametrize("factor", [2.0, 2.0**-20, 3.7, 1e-4])
def test_scaling_the_norms_changes_no_paper_label(factor: float) -> None:
    points = summaries(60, 1)
    assert np.array_equal(
        label_videos(factor * points, PAPER).round, label_videos(points, PAPER).round
    )


def test_the_smaller_part_is_anomalous_whichever_number_it_has() -> None:
    few_high = np.array([[1.0, 0.1]] * 9 + [[5.0, 1.0]] * 3) + np.arange(12)[:, None] * 1e-3
    few_low = np.array([[5.0, 1.0]] * 9 + [[1.0, 0.1]] * 3) + np.arange(12)[:, None] * 1e-3
    chosen = LabelSettings(eta=0.3)
    for points in (few_high, few_low):
        for seed in range(4):
            labels = label_videos(points, LabelSettings(eta=chosen.eta, seed=seed))
            assert np.flatnonzero(labels.anomalous).tolist() == [9, 10, 11]


def test_of_two_equal_parts_the_higher_norm_is_anomalous() -> None:
    points = np.array([[5.0, 1.0], [1.0, 1.0]])
    assert label_videos(points, PAPER).anomalous.tolist() == [True, False]
    assert label_videos(points[::-1], PAPER).anomalous.tolist() == [False, True]


def test_literal_passes_eta_and_before_stops_short_of_it() -> None:
    points = summaries(60, 2)
    literal = label_videos(points, LabelSettings(stop="literal", eta=0.9))
    before = label_videos(points, LabelSettings(stop="before", eta=0.9))
    last = literal.round.max()
    assert literal.anomalous.sum() / (~literal.anomalous).sum() > 0.9
    assert before.anomalous.sum() / (~before.anomalous).sum() <= 0.9
    assert last > 1
    assert np.array_equal(before.round, np.where(literal.round == last, 0, literal.round))


def test_stopping_before_the_first_split_is_said() -> None:
    labels = label_videos(summaries(60, 2), LabelSettings(stop="before", eta=0.01))
    assert not labels.anomalous.any()
    assert labels.notes[-1].startswith("no video is anomalous: the ratio of the first split is")


def test_released_peels_until_the_ratio_reaches_eta() -> None:
    labels = label_videos(summaries(200, PEELED), RELEASED)
    ratios = [
        np.count_nonzero((labels.round > 0) & (labels.round <= k))
        / np.count_nonzero((labels.round == 0) | (labels.round > k))
        for k in range(1, labels.round.max() + 1)
    ]
    assert ratios[-1] >= 1.0 > ratios[-2]


def test_released_first_split_is_component_one() -> None:
    points = summaries(50, 0)
    first = plain_labels.mixture(points).predict(points) == 1
    labels = label_videos(points, LabelSettings(method="released", eta=1e-9))
    assert np.array_equal(labels.anomalous, first)


def test_fewer_than_two_videos_is_one_line_with_a_cure() -> None:
    with pytest.raises(CannotLabel, match=r"^1 video\(s\) cannot be split .*give at least two$"):
        label_videos([[1.0, 0.2]], PAPER)


@pytest.mark.parametrize("chosen", [PAPER, RELEASED])
def test_identical_videos_are_refused(chosen: LabelSettings) -> None:
    with pytest.raises(CannotLabel, match="all 5 videos have the same norms"):
        label_videos(np.tile([[3.0, 0.5]], (5, 1)), chosen)


def test_released_says_when_float32_cannot_hold_the_mixture() -> None:
    points = np.random.default_rng(0).normal(1e6, 1, (40, 2)).astype(np.float32)
    with pytest.raises(CannotLabel, match="cannot be fitted to 40 videos in float32"):
        label_videos(points, RELEASED)


def test_constant_norms_are_said_to_be_uninformative() -> None:
    rng = np.random.default_rng(0)
    points = np.stack([1 + 1e-5 * rng.random(30), 1e-5 * rng.random(30)], axis=1)
    notes = label_videos(points, PAPER).notes
    assert notes[0].startswith("the statistic is uninformative: the norms vary by only")


def test_one_cloud_is_said_to_be_uninformative_however_long_it_is() -> None:
    rng = np.random.default_rng(1)
    points = np.stack([rng.normal(20, 1, 300), rng.normal(8, 0.1, 300)], axis=1)
    notes = label_videos(points, PAPER).notes
    assert notes[0].startswith("the statistic is uninformative: one Gaussian describes")


def test_two_clouds_raise_no_doubt() -> None:
    rng = np.random.default_rng(2)
    points = np.concatenate([rng.normal(5, 0.3, (60, 2)), rng.normal(9, 0.3, (20, 2))])
    assert not any("uninformative" in n for n in label_videos(points, PAPER).notes)


def test_a_normal_set_that_cannot_be_split_further_ends_the_rounds_with_a_note() -> None:
    points = np.array([[5.0, 1.0]] + [[1.0, 0.1]] * 5)
    labels = label_videos(points, PAPER)
    assert labels.round.tolist() == [1, 0, 0, 0, 0, 0]
    assert labels.notes[-1].startswith("the coarse split ended before round 2 at a ratio of 0.2")


def test_released_ends_where_the_notebook_would_loop_for_ever() -> None:
    points = np.array([[1.0, 0.1]] * 10 + [[5.0, 1.0]] * 2)
    high_is_second = plain_labels.mixture(points).predict(points)[0] == 0
    labels = label_videos(points if high_is_second else points[::-1], RELEASED)
    assert any("ended before round 2" in note for note in labels.notes)


@pytest.mark.parametrize("bad", [[[1.0, np.nan], [1, 2]], [[1.0], [2.0]], [1.0, 2.0]])
def test_bad_summaries_are_refused(bad: Any) -> None:
    with pytest.raises(CannotLabel, match=r"must be \(videos, 2\) and finite"):
        label_videos(bad, PAPER)


def test_the_same_seed_gives_the_same_rounds() -> None:
    points = summaries(40, 4)
    assert np.array_equal(label_videos(points, PAPER).round, label_videos(points, PAPER).round)
