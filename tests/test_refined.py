"""Refined labels: what they find, and what must never reach them."""

from typing import Any

import numpy as np
import pytest

from c2fpl.errors import BadFeatures, CannotLabel
from c2fpl.models.labels.change import larger_side, steps_of
from c2fpl.models.labels.evidence import normal_scores
from c2fpl.models.labels.refined import label

DIM = 24


def made_videos(seed: Any = 0, count: Any = 14, level: Any = 3.0) -> Any:
    """Still scenes, each elsewhere; videos 0 to 2 have one stretch of the same unrest."""
    rng = np.random.default_rng(seed)
    videos, truth = [], []
    unrest = 2 * rng.normal(size=DIM)
    for number in range(count):
        length = int(rng.integers(20, 60))
        video = level * rng.normal(size=DIM) + 0.3 * rng.normal(size=(length, DIM))
        mask = np.zeros(length, bool)
        if number < 3:
            mask[6:14] = True
            video[mask] += unrest + 2 * rng.normal(size=(8, DIM))
        videos.append(video.astype(np.float32))
        truth.append(mask)
    return videos, truth


def whole(videos: Any) -> Any:
    return [[video] for video in videos]


def in_chunks(videos: Any, length: Any) -> Any:
    return [np.split(video, range(length, len(video), length)) for video in videos]


@pytest.fixture(scope="module")
def found() -> Any:
    videos, truth = made_videos()
    return label(whole(videos)), truth


def test_a_planted_stretch_is_found_whole(found: Any) -> None:
    labels, truth = found
    inside = np.concatenate(labels.labels)[np.concatenate(truth)]
    outside = np.concatenate(labels.labels)[~np.concatenate(truth)]
    assert inside.min() > 0.9
    assert np.median(outside) < 0.1


def test_videos_with_the_stretch_have_higher_shares_than_most(found: Any) -> None:
    labels, _ = found
    assert min(labels.shares[:3]) > np.median(labels.shares[3:])


def test_outputs_have_the_promised_forms(found: Any) -> None:
    labels, truth = found
    for soft, z, p, mask in zip(labels.labels, labels.scores, labels.p_values, truth, strict=True):
        assert soft.shape == z.shape == p.shape == mask.shape
        assert soft.dtype == np.float32
        assert soft.min() >= 0
        assert soft.max() <= 1
        assert p.min() > 0
        assert p.max() <= 1
    assert labels.anomalous.shape == (len(truth),)


def test_p_values_are_the_share_of_segments_with_as_much_evidence(found: Any) -> None:
    labels, _ = found
    every = np.concatenate(labels.scores)
    assert labels.p_values[1][4] == np.mean(every >= labels.scores[1][4])


def test_the_same_bits_again_and_from_any_order_of_videos() -> None:
    videos, _ = made_videos(seed=3)
    shuffled = np.random.default_rng(1).permutation(len(videos))
    first = label(whole(videos))
    second = label(whole([videos[number] for number in shuffled]))
    for place, number in enumerate(shuffled):
        assert first.labels[number].tobytes() == second.labels[place].tobytes()
        assert first.p_values[number].tobytes() == second.p_values[place].tobytes()
    np.testing.assert_array_equal(first.shares[shuffled], second.shares)


@pytest.mark.parametrize("length", [1, 7])
def test_chunks_give_the_bits_of_whole_videos(length: Any) -> None:
    videos, _ = made_videos(seed=4)
    chunked, at_once = label(in_chunks(videos, length)), label(whole(videos))
    for one, other in zip(chunked.labels, at_once.labels, strict=True):
        assert one.tobytes() == other.tobytes()


def test_mirrored_videos_have_mirrored_labels() -> None:
    videos, _ = made_videos(seed=10)
    forth, back = label(whole(videos)), label(whole([video[::-1] for video in videos]))
    for one, other in zip(forth.labels, back.labels, strict=True):
        np.testing.assert_allclose(one, other[::-1], atol=1e-5)
    np.testing.assert_array_equal(forth.p_values[0], back.p_values[0][::-1])


def test_scale_does_not_reach_a_bit_of_a_label() -> None:
    videos, _ = made_videos(seed=5)
    one, other = label(whole(videos)), label(whole([4 * video for video in videos]))
    assert np.concatenate(one.labels).tobytes() == np.concatenate(other.labels).tobytes()


def test_each_video_may_have_its_own_origin_and_its_dimensions_in_another_order_and_sign() -> None:
    videos, _ = made_videos(seed=5)
    rng = np.random.default_rng(0)
    moved = [
        5 * rng.normal(size=DIM) + v[:, rng.permutation(DIM)] * rng.choice([-1, 1], DIM)
        for v in videos
    ]
    for one, other in zip(label(whole(videos)).labels, label(whole(moved)).labels, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_change_is_the_distance_to_the_less_alike_neighbour() -> None:
    video = np.array([[0.0], [1], [1], [4]])
    np.testing.assert_array_equal(larger_side(steps_of([[video]])[0]), [1, 1, 3, 3])


def test_a_copy_of_a_video_is_labelled_like_it() -> None:
    videos, _ = made_videos(seed=7)
    labels = label(whole([*videos, videos[0].copy()]))
    np.testing.assert_array_equal(labels.labels[0], labels.labels[-1])


def test_float16_and_a_video_of_one_segment_are_taken() -> None:
    videos, _ = made_videos(seed=8)
    labels = label(whole([*videos, videos[0][:1]]))
    assert labels.labels[-1].shape == (1,)
    half = label(whole([video.astype(np.float16) for video in videos]))
    assert np.isfinite(np.concatenate(half.labels)).all()


def test_one_video_alone_is_labelled_by_change() -> None:
    video = made_videos()[0][0]
    labels = label([[video]])
    assert labels.labels[0][8:12].min() > labels.labels[0][25:].max()


def test_frozen_stretches_do_not_become_the_normal_state() -> None:
    videos, truth = made_videos(seed=9)
    videos[5][5:15] = videos[5][
        5
    ]  # a change of exactly 0, an outlier on any other scale than ranks
    labels = label(whole(videos))
    assert np.concatenate(labels.labels)[np.concatenate(truth)].min() > 0.9
    assert labels.labels[8].mean() < 0.5


@pytest.mark.parametrize(
    "videos",
    [[np.ones((9, 4))] * 3, [np.ones((1, 4)), np.zeros((1, 4))]],
    ids=["constant", "short"],
)
def test_features_that_say_nothing_are_said_in_one_line(videos: Any) -> None:
    with pytest.raises(CannotLabel, match="give features that vary over time") as caught:
        label(whole(videos))
    assert "\n" not in str(caught.value)


def test_a_single_segment_is_refused_as_one() -> None:
    with pytest.raises(CannotLabel, match="a single segment cannot be compared"):
        label(whole([np.ones((1, DIM), np.float32)]))


def test_noise_has_a_weak_confidence() -> None:
    rng = np.random.default_rng(0)
    noise = [rng.normal(size=(40, DIM)) for _ in range(12)]
    assert label(whole(noise)).confidence.level == "weak"


@pytest.mark.parametrize(
    ("videos", "said"),
    [
        ([], "no videos to label"),
        ([np.ones((3, 4)), np.ones((3, 5))], "video number 1 .* not"),
        ([np.ones((3, 4)), np.full((2, 4), np.nan)], "video number 1 .* not finite"),
        ([np.empty((0, 4))], "video number 0"),
    ],
)
def test_features_that_cannot_be_compared_are_refused(videos: Any, said: Any) -> None:
    with pytest.raises(BadFeatures, match=said):
        label(whole(videos))


def test_normal_scores_know_ranks_only() -> None:
    one = normal_scores(np.array([1.0, 50, 3]), np.array([1.0, 3, 50]))
    other = normal_scores(np.array([0.0, 9, 8]), np.array([0.0, 8, 9]))
    np.testing.assert_array_equal(one, other)
    assert one.sum() == pytest.approx(0)
