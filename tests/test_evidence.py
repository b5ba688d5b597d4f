"""Evidence of other videos, what counts as usual, and evidence joined with a detector's scores."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.errors import BadLabels
from c2fpl.models.chunks import blocks, thinned
from c2fpl.models.labels.distance import Reference, distance
from c2fpl.models.labels.evidence import Evidence, nearness_to_middle
from c2fpl.models.labels.joined import Joined, join
from c2fpl.models.labels.refined import label
from c2fpl.models.labels.surroundings import distance_from_surroundings
from c2fpl.models.labels.usual import ends_are_stiller, scene_share, scenes_differ
from c2fpl.models.relative import RelativeSource, relative_to, usual_state
from c2fpl.models.sources import ArraySource
from c2fpl.pipeline.steps.update_labels import load_evidence, save_evidence

Rows = NDArray[np.float32]


def scenes(apart: float, seed: int = 0, count: int = 20, length: int = 40) -> list[Rows]:
    """Videos with a stretch of unrest, each about a place of its own, `apart` from one another."""
    rng = np.random.default_rng(seed)
    unrest = 2 * rng.normal(size=12)
    videos = []
    for _ in range(count):
        video = apart * rng.normal(size=12) + 0.3 * rng.normal(size=(length, 12))
        video[15:20] += unrest + rng.normal(size=(5, 12))
        videos.append(video.astype(np.float32))
    return videos


def cut(video: Rows, length: int) -> list[Rows]:
    return np.split(video, range(length, len(video), length))


@pytest.mark.parametrize("length", [1, 3, 100])
def test_thinned_rows_and_blocks_do_not_depend_on_the_chunks(length: int) -> None:
    video = np.arange(70, dtype=np.float32).reshape(35, 2)
    places, rows = thinned(cut(video, length), 10)
    assert places.tolist() == [0, 4, 8, 12, 16, 20, 24, 28, 32]
    np.testing.assert_array_equal(rows, video[places])
    found = list(blocks(cut(video, length), 16))
    assert [len(block) for block in found] == [16, 16, 3]
    np.testing.assert_array_equal(np.concatenate(found), video)


def known_distance(video: Sequence[Rows], reference: Reference) -> NDArray[np.float64]:
    found = distance(video, reference)
    assert found is not None
    return found


def reference_of(videos: Sequence[Rows]) -> Reference:
    owners = np.repeat(np.arange(len(videos)), [len(video) for video in videos])
    return Reference(np.concatenate(videos), owners)


@pytest.mark.parametrize("count", [1, 2, 40, 130])
@pytest.mark.parametrize("length", [3, 1000])
def test_surroundings_are_the_median_of_every_fourth_segment_around(
    count: int, length: int
) -> None:
    """A plain loop that looks every segment up, with the ends repeated."""
    video = np.random.default_rng(count).normal(size=(count, 5)).astype(np.float32)
    plain = []
    for here in range(count):
        places = [min(max(here + away, 0), count - 1) for away in range(-32, 33, 4)]
        plain.append(np.linalg.norm(video[here] - np.median(video[places], axis=0)))
    found = distance_from_surroundings(cut(video, length))
    np.testing.assert_allclose(found, plain, rtol=1e-5, atol=1e-6)


def test_an_event_shorter_than_half_of_the_surroundings_stands_out_over_its_whole_length() -> None:
    video = np.zeros((200, 3), np.float32)
    video[80:100] = 1
    found = distance_from_surroundings([video])
    assert found[80:100].min() > 1
    assert np.delete(found, range(80, 100)).max() == 0


def test_surroundings_say_nothing_about_a_video_of_two_segments() -> None:
    videos = scenes(0.0)
    evidence = label([[video] for video in videos]).evidence
    farther = replace(evidence, surroundings=evidence.surroundings + 100)
    for length, same in ((2, True), (3, False)):
        short = [videos[0][15 : 15 + length]]
        assert np.array_equal(evidence.of(short), farther.of(short)) == same


def test_a_lasting_change_of_the_scene_is_usual_soon_after() -> None:
    video = np.zeros((200, 3), np.float32)
    video[100:] = 1
    np.testing.assert_array_equal(np.flatnonzero(distance_from_surroundings([video])), [])


@pytest.mark.parametrize("length", [3, 100])
def test_distance_is_to_the_nearest_segment_of_another_video(length: int) -> None:
    videos = scenes(0.0, count=4)
    others = np.concatenate(videos[1:])
    plain = [np.linalg.norm(others - row, axis=1).min() for row in videos[0]]
    found = known_distance(cut(videos[0], length), reference_of(videos))
    np.testing.assert_allclose(found, plain, rtol=1e-6)
    found = known_distance(cut(videos[0], length), reference_of(videos[1:]))
    np.testing.assert_allclose(found, plain, rtol=1e-6)


def test_a_video_that_shares_some_segments_is_another_video() -> None:
    one, other = scenes(0.0, count=2)
    other[:3] = one[:3]
    found = known_distance([one], reference_of([one, other]))
    assert (found[:3] < 1e-6).all()
    assert (found[3:] > 0.1).all()


def test_without_another_video_only_the_own_segments_count() -> None:
    (video,) = scenes(0.0, count=1)
    assert distance([video], reference_of([video, video.copy()])) is None
    for videos in ([video], [video, video.copy()]):
        evidence = label([[one] for one in videos]).evidence
        assert len(evidence.reference.rows) == 0
        assert not evidence.elsewhere


def test_other_videos_count_where_scenes_are_alike_and_agree_with_change() -> None:
    """Features that change where they are usual, and rest where they are not, disagree."""
    alike = scenes(0.0)
    assert label([[video] for video in alike]).evidence.elsewhere
    rng = np.random.default_rng(0)
    opposed = []
    for _ in range(10):
        still = 20 * rng.normal(size=12) + 0.01 * rng.normal(size=(20, 12))
        opposed.append(np.concatenate((rng.normal(size=(20, 12)), still)).astype(np.float32))
    assert not label([[video] for video in opposed]).evidence.elsewhere


def test_scenes_far_apart_are_told_from_one_scene() -> None:
    apart, together = scenes(5.0), scenes(0.0)
    assert scene_share(apart) > 0.9
    assert scene_share(together) < 0.1
    assert label([[video] for video in apart]).evidence.relative
    assert not label([[video] for video in together]).evidence.relative


def test_features_that_name_the_action_stay_absolute_in_any_scene() -> None:
    """Level tells change, and the video's own median does not."""
    rng = np.random.default_rng(0)
    levels = [np.full((20, 4), place, np.float32) for place in np.linspace(-3, 3, 16)]
    rows = [level + 0.1 * rng.normal(size=level.shape).astype(np.float32) for level in levels]
    changes = [np.exp(one.mean(axis=1).astype(float)) for one in rows]
    assert scene_share(rows) > 0.9
    assert not scenes_differ(rows, changes)


def test_few_videos_are_one_scene() -> None:
    videos = scenes(5.0, count=5)
    assert not scenes_differ(videos, [np.arange(40.0)] * 5)


def test_ends_are_stiller_only_where_they_are() -> None:
    rng = np.random.default_rng(0)
    flat = [rng.random(30) for _ in range(20)]
    hill = [one + np.hanning(30) for one in flat]
    assert ends_are_stiller(hill)
    assert not ends_are_stiller(flat)
    assert not ends_are_stiller([1 - one for one in hill])


def test_nearness_to_the_middle_is_symmetric_and_one_segment_says_nothing() -> None:
    scores = nearness_to_middle(7)
    np.testing.assert_allclose(scores, scores[::-1])
    assert scores.argmax() == 3
    assert nearness_to_middle(1) == 0


@pytest.mark.parametrize("apart", [0.0, 5.0])
def test_evidence_of_a_known_video_is_that_of_its_labels_and_survives_a_file(
    apart: float, tmp_path: Path
) -> None:
    videos = scenes(apart)
    found = label([[video] for video in videos])
    path = tmp_path / "evidence.safetensors"
    save_evidence(path, found.evidence)
    evidence = load_evidence(path)
    assert evidence is not None
    for length in (7, 100):
        values = evidence.of(cut(videos[3], length))
        np.testing.assert_array_equal(values, found.scores[3])
    path.write_bytes(b"no tensors")
    with pytest.raises(BadLabels, match="label again"):
        load_evidence(path)
    save_evidence(path, None)
    assert load_evidence(path) is None


def joined_of(videos: Sequence[Rows], seed: int = 0) -> tuple[Joined, Evidence, list[Rows]]:
    found = label([[video] for video in videos])
    rng = np.random.default_rng(seed)
    detected = [rng.random(len(video)).astype(np.float32) for video in videos]
    return join(found.evidence, found.scores, detected), found.evidence, detected


def test_joined_scores_find_the_stretch_and_lie_inside_zero_and_one() -> None:
    videos = scenes(0.0)
    joined, evidence, detected = joined_of(videos)
    scores = joined.scores(evidence.of([videos[0]]), detected[0])
    assert scores.dtype == np.float32
    assert 0 < scores.min() <= scores.max() < 1
    assert scores[16:19].min() > np.delete(scores, range(13, 22)).max()


def test_joined_scores_rise_with_the_detector_and_survive_arrays() -> None:
    videos = scenes(0.0)
    joined, evidence, detected = joined_of(videos)
    again = Joined.from_arrays(joined.as_arrays())
    values = evidence.of([videos[0]])
    low, high = (again.scores(values, detected[0] + shift) for shift in (0, 0.2))
    np.testing.assert_array_equal(low, joined.scores(values, detected[0]))
    assert (high >= low).all()
    assert (high > low).any()


def test_a_relative_source_gives_what_relative_chunks_give() -> None:
    rng = np.random.default_rng(0)
    videos = [rng.normal(size=(n, 3, 5)).astype(np.float32) for n in (4, 9)]
    usual = [usual_state([video]) for video in videos]
    np.testing.assert_array_equal(usual[0], np.median(videos[0], axis=0))
    source = RelativeSource(ArraySource(videos), usual, [4, 9])
    chunked = np.concatenate(
        [*relative_to([videos[0]], usual[0]), *relative_to([videos[1]], usual[1])]
    )
    np.testing.assert_array_equal(source.gather(np.arange(13)), chunked)
    assert (len(source), source.crops, source.dim) == (13, 3, 5)
