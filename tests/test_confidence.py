"""Confidence: weak on noise and on shuffled footage, passed on planted anomalies."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from c2fpl.models.labels.confidence import Confidence, measure_confidence
from c2fpl.models.settings import LabelSettings
from c2fpl.pipeline.features.published import features_in
from c2fpl.pipeline.files.run_files import RunFiles, load_json
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.steps.update_labels import confidence_of, update_labels
from feature_folders import save

Videos = list[NDArray[np.float32]]
LENGTHS = (12, 40, 25, 90, 33, 18, 150, 21)
DIM = 32


def measured(videos: Videos) -> Confidence:
    return measure_confidence([[video] for video in videos])


def planted(seed: int = 0) -> Videos:
    """Scenes that drift slowly, with a stretch of unrest in every third video."""
    rng = np.random.default_rng(seed)
    videos = []
    for number, length in enumerate(LENGTHS):
        drift = np.cumsum(rng.normal(size=(length, DIM)), axis=0)
        video = 3 * rng.normal(size=DIM) + 0.3 * drift + 0.2 * rng.normal(size=(length, DIM))
        activity = np.abs(lfilter([1], [1, -0.8], rng.normal(size=length)))
        video += activity[:, None] * rng.normal(size=(length, DIM)) / 4
        if number % 3 == 0:
            video[4:9] += 4 + 2 * rng.normal(size=(5, DIM))
        videos.append(video.astype(np.float32))
    return videos


def gaussian(rng: np.random.Generator) -> Videos:
    return [rng.normal(size=(n, DIM)).astype(np.float32) for n in LENGTHS]


def scenes(rng: np.random.Generator) -> Videos:
    return [video + 5 * rng.normal(size=DIM).astype(np.float32) for video in gaussian(rng)]


def smooth(rng: np.random.Generator) -> Videos:
    return [
        lfilter([1], [1, -0.9], rng.normal(size=(n + 50, DIM)), axis=0)[50:].astype(np.float32)
        for n in LENGTHS
    ]


def random_walks(rng: np.random.Generator) -> Videos:
    return [np.cumsum(video, axis=0) for video in gaussian(rng)]


def heavy_tailed(rng: np.random.Generator) -> Videos:
    return [rng.standard_t(2, size=(n, DIM)).astype(np.float32) for n in LENGTHS]


def positive(rng: np.random.Generator) -> Videos:
    return [rng.gamma(0.5, size=(n, DIM)).astype(np.float32) for n in LENGTHS]


def shuffled(rng: np.random.Generator) -> Videos:
    return [video[rng.permutation(len(video))] for video in planted()]


def dimensions_apart(rng: np.random.Generator) -> Videos:
    return [
        np.stack([np.roll(column, rng.integers(len(video))) for column in video.T], axis=1)
        for video in planted()
    ]


NOISES = (
    *(gaussian, scenes, smooth, random_walks, heavy_tailed, positive),
    *(shuffled, dimensions_apart),
)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("noise", NOISES, ids=lambda noise: noise.__name__)
def test_noise_is_weak(noise: Callable[[np.random.Generator], Videos], seed: int) -> None:
    found = measured(noise(np.random.default_rng(seed)))
    assert found.level == "weak"
    assert "do not trust the scores" in str(found)


@pytest.mark.parametrize("seed", range(3))
def test_planted_anomalies_pass(seed: int) -> None:
    found = measured(planted(seed))
    assert found.level == "passed"
    assert found.signal == pytest.approx(found.agreement * found.order)
    assert "\n" not in str(found)


def test_noise_added_to_footage_lowers_it() -> None:
    rng = np.random.default_rng(0)
    hiss = [rng.normal(size=video.shape).astype(np.float32) for video in planted()]
    signals = [
        measured([v + level * h for v, h in zip(planted(), hiss, strict=True)]).signal
        for level in (0, 1, 3, 9, 27)
    ]
    assert signals == sorted(signals, reverse=True)
    assert signals[-1] < 0.1


def plain_order(video: NDArray[np.float32]) -> float:
    rows = video.astype(np.float64)
    pairs = [np.linalg.norm(a - b) for i, a in enumerate(rows) for b in rows[:i]]
    near = [np.linalg.norm(a - b) for a, b in zip(rows[1:], rows, strict=False)]
    return float(1 - np.mean(near) / np.mean(pairs))


def test_order_compares_neighbours_with_all_pairs() -> None:
    videos = [video[:60] for video in planted()]
    expected = np.mean([plain_order(video) for video in videos])
    assert measured(videos).order == pytest.approx(expected)


def test_agreement_is_the_correlation_of_the_changes_of_two_halves() -> None:
    rng = np.random.default_rng(0)
    base = rng.gamma(1, size=(30, 1)).cumsum(axis=0) * np.ones(8)
    same = measured([base.astype(np.float32), (base[::-1] ** 1.5).astype(np.float32)])
    assert same.agreement == pytest.approx(1)


def test_neither_order_of_videos_nor_chunks_change_a_bit() -> None:
    videos = planted()
    first = measured(videos)
    assert measured(videos[::-1]) == first
    for length in (1, 7, 64, 65):
        chunked = [np.split(v, range(length, len(v), length)) for v in videos]
        assert measure_confidence(chunked) == first


@pytest.mark.parametrize("factor", [4.0, 2.0**-20])
def test_scale_changes_nothing(factor: float) -> None:
    found = measured([np.float32(factor) * video for video in planted()])
    assert found.signal == pytest.approx(measured(planted()).signal)


@pytest.mark.parametrize(
    "videos",
    [
        [np.ones((1, 4), np.float32)],
        [np.ones((2, 4), np.float32), np.zeros((1, 4), np.float32)],
        [np.ones((9, 4), np.float32)] * 3,
        [np.random.default_rng(0).random((30, 1), dtype=np.float32)],
    ],
    ids=["one segment", "too short", "constant", "one dimension"],
)
def test_too_little_is_weak(videos: Videos) -> None:
    found = measured(videos)
    assert (found.signal, found.level) == (0, "weak")


@pytest.fixture(params=["passed", "weak"])
def level_and_features(request: Any, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    videos = planted() if request.param == "passed" else gaussian(np.random.default_rng(0))
    for number, video in enumerate(videos):
        save(tmp_path / "features" / f"v{number}.npy", video[:, None])
    yield request.param, tmp_path / "features"


def test_labels_record_it_and_warn_if_it_is_weak(
    level_and_features: tuple[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    level, folder = level_and_features
    files = RunFiles(tmp_path / "labels", holds="labels")
    with caplog.at_level("WARNING"):
        update_labels(
            files, features_in(folder), LabelSettings(method="refined"), Execution(quiet=True)
        )
    found = confidence_of(files)
    assert found is not None
    assert found["level"] == level
    assert ("do not trust the scores" in caplog.text) == (level == "weak")
    assert load_json(files.labels_record)["confidence"] == found


def test_other_methods_have_none(level_and_features: tuple[str, Path], tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "labels", holds="labels")
    update_labels(files, features_in(level_and_features[1]), LabelSettings(), Execution(quiet=True))
    assert confidence_of(files) is None
