"""Smoothing and calibration of segment scores."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.errors import BadScores
from c2fpl.models.detection.scores import calibrated, finished, smoothed
from c2fpl.models.settings import ScoreOptions

SCORES = np.array([0.1, 0.2, 0.9, 0.3, 0.25, 0.05])


def plain_smoothed(scores: Any, width: Any) -> Any:
    means = []
    for here in range(len(scores)):
        weights = [np.exp(-0.5 * ((there - here) / width) ** 2) for there in range(len(scores))]
        means.append(np.dot(weights, scores) / np.sum(weights))
    return means


@pytest.mark.parametrize("width", [0.5, 1, 3])
def test_smoothing_is_a_gaussian_mean_over_what_exists(width: Any) -> None:
    np.testing.assert_allclose(smoothed(SCORES, width), plain_smoothed(SCORES, width), atol=2e-4)


def test_a_constant_stays_a_constant_up_to_the_ends() -> None:
    np.testing.assert_allclose(smoothed(np.full(40, 0.3), 5), 0.3, atol=1e-6)


def test_width_longer_than_the_video_is_its_mean() -> None:
    np.testing.assert_allclose(smoothed(SCORES, 1e4), SCORES.mean(), atol=1e-6)


def test_one_segment_smooths_to_itself() -> None:
    assert smoothed(np.array([0.7]), 2) == np.float32(0.7)


@pytest.mark.parametrize("option", [smoothed, calibrated])
def test_off_gives_the_scores_back(option: Any) -> None:
    np.testing.assert_array_equal(option(SCORES, 0), SCORES.astype(np.float32))


def test_full_calibration_puts_the_median_at_one_half() -> None:
    assert np.median(calibrated(SCORES[:5], 1)) == pytest.approx(0.5, abs=1e-6)


def test_half_calibration_halves_the_medians_log_odds() -> None:
    np.testing.assert_allclose(calibrated(np.array([0.8]), 0.5), 2 / 3, atol=1e-6)  # odds 4 -> 2


@pytest.mark.parametrize("strength", [0.3, 1])
def test_calibration_keeps_the_order_within_a_video(strength: Any) -> None:
    np.testing.assert_array_equal(np.argsort(calibrated(SCORES, strength)), np.argsort(SCORES))


def test_certain_scores_stay_finite_and_inside() -> None:
    certain = calibrated(np.array([0.0, 1.0, 1.0]), 1)
    assert np.isfinite(certain).all()
    assert certain.min() >= 0
    assert certain.max() <= 1


@pytest.mark.parametrize("option", [smoothed, calibrated])
@pytest.mark.parametrize("scores", [[], [[0.5]], [1.5], [np.nan], [-0.1]])
def test_what_is_no_score_is_refused(option: Any, scores: Any) -> None:
    with pytest.raises(BadScores, match=r"must be \(segments,\) in \[0, 1\]"):
        option(np.array(scores), 0.5)


@pytest.mark.parametrize(
    ("option", "amount", "rule"),
    [
        (smoothed, -1, "at least 0"),
        (smoothed, np.nan, "at least 0"),
        (calibrated, 1.1, r"\[0, 1\]"),
    ],
)
def test_options_out_of_range_are_refused(option: Any, amount: Any, rule: Any) -> None:
    with pytest.raises(BadScores, match=rule):
        option(SCORES, amount)


BOTH = ScoreOptions(smoothing_segments=1.5, calibration=0.7)


def drawn_scores(segment_count: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(0, 1, segment_count).astype(np.float32)


def test_by_default_the_bytes_stay() -> None:
    scores = drawn_scores(50)
    left = finished(scores, ScoreOptions())
    assert left.tobytes() == scores.tobytes()
    assert left.dtype == np.float32


def test_smoothing_comes_before_calibration() -> None:
    scores = drawn_scores(50)
    np.testing.assert_array_equal(
        finished(scores, BOTH), calibrated(smoothed(scores, BOTH.smoothing_segments), 0.7)
    )


@pytest.mark.parametrize("segment_count", [1, 2, 50])
def test_finished_scores_stay_float32_in_0_1(segment_count: int) -> None:
    extremes = np.round(drawn_scores(segment_count))  # 0 and 1 alone
    for scores in (drawn_scores(segment_count), extremes):
        made = finished(scores, BOTH)
        assert made.dtype == np.float32
        assert made.shape == (segment_count,)
        assert 0 <= made.min() <= made.max() <= 1


@pytest.mark.parametrize("segment_count", [1, 5, 50])
def test_a_mirrored_video_has_mirrored_scores(segment_count: int) -> None:
    scores = drawn_scores(segment_count)
    mirrored = finished(scores[::-1], BOTH)[::-1]
    np.testing.assert_allclose(mirrored, finished(scores, BOTH), rtol=0, atol=1e-7)


def test_calibration_knows_no_order() -> None:
    scores, order = drawn_scores(50), np.random.default_rng(1).permutation(50)
    np.testing.assert_array_equal(calibrated(scores[order], 0.7), calibrated(scores, 0.7)[order])


@pytest.mark.parametrize(
    ("option", "amount"),
    [
        *(("smoothing_segments", amount) for amount in (-1, np.inf, np.nan)),
        *(("calibration", amount) for amount in (-0.1, 1.1, np.nan)),
    ],
)
def test_settings_out_of_range_are_refused_with_value_and_rule(option: str, amount: float) -> None:
    with pytest.raises(ValueError, match=f"{amount} must be .*0") as refused:
        ScoreOptions(**{option: amount})
    assert option.replace("_", " ") in str(refused.value)
