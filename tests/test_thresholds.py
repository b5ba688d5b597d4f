"""The threshold without labels: two groups, outliers, quantiles, and scores that are none."""

import numpy as np
import pytest

from c2fpl.errors import BadScores
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.pipeline.report.events import find_events
from c2fpl.pipeline.report.thresholds import BINS, choose_threshold, count_scores, otsu, quantile_of
from c2fpl.pipeline.settings import EventSettings


def test_two_groups_are_cut_halfway_between_their_means() -> None:
    scores = np.r_[np.full(900, 0.1), np.full(100, 0.8)].astype(np.float32)
    threshold = choose_threshold(count_scores([scores]))
    assert threshold.value == pytest.approx(0.45, abs=1e-4)
    assert threshold.background == pytest.approx(0.1, abs=1e-4)
    assert "two groups" in threshold.rule


def test_otsu_finds_the_cut_that_explains_most_by_trying_all() -> None:
    rng = np.random.default_rng(0)
    values = np.r_[rng.normal(0.3, 0.08, 300), rng.normal(0.7, 0.05, 120)].clip(0, 1)
    scores = values.astype(np.float32)
    cut, explained = otsu(count_scores([scores]))
    explained_at = [
        (low := scores[scores <= c]).size * (scores > c).sum()
        * (low.mean() - scores[scores > c].mean()) ** 2 / scores.size**2 / scores.var()
        for c in np.sort(scores)[:-1]
    ]  # fmt: skip
    assert explained == pytest.approx(max(explained_at), rel=1e-3)
    best = np.sort(scores)[:-1][int(np.argmax(explained_at))]
    middle = (scores[scores <= best].mean() + scores[scores > best].mean()) / 2
    assert cut == pytest.approx(middle, abs=1e-4)


def test_scores_without_groups_leave_the_outliers_between_one_and_five_per_cent() -> None:
    rng = np.random.default_rng(0)
    normal = rng.normal(0.5, 0.02, 100_000).clip(0, 1).astype(np.float32)
    threshold = choose_threshold(count_scores([normal]))
    assert "robust" in threshold.rule
    # three standard deviations would leave 0.13 %: the cut comes down to 1 %
    assert (normal > threshold.value).mean() == pytest.approx(0.01, abs=5e-4)
    tail = rng.exponential(0.05, 100_000).clip(0, 1).astype(np.float32)
    # median + 3 * 1.4826 * MAD = 2.83 scales, above which an exponential has 5.9 %
    above = (tail > choose_threshold(count_scores([tail])).value).mean()
    assert above == pytest.approx(0.05, abs=2e-3)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_equal_scores_everywhere_leave_nothing_above_the_threshold(value: float) -> None:
    scores = np.full(100, value, dtype=np.float32)
    threshold = choose_threshold(count_scores([scores]))
    assert find_events(scores, PresentationTimes(100, 10), threshold, EventSettings()) == []


def test_the_threshold_does_not_depend_on_how_frames_are_divided_into_videos() -> None:
    scores = np.random.default_rng(0).random(1000).astype(np.float32) ** 2
    whole = choose_threshold(count_scores([scores]))
    assert choose_threshold(count_scores([scores[600:], scores[:600]])) == whole


def test_a_quantile_is_read_off_the_pooled_frames() -> None:
    counts = count_scores([np.arange(100, dtype=np.float32) / np.float32(100)])
    threshold = choose_threshold(counts, quantile=0.95)
    assert threshold.value == pytest.approx(0.94, abs=2 / BINS)
    assert (np.arange(100) / 100 > threshold.value).sum() == 5
    assert quantile_of(np.zeros(BINS, dtype=np.int64), 0.5) == 1.0


@pytest.mark.parametrize("bad", [np.nan, 1.5, -0.1, np.inf])
def test_scores_that_are_no_scores_are_refused(bad: float) -> None:
    with pytest.raises(BadScores, match=r"must all be in \[0, 1\]"):
        count_scores([np.array([0.1, bad], dtype=np.float32)])
