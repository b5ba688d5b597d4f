"""run.json tells how each command ended, whichever command it was."""

import math
from pathlib import Path

import numpy as np
import pytest

from c2fpl.pipeline.extraction.extract_features import ExtractionReport
from c2fpl.pipeline.files.outcomes import STOPPED, Failure
from c2fpl.pipeline.files.run_files import RunFiles, load_json
from c2fpl.pipeline.steps.run_record import recorded
from command_line import c2fpl, refused
from feature_folders import drawn, save_rtfm
from killing import write_short_videos

FLOW = ("--backbone", "flow", "--crops", "1", "--device", "cpu", "--quiet")


def exit_code_said(folder: Path, command: str) -> object:
    return load_json(RunFiles(folder).record)[command]["exit_code"]


def test_an_extraction_with_a_failed_video_ended_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = write_short_videos(tmp_path / "videos", 2)
    (videos / "text.mp4").write_text("no video\n" * 100)
    assert c2fpl("extract", videos, "-o", tmp_path / "features", *FLOW) == 1
    assert exit_code_said(tmp_path / "features", "extract") == 1
    said = capsys.readouterr().err
    assert f"features of 2 videos in {tmp_path / 'features'}" in said
    assert "1 video failed; see the reasons in" in said
    (videos / "text.mp4").unlink()
    assert c2fpl("extract", videos, "-o", tmp_path / "features", *FLOW) == 0
    assert exit_code_said(tmp_path / "features", "extract") == 0
    # --quiet: the last line, and nothing else
    assert capsys.readouterr().err == f"features of 2 videos in {tmp_path / 'features'}\n"


def test_a_refused_command_is_in_the_record_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    features = tmp_path / "features"
    save_rtfm(features, {"a": np.ones((4, 10, 3), np.float32), "b": np.ones((4, 10, 3), "f4")})
    refused(capsys, "label", features, "-o", tmp_path / "labels", "--quiet")
    assert exit_code_said(tmp_path / "labels", "label") == STOPPED


def test_other_commands_of_the_folder_stay_in_the_record(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    with recorded(files, "extract", {}) as record:
        record.failures.append(Failure("a", "extract", "why"))
    with recorded(files, "label", {}):
        pass
    assert [exit_code_said(tmp_path, command) for command in ("extract", "label")] == [1, 0]


def test_a_report_of_no_process_has_no_seconds_and_no_limit(tmp_path: Path) -> None:
    report = ExtractionReport((), 0, (Failure("a", "extract", "its actor died"),))
    with recorded(RunFiles(tmp_path), "extract", {}) as record:
        record.extraction(report)
    said = load_json(RunFiles(tmp_path).record)["extract"]
    assert said["extraction"]["failed"] == 1
    assert said["seconds"].keys() == {"total"}


def test_a_detector_of_published_features_scores_no_videos(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    features, labels, detector = (tmp_path / name for name in ("features", "labels", "d.pt"))
    save_rtfm(features, drawn(10))
    assert c2fpl("label", features, "-o", labels, "--quiet") == 0
    trained = (
        "--labels",
        labels,
        "-o",
        detector,
        "--epochs",
        1,
        "--epoch-steps",
        1,
        "--device",
        "cpu",
        "--quiet",
    )
    assert c2fpl("train", features, *trained) == 0
    scoring = ("--detector", detector, "-o", tmp_path / "scores", "--device", "cpu", "--quiet")
    videos = write_short_videos(tmp_path / "videos", 1)
    said = refused(capsys, "score", videos, *scoring)
    assert "trained on published features" in said
    assert f"a folder of such features instead of {videos}" in said
    assert c2fpl("score", features, *scoring) == 0


def test_features_that_are_not_there_leave_no_folder_of_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, "label", tmp_path / "typo", "-o", tmp_path / "labels", "--quiet")
    assert "typo has no features" in said
    assert list(tmp_path.iterdir()) == []


def test_settings_that_json_cannot_write_are_words(tmp_path: Path) -> None:
    with recorded(RunFiles(tmp_path), "run", {"training": {"max_gradient_norm": math.inf}}):
        pass
    assert load_json(RunFiles(tmp_path).record)["run"]["settings"] == {
        "training": {"max_gradient_norm": "inf"}
    }
