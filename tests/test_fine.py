import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import plain_labels
from c2fpl.errors import BadFeatures, CannotLabel
from c2fpl.models.labels.coarse import label_videos
from c2fpl.models.labels.fine import label_windows, largest_variation, lowest_mean, window_length
from c2fpl.models.labels.summaries import describe, segment_norms
from c2fpl.models.settings import LabelSettings

PAPER = LabelSettings(method="paper")
RELEASED = LabelSettings(method="released")


def norms_of(videos: int, seed: int = 0, longest: int = 90) -> list[NDArray[np.float32]]:
    rng = np.random.default_rng(seed)
    return [rng.gamma(20, 1, rng.integers(1, longest)).astype(np.float32) for _ in range(videos)]


def some(videos: int) -> NDArray[np.bool_]:
    chosen: NDArray[np.bool_] = np.arange(videos) % 3 == 0
    return chosen


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("beta", [0.05, 0.15, 0.2, 0.5, 1.0])
def test_paper_is_the_plain_loop(seed: int, beta: float) -> None:
    norms = norms_of(30, seed)
    fine = label_windows(norms, some(30), LabelSettings(method="paper", beta=beta))
    labels, densities = plain_labels.paper_fine(norms, some(30), beta)
    assert all(np.array_equal(a, b) for a, b in zip(fine.labels, labels, strict=True))
    for a, b in zip(fine.densities, densities, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("beta", [0.05, 0.15, 0.2, 0.5, 1.0])
def test_released_is_the_notebook_to_the_bit(seed: int, beta: float) -> None:
    norms = norms_of(30, seed)
    fine = label_windows(norms, some(30), LabelSettings(method="released", beta=beta))
    labels, densities = plain_labels.released_fine(norms, some(30), beta)
    assert all(np.array_equal(a, b) for a, b in zip(fine.labels, labels, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(fine.densities, densities, strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_released_from_features_to_labels_is_the_notebook_to_the_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    videos = [
        (rng.gamma(0.3, rng.gamma(9, 0.1), (rng.integers(4, 60), 10, 2048))).astype(np.float32)
        for _ in range(24)
    ]
    plain_norms = [plain_labels.released_norms(video) for video in videos]
    rounds = plain_labels.released_coarse([plain_labels.released_summary(n) for n in plain_norms])
    anomalous = np.isin(np.arange(24), np.concatenate(rounds))
    plain, plain_densities = plain_labels.released_fine(plain_norms, anomalous)

    norms = [segment_norms(video, "squared") for video in videos]
    coarse = label_videos(np.stack([describe(n, "variance") for n in norms]), RELEASED)
    fine = label_windows(norms, coarse.anomalous, RELEASED)
    assert np.array_equal(coarse.anomalous, anomalous)
    assert np.array_equal(np.concatenate(fine.labels), np.concatenate(plain))
    assert np.array_equal(np.concatenate(fine.densities), np.concatenate(plain_densities))


TIES = st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.7, 1e-300])
REAL = st.floats(0, 1, allow_subnormal=False)


@settings(max_examples=300, deadline=None)
@given(st.lists(TIES | REAL, min_size=1, max_size=60), st.data())
def test_windows_are_those_of_the_plain_loop_with_ties(
    values: list[float], data: st.DataObject
) -> None:
    length = data.draw(st.integers(1, len(values)))
    densities = np.array(values)
    assert lowest_mean(densities, length) == plain_labels.plain_lowest_mean(densities, length)
    assert largest_variation(densities, length) == plain_labels.plain_largest_variation(
        densities, length
    )


@settings(max_examples=100, deadline=None)
@given(st.lists(TIES, min_size=1, max_size=5), st.integers(1, 12), st.data())
def test_windows_are_those_of_the_plain_loop_on_repeated_patterns(
    pattern: list[float], times: int, data: st.DataObject
) -> None:
    densities = np.array(pattern * times)
    length = data.draw(st.integers(1, len(densities)))
    assert lowest_mean(densities, length) == plain_labels.plain_lowest_mean(densities, length)
    assert largest_variation(densities, length) == plain_labels.plain_largest_variation(
        densities, length
    )


def test_a_long_constant_video_takes_no_time() -> None:
    started = time.process_time()  # a loop over windows would take hours
    assert lowest_mean(np.zeros(1_000_000), 200_000) == 0
    assert largest_variation(np.zeros(1_000_000), 200_000) == 0
    assert time.process_time() - started < 60


def test_the_first_of_equal_windows_is_taken() -> None:
    assert lowest_mean(np.array([3.0, 1, 1, 3, 1, 1]), 2) == 1
    assert largest_variation(np.array([1.0, 1, 2, 2, 1, 1]), 2) == 1


def test_a_window_of_one_segment_varies_not_so_it_is_the_first() -> None:
    assert largest_variation(np.array([1.0, 5.0, 0.0]), 1) == 0


@given(st.integers(1, 70_000), st.floats(0.01, 1))
def test_window_lengths_stay_inside_the_video(segments: int, beta: float) -> None:
    ceil, floor = (window_length(segments, beta, rule) for rule in ("ceil", "floor"))
    assert 1 <= ceil <= segments
    assert ceil - 1 <= floor <= ceil


def test_window_lengths_of_the_paper_and_of_the_notebook() -> None:
    assert [window_length(m, 0.2, "ceil") for m in (1, 4, 5, 6, 10, 35)] == [1, 1, 1, 2, 2, 7]
    assert [window_length(m, 0.2, "floor") for m in (1, 4, 5, 6, 10, 35)] == [0, 0, 1, 1, 2, 7]


@pytest.mark.parametrize("chosen", [PAPER, RELEASED])
def test_labels_are_one_window_in_anomalous_videos_and_nothing_in_normal_ones(
    chosen: LabelSettings,
) -> None:
    norms = norms_of(40, 7)
    fine = label_windows(norms, some(40), chosen)
    rule = chosen.resolved().window_length or "ceil"
    for video, labels in enumerate(fine.labels):
        assert labels.dtype == np.uint8
        expected = window_length(len(norms[video]), 0.2, rule) if some(40)[video] else 0
        assert labels.sum() == expected
        assert np.count_nonzero(np.diff(labels, prepend=0, append=0)) in (0, 2)


def test_the_paper_window_lies_where_the_norms_are_far_from_normal() -> None:
    rng = np.random.default_rng(0)
    normal, burst = rng.normal(10, 1, 500), rng.normal(10, 1, 50)
    burst[20:30] += 8
    fine = label_windows([normal, burst], np.array([False, True]), PAPER)
    assert np.flatnonzero(fine.labels[1]).tolist() == list(range(20, 30))


def test_the_null_model_is_that_of_the_normal_segments() -> None:
    norms = [np.array([1.0, 3.0]), np.array([100.0]), np.array([5.0])]
    fine = label_windows(norms, np.array([False, True, False]), PAPER)
    assert (fine.null_mean, fine.null_std) == (3.0, 2.0)
    peak = 1 / (2 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(fine.densities[0], [peak * np.exp(-0.5), peak], rtol=1e-12)


@given(st.permutations(range(12)))
@settings(max_examples=30, deadline=None)
def test_the_order_of_videos_changes_no_bit_of_paper(order: list[int]) -> None:
    norms = [np.exp(n.astype(np.float64) / 3) for n in norms_of(12, 5)]
    fine = label_windows(norms, some(12), PAPER)
    moved = label_windows([norms[i] for i in order], some(12)[list(order)], PAPER)
    for position, video in enumerate(order):
        assert np.array_equal(moved.labels[position], fine.labels[video])
        assert np.array_equal(moved.densities[position], fine.densities[video])


@pytest.mark.parametrize("chosen", [PAPER, RELEASED])
def test_doubling_the_norms_changes_no_label_and_halves_the_densities(
    chosen: LabelSettings,
) -> None:
    norms = norms_of(30, 2)
    fine = label_windows(norms, some(30), chosen)
    doubled = label_windows([2 * n for n in norms], some(30), chosen)
    assert np.array_equal(np.concatenate(doubled.labels), np.concatenate(fine.labels))
    assert np.array_equal(2 * np.concatenate(doubled.densities), np.concatenate(fine.densities))


def test_no_normal_video_is_an_error() -> None:
    with pytest.raises(CannotLabel, match=r"all 2 videos are anomalous.*lower eta"):
        label_windows(norms_of(2), np.array([True, True]), PAPER)


@pytest.mark.parametrize("chosen", [PAPER, RELEASED])
def test_a_null_without_spread_is_said_to_be_uninformative(chosen: LabelSettings) -> None:
    norms = [np.full(6, 2.0, np.float32), np.array([2, 2, 2, 9, 2], np.float32)]
    fine = label_windows(norms, np.array([False, True]), chosen)
    assert fine.notes[0].startswith("the statistic is uninformative: the norms of all normal")
    assert fine.densities[1].tolist() == [1, 1, 1, 0, 1]


def test_released_on_short_videos_says_that_no_segment_is_anomalous() -> None:
    fine = label_windows(norms_of(9, longest=4), some(9), RELEASED)
    assert not np.concatenate(fine.labels).any()
    assert fine.notes[-1].startswith("no segment is labelled anomalous")


def test_norms_that_do_not_match_the_coarse_labels_are_refused() -> None:
    with pytest.raises(BadFeatures, match="norms of 3 videos for 2 coarse labels"):
        label_windows(norms_of(3), np.array([False, True]), PAPER)
