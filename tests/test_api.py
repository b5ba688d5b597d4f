"""The steps as functions: their examples run, and they give what the command line gives."""

import doctest
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import c2fpl as package
from c2fpl import functions as api
from c2fpl.errors import BadFeatures, BadLabels, BadVideo
from c2fpl.extractors.settings import ExtractionSettings
from c2fpl.models.settings import TrainingSettings
from c2fpl.pipeline.demo_videos import DemoVideo, write_videos
from c2fpl.pipeline.steps.detector_files import load_detector
from command_line import c2fpl

FLOW = ExtractionSettings(backbone="flow", crops=1)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three videos of 60 frames, something going on in the last."""
    folder = tmp_path_factory.mktemp("videos")
    brawls = (None, None, (20, 40))
    write_videos([DemoVideo(f"v{i}", 60, brawl, 0, i) for i, brawl in enumerate(brawls)], folder)
    return sorted(folder.glob("*.mp4"))


def arrays() -> list[NDArray[np.float32]]:
    """Six videos of 8 segments, 5 crops, dim 16; the last two move a lot in segments 2 and 3."""
    rng = np.random.default_rng(0)
    values = [rng.uniform(0.9, 1.1, (8, 5, 16)).astype(np.float32) for _ in range(6)]
    for video in values[4:]:
        video[2:4] *= 3
    return values


@pytest.mark.parametrize("name", ["", *api.__all__])
def test_the_examples_in_the_docstrings_are_true(
    name: str, videos: list[Path], tmp_path: Path
) -> None:
    told = api if not name else getattr(api, name)
    public = {name: getattr(package, name) for name in dir(package)}
    known = {
        **vars(api),
        **public,
        "videos": videos,
        "folder_of_arrays": arrays(),
        "tmp_path": tmp_path,
    }
    examples = doctest.DocTestFinder(recurse=False).find(told, name or "api", globs=known)
    runner = doctest.DocTestRunner()
    for example in examples:
        runner.run(example)
    assert runner.tries >= 1
    assert runner.failures == 0


def test_the_functions_give_the_bytes_of_the_command_line(
    videos: list[Path], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    flow = ("--backbone", "flow", "--crops", 1, "--device", "cpu", "--quiet")
    quick = ("--epochs", 2, "--epoch-steps", 1)
    videos_folder = videos[0].parent
    assert c2fpl("run", videos_folder, "-o", run, *flow, *quick, "--method", "paper") == 0
    features = [api.extract(video, FLOW, device="cpu") for video in videos]
    made = api.label_segments(features)
    detector = api.train(
        features, made.labels, TrainingSettings(epochs=2, epoch_steps=1), device="cpu"
    )
    for video, mine in zip(videos, features, strict=True):
        theirs = np.load(run / "features" / f"{video.stem}.npy")
        np.testing.assert_array_equal(mine.values, theirs)
        assert mine.values.dtype == theirs.dtype
        by_command = np.load(run / "scores" / f"{video.stem}.npy")
        np.testing.assert_array_equal(api.score(detector, mine), by_command)
        np.testing.assert_array_equal(api.score(run / "detector.pt", mine), by_command)
    assert c2fpl("run", videos_folder, "-o", run, *flow, *quick, "--method", "refined") == 0
    for video, mine in zip(videos, features, strict=True):
        by_command = np.load(run / "scores" / f"{video.stem}.npy")
        np.testing.assert_array_equal(api.score(run / "detector.pt", mine), by_command)


def test_paths_of_arrays_are_read_like_arrays(tmp_path: Path) -> None:
    paths = [tmp_path / f"{i}.npy" for i in range(6)]
    for path, values in zip(paths, arrays(), strict=True):
        np.save(path, values)
    from_paths, from_arrays = api.label_segments(paths), api.label_segments(arrays())
    for one, other in zip(from_paths.labels, from_arrays.labels, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_saved_detector_scores_new_videos_on_the_command_line(
    videos: list[Path], tmp_path: Path
) -> None:
    features = [api.extract(video, FLOW, device="cpu") for video in videos[:2]]
    labels = [np.array([0, 1, 0, 0]), np.zeros(4)]
    detector = api.train(features, labels, TrainingSettings(epochs=1, epoch_steps=1), device="cpu")
    path = tmp_path / "detector.pt"
    api.save(path, detector, trained_on=features[0])
    assert load_detector(path).extraction["backbone"] == "flow"
    out = tmp_path / "scores"
    assert c2fpl("score", videos[2], "--detector", path, "-o", out, "--device", "cpu") == 0
    expected = api.score(detector, api.extract(videos[2], FLOW, device="cpu"))
    np.testing.assert_array_equal(np.load(out / "v2.npy"), expected)


def test_a_file_that_is_no_video_says_so(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("this is no video")
    with pytest.raises(BadVideo, match=r"text\.mp4"):
        api.extract(tmp_path / "text.mp4", FLOW, device="cpu")


def test_labels_of_another_length_are_refused() -> None:
    with pytest.raises(BadLabels, match="one \\(segments,\\) array a video"):
        api.train(arrays(), [np.zeros(8)] * 5 + [np.zeros(7)], device="cpu")


def test_values_that_are_not_finite_name_the_video() -> None:
    harmed = arrays()
    harmed[3][0, 0, 0] = np.nan
    with pytest.raises(BadFeatures, match="video 3"):
        api.label_segments(harmed)


def test_a_frame_count_of_other_segments_is_refused() -> None:
    made = api.label_segments(arrays())
    detector = api.train(
        arrays(), made.labels, TrainingSettings(epochs=1, epoch_steps=1), device="cpu"
    )
    with pytest.raises(ValueError, match="give one score per segment"):
        api.score(detector, arrays()[0], frame_count=129)
