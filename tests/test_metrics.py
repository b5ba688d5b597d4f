"""Metrics against plain counting and scikit-learn; the bootstrap against drawn copies."""

import json
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

import plain_metrics
from c2fpl.errors import BadScores
from c2fpl.pipeline.evaluation.intervals import ThresholdCounts, bootstrap_intervals
from c2fpl.pipeline.evaluation.metrics import measure
from c2fpl.pipeline.truth.frame_runs import VideoRuns, pooled, video_runs

Video = tuple[NDArray[np.float32], NDArray[np.uint8]]


def drawn_videos(seed: int, video_count: int = 12, ties: bool = True) -> list[Video]:
    """Videos of 16-frame steps, every third one anomalous; (scores, truth) of each."""
    rng = np.random.default_rng(seed)
    videos = []
    for index in range(video_count):
        segments = int(rng.integers(1, 6))
        steps = rng.random(segments)
        scores = np.repeat(np.round(steps, 1) if ties else steps, 16).astype(np.float32)
        truth = np.zeros(len(scores), np.uint8)
        if index % 3 == 0:
            start = int(rng.integers(len(truth) - 1))
            truth[start : start + int(rng.integers(1, 30))] = 1
        videos.append((scores, truth))
    return videos


def runs_of(videos: Sequence[Video]) -> list[VideoRuns]:
    return [video_runs(str(i), scores, truth) for i, (scores, truth) in enumerate(videos)]


def end_to_end(videos: Sequence[Video]) -> Video:
    scores = np.concatenate([scores for scores, _ in videos])
    return scores, np.concatenate([truth for _, truth in videos])


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_all_metrics_equal_plain_counting(seed: int, ties: bool) -> None:
    videos = drawn_videos(seed, ties=ties)
    metrics = measure(runs_of(videos), bootstrap_replicates=0)
    scores, truth = end_to_end(videos)
    assert metrics.auc == pytest.approx(plain_metrics.auc_by_pairs(scores, truth), abs=1e-12)
    assert metrics.ap == pytest.approx(
        plain_metrics.average_precision_by_steps(scores, truth), abs=1e-12
    )
    assert metrics.ap_trapezoid == pytest.approx(
        plain_metrics.average_precision_by_trapezoids(scores, truth), abs=1e-12
    )
    normal_scores, normal_truth = end_to_end([v for v in videos if not v[1].any()])
    assert metrics.far == pytest.approx(
        plain_metrics.alarms_by_frames(normal_scores, normal_truth, 0.5)
    )
    anomalous = end_to_end([video for video in videos if video[1].any()])
    assert metrics.auc_anomalous == pytest.approx(plain_metrics.auc_by_pairs(*anomalous))


def test_a_hand_counted_case() -> None:
    videos = [runs_of_lists([0.9, 0.4, 0.4], [1, 0, 1]), runs_of_lists([0.4, 0.1], [0, 0])]
    metrics = measure(videos, bootstrap_replicates=0)
    assert metrics.auc == pytest.approx((3 + 2 * 0.5 + 1) / 6)
    assert metrics.ap == pytest.approx(0.5 * 1 + 0.5 * 0.5)
    assert metrics.far == 0.0
    assert (metrics.frames, metrics.anomalous_frames) == (5, 2)
    assert (metrics.videos, metrics.anomalous_videos) == (2, 1)


def runs_of_lists(scores: Sequence[float], truth: Sequence[int]) -> VideoRuns:
    return video_runs("v", np.array(scores, np.float32), np.array(truth, np.uint8))


def test_a_score_of_exactly_one_half_is_an_alarm() -> None:
    metrics = measure([runs_of_lists([0.5, 0.49], [0, 0])], bootstrap_replicates=0)
    assert metrics.far == 0.5


def test_frames_are_joined_into_runs_of_equal_score_and_label() -> None:
    runs = runs_of_lists([0.2, 0.2, 0.7, 0.7], [0, 0, 0, 1]).runs
    assert runs.lengths.tolist() == [2, 1, 1]
    assert runs.labels.tolist() == [False, False, True]
    assert pooled([]).scores.shape == (0,)
    assert runs_of_lists([], []).runs.lengths.tolist() == []


def test_a_constant_score_is_chance_by_auc_and_prevalence_by_ap() -> None:
    metrics = measure([runs_of_lists([0.3] * 10, [0] * 8 + [1] * 2)], bootstrap_replicates=0)
    assert metrics.auc == 0.5
    assert metrics.ap == pytest.approx(0.2)
    assert metrics.ap_trapezoid == pytest.approx(0.6)


def test_scores_are_only_ranked() -> None:
    videos = drawn_videos(3)
    raised = [(scores**3, truth) for scores, truth in videos]
    one, other = (measure(runs_of(v), bootstrap_replicates=0) for v in (videos, raised))
    assert (one.auc, one.ap, one.ap_trapezoid) == (other.auc, other.ap, other.ap_trapezoid)


def test_the_order_of_videos_does_not_matter() -> None:
    videos = drawn_videos(4)
    one, other = (measure(runs_of(v), bootstrap_replicates=0) for v in (videos, videos[::-1]))
    assert one.auc == pytest.approx(other.auc, abs=1e-15)
    assert one.ap == pytest.approx(other.ap, abs=1e-15)


def test_all_normal_leaves_auc_empty_with_a_note() -> None:
    metrics = measure([runs_of_lists([0.1, 0.9], [0, 0])])
    assert (metrics.auc, metrics.ap, metrics.ap_trapezoid) == (None, None, None)
    assert metrics.far == 0.5
    assert "all frames are normal" in metrics.notes[0]
    assert '"auc": null' in json.dumps(metrics.as_json(), allow_nan=False)


def test_all_anomalous_leaves_false_alarms_empty_with_a_note() -> None:
    metrics = measure([runs_of_lists([0.1, 0.9], [1, 1])])
    assert (metrics.auc, metrics.far) == (None, None)
    assert "all frames are anomalous" in metrics.notes[0]
    assert "no normal videos" in metrics.notes[1]


def test_a_video_of_two_classes_counts_in_both() -> None:
    anomalous = np.array([0, 1], np.uint8)
    videos = [
        video_runs("a", np.array([0.1, 0.9]), anomalous, ("Shooting", "Explosion")),
        video_runs("b", np.array([0.9, 0.1]), anomalous, ("Explosion",)),
        video_runs("c", np.array([0.2, 0.7]), np.zeros(2, np.uint8), ("Normal",)),
    ]
    classes = {one.name: one for one in measure(videos, bootstrap_replicates=0).classes}
    assert list(classes) == ["Explosion", "Normal", "Shooting"]
    assert (classes["Shooting"].auc, classes["Explosion"].auc) == (1.0, 0.5)
    assert (classes["Normal"].auc, classes["Normal"].far) == (None, 0.5)
    assert classes["Explosion"].frames == 4


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_score_that_is_not_finite_is_refused_with_its_frame(bad: float) -> None:
    with pytest.raises(BadScores, match="v, frame 1: score"):
        runs_of_lists([0.1, bad], [0, 1])


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(BadScores, match=r"v has scores \(2,\) and truth \(3,\)"):
        runs_of_lists([0.1, 0.2], [0, 1, 1])


@pytest.mark.parametrize("seed", range(5))
def test_weighing_a_video_equals_repeating_it(seed: int) -> None:
    videos = drawn_videos(seed)
    weights = np.random.default_rng(seed).integers(0, 4, len(videos))
    weights[0] = 1
    weights[1] = 1
    copies = [video for video, count in zip(videos, weights, strict=True) for _ in range(count)]
    scores, truth = end_to_end(copies)
    counts = ThresholdCounts(pooled(runs_of(videos)), len(videos))
    auc, ap = counts.auc_and_ap(weights[:, np.newaxis])[:, 0]
    assert auc == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    assert ap == pytest.approx(average_precision_score(truth, scores), abs=1e-12)


def test_the_bootstrap_follows_from_its_seed_and_holds_the_result() -> None:
    runs = runs_of(drawn_videos(1, video_count=60))
    one, same, other = (measure(runs, bootstrap_replicates=200, seed=s) for s in (0, 0, 1))
    assert one == same
    assert one.auc_interval95 != other.auc_interval95
    assert one.auc is not None and one.auc_interval95 is not None
    low, high = one.auc_interval95
    assert low < one.auc < high
    assert one.bootstrap_replicates == 200


def test_the_interval_is_that_of_copied_videos() -> None:
    videos = drawn_videos(2)
    rng = np.random.default_rng(9)
    drawn = [rng.integers(len(videos), size=len(videos)) for _ in range(50)]
    results = []
    for indices in drawn:
        scores, truth = end_to_end([videos[i] for i in indices])
        if 0 < truth.sum() < len(truth):
            results.append(roc_auc_score(truth, scores))
    found = bootstrap_intervals(pooled(runs_of(videos)), len(videos), 50, 9)
    assert found.auc == pytest.approx(np.percentile(results, (2.5, 97.5)), abs=1e-12)


def test_replicates_without_anomalies_are_left_out_and_counted() -> None:
    runs = [runs_of_lists([0.1, 0.9], [0, 1]), *[runs_of_lists([0.2, 0.3], [0, 0])] * 2]
    metrics = measure(runs, bootstrap_replicates=100)
    assert 0 < metrics.bootstrap_replicates < 100


def test_one_video_has_an_interval_of_one_point() -> None:
    metrics = measure([runs_of_lists([0.1, 0.9, 0.5], [0, 1, 0])], bootstrap_replicates=10)
    assert metrics.auc_interval95 == (1.0, 1.0)
