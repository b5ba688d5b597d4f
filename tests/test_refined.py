"""Refined labels: what they find, and what must never reach them."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from c2fpl.models import segment_space
from c2fpl.models.refined import NothingToTell, label, normal_scores
from c2fpl.models.segment_space import BadSegments, first_pass, rarities
from c2fpl.models.settings import LabelSettings

SETTINGS = LabelSettings(method="refined")
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


def rarity_of(videos: Any) -> Any:
    return rarities(videos, first_pass(videos, 0))


@pytest.fixture(scope="module")
def found() -> Any:
    videos, truth = made_videos()
    return label(whole(videos), SETTINGS), truth


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
    assert all("\n" not in note for note in labels.notes)


def test_p_values_are_the_share_of_segments_with_as_much_evidence(found: Any) -> None:
    labels, _ = found
    every = np.concatenate(labels.scores)
    assert labels.p_values[1][4] == np.mean(every >= labels.scores[1][4])


def test_the_same_bits_again_and_from_any_order_of_videos() -> None:
    videos, _ = made_videos(seed=3)
    shuffled = np.random.default_rng(1).permutation(len(videos))
    first = label(whole(videos), SETTINGS)
    second = label(whole([videos[number] for number in shuffled]), SETTINGS)
    for place, number in enumerate(shuffled):
        assert first.labels[number].tobytes() == second.labels[place].tobytes()
        assert first.p_values[number].tobytes() == second.p_values[place].tobytes()
    np.testing.assert_array_equal(first.shares[shuffled], second.shares)


@pytest.mark.parametrize("length", [1, 7])
def test_chunks_give_what_whole_videos_give(length: Any) -> None:
    videos, _ = made_videos(seed=4)
    for chunked, at_once in zip(
        label(in_chunks(videos, length), SETTINGS).labels,
        label(whole(videos), SETTINGS).labels,
        strict=True,
    ):
        np.testing.assert_allclose(chunked, at_once, atol=1e-6)


def test_scale_and_origin_of_features_do_not_matter() -> None:
    videos, _ = made_videos(seed=5)
    moved = [4 * video + 2 for video in videos]
    for one, other in zip(
        label(whole(videos), SETTINGS).labels, label(whole(moved), SETTINGS).labels, strict=True
    ):
        assert np.mean(np.abs(one - other)) < 1e-3  # the sample is drawn by a hash: it may differ


def test_the_sample_is_the_same_from_any_order_and_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segment_space, "SAMPLE_SEGMENTS", 40)
    videos, _ = made_videos(seed=6)
    one = first_pass(whole(videos), 0)
    other = first_pass(in_chunks(videos[::-1], 3), 0)
    assert len(one.sample) == 40
    np.testing.assert_array_equal(one.sample, other.sample)
    assert one.owners == other.owners
    assert not np.array_equal(one.sample, first_pass(whole(videos), 1).sample)


def test_change_is_the_distance_to_the_less_alike_neighbour() -> None:
    video = np.array([[0.0], [1], [1], [4]])
    np.testing.assert_array_equal(first_pass([[video]], 0).changes[0], [1, 1, 3, 3])


def test_rarity_is_the_mean_distance_to_the_nearest_of_other_videos(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(segment_space, "NEIGHBOURS", 2)
    videos = whole([np.array([[0.0], [10]]), np.array([[1.0], [3], [9]])])
    near, _ = rarity_of(videos)
    np.testing.assert_allclose(near, [2, 4], atol=1e-9)  # 1 and 3; 1 and 7


def test_principal_directions_keep_distances_of_what_lies_in_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    basis = rng.normal(size=(5, 40))
    flat = [rng.normal(size=(30, 5)) @ basis for _ in range(3)]
    exact = rarity_of(whole(flat))
    monkeypatch.setattr(segment_space, "DIRECTIONS", 8)
    for one, other in zip(exact, rarity_of(whole(flat)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_rarity_that_contradicts_change_has_no_say() -> None:
    rng = np.random.default_rng(2)
    # The still videos are the rare ones: they stand far off, the restless ones lie together.
    still = [30 * rng.normal(size=DIM) + 0.1 * rng.normal(size=(30, DIM)) for _ in range(6)]
    restless = [2 * rng.normal(size=(30, DIM)) for _ in range(6)]
    labels = label(whole([*still, *restless]), SETTINGS)
    assert labels.rarity_weight == 0
    assert min(labels.shares[6:]) > max(labels.shares[:6])


def test_a_copy_of_a_video_is_labelled_like_it() -> None:
    videos, _ = made_videos(seed=7)
    labels = label(whole([*videos, videos[0].copy()]), SETTINGS)
    np.testing.assert_array_equal(labels.labels[0], labels.labels[-1])


def test_float16_and_a_video_of_one_segment_are_taken() -> None:
    videos, _ = made_videos(seed=8)
    labels = label(whole([*videos, videos[0][:1]]), SETTINGS)
    assert labels.labels[-1].shape == (1,)
    half = label(whole([video.astype(np.float16) for video in videos]), SETTINGS)
    assert np.isfinite(np.concatenate(half.labels)).all()


def test_one_video_alone_is_labelled_by_change() -> None:
    video = made_videos()[0][0]
    labels = label([[video]], SETTINGS)
    assert labels.rarity_weight == 0
    assert labels.labels[0][8:12].min() > labels.labels[0][25:].max()


def test_frozen_stretches_do_not_become_the_normal_state() -> None:
    videos, truth = made_videos(seed=9)
    videos[5][5:15] = videos[5][
        5
    ]  # a change of exactly 0, an outlier on any other scale than ranks
    labels = label(whole(videos), SETTINGS)
    assert np.concatenate(labels.labels)[np.concatenate(truth)].min() > 0.9
    assert labels.labels[8].mean() < 0.5


@pytest.mark.parametrize(
    "videos",
    [[np.ones((9, 4))] * 3, [np.ones((1, 4)), np.zeros((1, 4))]],
    ids=["constant", "short"],
)
def test_features_that_say_nothing_are_said_in_one_line(videos: Any) -> None:
    with pytest.raises(NothingToTell, match="give features that vary in time") as caught:
        label(whole(videos), SETTINGS)
    assert "\n" not in str(caught.value)


def test_noise_without_states_is_noted() -> None:
    rng = np.random.default_rng(0)
    noise = [rng.normal(size=(40, DIM)) for _ in range(12)]
    (note,) = label(whole(noise), SETTINGS).notes
    assert "uninformative" in note


@pytest.mark.parametrize(
    ("videos", "said"),
    [
        ([], "no video to label"),
        ([np.ones((3, 4)), np.ones((3, 5))], "video number 1 .* not"),
        ([np.ones((3, 4)), np.full((2, 4), np.nan)], "video number 1 .* not finite"),
        ([np.empty((0, 4))], "video number 0"),
    ],
)
def test_features_that_cannot_be_compared_are_refused(videos: Any, said: Any) -> None:
    with pytest.raises(BadSegments, match=said):
        label(whole(videos), SETTINGS)


def test_normal_scores_know_ranks_only() -> None:
    one = normal_scores([np.array([1.0, 50]), np.array([3.0])])
    other = normal_scores([np.array([0.0, 9]), np.array([8.0])])
    np.testing.assert_array_equal(np.concatenate(one), np.concatenate(other))
    assert np.concatenate(one).sum() == pytest.approx(0)


def test_the_seed_salts_the_sample_only() -> None:
    videos, _ = made_videos(seed=11)
    one, other = (label(whole(videos), dataclasses.replace(SETTINGS, seed=seed)) for seed in (0, 1))
    for first, second in zip(one.labels, other.labels, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-6)  # all segments are in the sample
