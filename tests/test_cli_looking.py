"""`c2fpl report`, `clips`, `overlay` and `export` as a user calls them."""

from pathlib import Path

import pytest

from c2fpl.pipeline.files.run_files import RunFiles, load_json
from command_line import c2fpl, refused
from run_folder import add_video, scores_with, small_run


@pytest.fixture
def run_files(tmp_path: Path) -> RunFiles:
    return small_run(tmp_path)


def test_report_then_clips_overlay_and_export(
    run_files: RunFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_files.root
    assert c2fpl("report", run) == 0
    said = capsys.readouterr().err
    assert "2 events above" in said
    assert "1 video without a score: broken<i>.mp4" in said
    assert load_json(run_files.events_json)["videos_without_scores"] == ["broken<i>.mp4"]
    assert (run_files.report / "index.html").is_file()
    assert len(list(run_files.plots.rglob("*.png"))) == 3
    assert c2fpl("clips", run, "--top", "1") == 0
    assert c2fpl("overlay", "gate/night", "--run", run) == 0
    assert c2fpl("export", run, "--format", "activitynet") == 0
    written = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert written == [
        run_files.clips / "001_0.900_gate_night_00-00-08.mp4",
        run_files.overlays / "gate" / "night.mp4",
        run_files.detections,
    ]
    assert all(path.is_file() for path in written)


def test_annotations_of_own_videos_are_shaded(run_files: RunFiles, tmp_path: Path) -> None:
    annotations = tmp_path / "own.txt"
    annotations.write_text("gate/night.mp4 70 130\nquiet\n")
    assert c2fpl("report", run_files.root, "--annotations", annotations) == 0
    script = (run_files.report / "videos" / "1.js").read_text("ascii")
    assert '"windows":[[7.0,13.0]]' in script


def test_a_threshold_of_the_command_line_finds_other_events(run_files: RunFiles) -> None:
    assert c2fpl("report", run_files.root, "--threshold", "0.85") == 0
    assert len(run_files.events.read_text("utf-8").splitlines()) == 2


def test_a_clip_that_cannot_be_cut_is_exit_code_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = RunFiles(tmp_path / "run")
    add_video(files, tmp_path, "gone", scores_with(60, [(20, 40, 0.9)]), with_file=False)
    assert c2fpl("report", files.root) == 0
    assert c2fpl("clips", files.root) == 1
    said = capsys.readouterr()
    assert "gone: event of frames 20 to 39: the video is missing at" in said.err
    assert said.out == ""


def test_clips_before_a_report_is_wrong_use_in_one_line(
    run_files: RunFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "`c2fpl report" in refused(capsys, "clips", run_files.root)


def test_a_report_of_a_folder_that_is_not_there_leaves_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no scores in" in refused(capsys, "report", tmp_path / "typo")
    assert list(tmp_path.iterdir()) == []
