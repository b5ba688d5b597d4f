"""The steps as functions: their examples run, and they give what the command line gives."""

import doctest
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import c2fpl as package
from c2fpl import functions as api
from c2fpl.errors import BadDetector, BadFeatures, BadLabels, BadScores, BadVideo
from c2fpl.extractors.settings import ExtractionSettings
from c2fpl.models.detection.detector import Detector
from c2fpl.models.settings import LabelSettings, TrainingSettings
from c2fpl.pipeline.demo_videos import DemoVideo, write_videos
from c2fpl.pipeline.steps.detector_files import load_detector
from command_line import c2fpl

pytestmark = pytest.mark.usefixtures("without_plots")
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


def test_a_list_of_paths_runs_like_a_folder_and_names_what_is_missing(
    videos: list[Path], tmp_path: Path
) -> None:
    settings = package.RunSettings(
        extraction=FLOW,
        training=TrainingSettings(epochs=1, epoch_steps=1),
        execution=package.Execution(quiet=True, device="cpu"),
    )
    failures = api.run([*videos, str(tmp_path / "absent.mp4")], tmp_path / "run", settings)
    assert [Path(failure.video).name for failure in failures] == ["absent"]
    scores = {path.stem for path in (tmp_path / "run" / "scores").rglob("*.npy")}
    assert {video.stem for video in videos} <= scores


call: Any = api
"""The functions without their types, to be called wrongly."""

WRONG: dict[str, Callable[[Any, Any], object]] = {
    "no features": lambda made, detector: call.label_segments([]),
    "one array": lambda made, detector: call.label_segments(made[0]),
    "one path": lambda made, detector: call.label_segments("video.npy"),
    "features None": lambda made, detector: call.label_segments(None),
    "entries None": lambda made, detector: call.label_segments([None]),
    "whole numbers": lambda made, detector: call.label_segments([np.zeros((4, 1, 8), int)]),
    "method for settings": lambda made, detector: call.label_segments(made, "refined"),
    "nothing to train on": lambda made, detector: call.train([], []),
    "labels of text": lambda made, detector: call.train(made, ["a"] * 6),
    "no labels": lambda made, detector: call.train(made, None),
    "wrong settings": lambda made, detector: call.train(made, [], LabelSettings()),
    "no detector": lambda made, detector: call.score(None, made[0]),
    "absent detector": lambda made, detector: call.score("absent.pt", made[0]),
    "another dim": lambda made, detector: call.score(detector, made[0][:, :, :8]),
    "no frames": lambda made, detector: call.score(detector, made[0], 0),
    "half frames": lambda made, detector: call.score(detector, made[0], 128.5),
    "unknown tail": lambda made, detector: call.score(detector, made[0], tail="lop"),
    "save an array": lambda made, detector: call.save("d.pt", detector, made[0]),
    "video None": lambda made, detector: call.extract(None),
    "device number": lambda made, detector: call.extract("v.mp4", FLOW, device=0),
    "run on nothing": lambda made, detector: call.run([], "out"),
    "run on a number": lambda made, detector: call.run(3, "out"),
    "run on numbers": lambda made, detector: call.run([3], "out"),
    "run into None": lambda made, detector: call.run("v.mp4", None),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_empty_and_wrong_arguments_give_an_error_of_one_line(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(package.Error) as caught:
        WRONG[wrong](arrays(), Detector(16, TrainingSettings()).eval())
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.*"))


def test_a_count_that_contradicts_extracted_features_is_refused(videos: list[Path]) -> None:
    features = api.extract(videos[0], FLOW, device="cpu")
    detector = Detector(features.values.shape[2], TrainingSettings()).eval()
    assert api.score(detector, features, 60).shape == (60,)
    for count in (0, 3, 59):
        with pytest.raises(BadScores, match="60 frames were decoded"):
            api.score(detector, features, count)


def test_features_of_two_backbones_are_never_mixed(videos: list[Path], tmp_path: Path) -> None:
    """They may have one shape: with and without the motion of the camera."""
    other = ExtractionSettings(backbone="flow-stabilised", crops=1)
    one, two = (api.extract(videos[0], each, device="cpu") for each in (FLOW, other))
    assert one.values.shape == two.values.shape
    together = "video 0 was extracted with backbone flow .* video 1 with flow-stabilised"
    with pytest.raises(BadFeatures, match=together):
        api.label_segments([one, two])
    with pytest.raises(BadFeatures, match=together):
        api.train([one, two], [np.zeros(4), np.zeros(4)])
    detector = Detector(one.values.shape[2], TrainingSettings()).eval()
    api.save(tmp_path / "detector.pt", detector, trained_on=one)
    assert api.score(tmp_path / "detector.pt", one).shape == (60,)
    with pytest.raises(BadDetector, match="from flow, these features have 384 from flow-stab"):
        api.score(tmp_path / "detector.pt", two)
