"""Seconds that are off reach the user: log, features, index of scores, inspect, page."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browsing import open_page, text_of
from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.pipeline.extraction.extract_features import extract_features
from c2fpl.pipeline.extraction.inspect_videos import inspect_videos
from c2fpl.pipeline.extraction.worker import FeatureSettings, record_of
from c2fpl.pipeline.files.run_files import RunFiles, beside, load_table, save_table
from c2fpl.pipeline.report.events import EventSettings, write_events
from c2fpl.pipeline.report.page import write_report
from c2fpl.pipeline.report.page_data import video_data
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.steps.scored_videos import ScoredVideo, scored_video, scored_videos
from c2fpl.pipeline.videos.find import find_videos
from command_line import c2fpl
from run_folder import add_video, scores_with
from synthetic import Synthetic

FLOW = FeatureSettings(ExtractionSettings(backbone="flow", crops=1), DecodingSettings())
QUICK = ("--backbone", "flow", "--crops", "1", "--device", "cpu", "--epochs", "1")
QUIET = Execution(device="cpu", workers=1, quiet=True)
SLOWER_S = [0.04 * n if n < 20 else 0.8 + 0.3 * (n - 20) for n in range(40)]
LINE = "seconds are up to 2.2 s off: they are frame / 6.645 a second"


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One video of a variable frame rate, two of a constant one."""
    folder = tmp_path_factory.mktemp("videos")
    Synthetic("variable.mp4", times=SLOWER_S).write(folder)
    for name in ("constant.mp4", "other.mkv"):
        Synthetic(name).write(folder)
    return folder


@pytest.fixture(scope="module")
def finished(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "run"
    assert c2fpl("run", videos, "-o", folder, *QUICK, "--quiet") == 0
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> RunFiles:
    return RunFiles(shutil.copytree(finished, tmp_path / "run"))


def test_extraction_says_so_of_a_variable_rate_alone_and_keeps_it(
    videos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = RunFiles(tmp_path / "run")
    with caplog.at_level(logging.WARNING):
        extract_features(files, find_videos(str(videos)), FLOW, QUIET)
    said = [record.getMessage() for record in caplog.records if "off" in record.getMessage()]
    assert len(said) == 1
    assert f"variable.mp4: {LINE}" in said[0]
    assert record_of(files, "variable")["seconds_off"] == pytest.approx(2.21, abs=0.001)
    assert record_of(files, "constant")["seconds_off"] == 0


def test_inspect_remarks_on_a_variable_rate_alone(videos: Path) -> None:
    found = inspect_videos(find_videos(str(videos)), DecodingSettings(), QUIET)
    remarks = {item.video.name: item.remark for item in found}
    assert remarks["variable"].startswith(LINE)
    assert remarks["constant"] == ""
    assert "off" not in remarks["other"]


def test_the_index_of_scores_keeps_it_for_scores_whose_features_lie_elsewhere(
    run: RunFiles,
) -> None:
    rows = {row["video"]: row for row in load_table(run.score_index)}
    shutil.rmtree(run.features)
    found = {video.name: video for video in scored_videos(run)}
    assert found["variable"].seconds_off == float(rows["variable"]["seconds_off"]) > 2.2
    assert found["constant"].seconds_off == 0


def without_the_field(files: RunFiles) -> None:
    """As earlier versions wrote features and the index of scores."""
    for path in files.features.glob("*.json"):
        record = json.loads(path.read_text())
        if record.pop("seconds_off", None) is not None:
            path.write_text(json.dumps(record))
    rows = load_table(files.score_index)
    columns = [column for column in rows[0] if column != "seconds_off"]
    save_table(files.score_index, columns, ([row[c] for c in columns] for row in rows))


def test_features_and_scores_of_earlier_versions_are_kept(
    videos: Path, run: RunFiles, caplog: pytest.LogCaptureFixture
) -> None:
    without_the_field(run)
    before = stored(run)
    assert {video.seconds_off for video in scored_videos(run)} == {0.0}
    with caplog.at_level(logging.INFO):
        assert c2fpl("run", videos, "-o", run.root, *QUICK, "--quiet") == 0
    assert "again" not in caplog.text
    assert stored(run) == before


def test_scores_of_other_videos_stay_in_an_index_of_an_earlier_version(
    videos: Path, run: RunFiles, tmp_path: Path
) -> None:
    without_the_field(run)
    one = tmp_path / "one"
    one.mkdir()
    shutil.copy(videos / "constant.mp4", one / "new.mp4")
    detector = ("--detector", run.detector, "--device", "cpu", "--quiet")
    assert c2fpl("score", one, *detector, "-o", run.scores) == 0
    rows = {row["video"]: row["seconds_off"] for row in load_table(run.score_index)}
    assert rows == {"constant": "", "other": "", "variable": "", "new": "0.0"}
    assert {video.seconds_off for video in scored_videos(run)} == {0.0}


def stored(files: RunFiles) -> dict[str, tuple[int, bytes]]:
    """Time of writing and bytes of every array."""
    arrays = [*files.features.glob("*.npy"), *files.scores.glob("*.npy")]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in arrays}


@pytest.fixture
def uneven(tmp_path: Path) -> RunFiles:
    """A run with a video of a variable rate and one of a constant rate."""
    files = RunFiles(tmp_path / "run")
    for name, seconds_off in (("a variable", 3.21), ("even", 0.04)):
        add_video(files, tmp_path, name, scores_with(160), with_file=False)
        record = beside(files.features, name, ".json")
        record.write_text(
            json.dumps({**json.loads(record.read_text()), "seconds_off": seconds_off})
        )
    return files


def test_the_page_is_given_the_line(uneven: RunFiles) -> None:
    timing = {
        video.name: video_data(uneven, video, video.scores(), [])["timing"]
        for video in scored_videos(uneven)
    }
    assert str(timing["a variable"]).startswith("seconds are up to 3.2 s off: they are frame / 10 ")
    assert timing["even"] == ""


@pytest.mark.browser
def test_the_panel_of_a_video_shows_the_line(browser: Any, uneven: RunFiles) -> None:
    write_events(uneven, EventSettings())
    write_report(uneven)
    open_page(browser, uneven, "#video=0&t=0")
    assert ". Mind the times: seconds are up to 3.2 s off" in text_of(browser, "#panel-facts")[0]
    open_page(browser, uneven, "#video=1&t=0")
    assert "Mind the times" not in text_of(browser, "#panel-facts")[0]


@pytest.mark.parametrize("told", ["", "0", "0.04"])
def test_a_row_without_a_large_value_says_nothing(told: str, tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    np.save(tmp_path / "a.npy", scores_with(20))
    video: ScoredVideo = scored_video(files, "a", tmp_path / "a.npy", {"seconds_off": told})
    assert video_data(files, video, video.scores(), [])["timing"] == ""
