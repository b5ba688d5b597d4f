"""The times of frames on disk: beside features, carried on to scores, read with suspicion."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from c2fpl.extractors.decoding.presentation_times import PresentationTimes, TimeSource
from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.pipeline.exports.score_table import write_parquet
from c2fpl.pipeline.extraction.extract_features import extract_features
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.extraction.freshness import record_of
from c2fpl.pipeline.extraction.inspect_videos import inspect_videos
from c2fpl.pipeline.files.run_files import RunFiles, beside, load_table
from c2fpl.pipeline.files.saved_times import load_times, save_times, times_facts
from c2fpl.pipeline.report.events import load_events, write_events
from c2fpl.pipeline.report.page_data import video_data
from c2fpl.pipeline.settings import EventSettings, Execution
from c2fpl.pipeline.steps.scored_videos import ScoredVideo, scored_videos
from c2fpl.pipeline.videos.find import find_videos
from command_line import c2fpl
from synthetic import Synthetic

FLOW = FeatureSettings(ExtractionSettings(backbone="flow", crops=1), DecodingSettings())
pytestmark = pytest.mark.usefixtures("without_plots")
QUICK = (
    *("--backbone", "flow", "--crops", "1", "--device", "cpu"),
    *("--epochs", "1", "--epoch-steps", "1"),
)
QUIET = Execution(device="cpu", workers=1, quiet=True)
SLOWER_S = [0.04 * n if n < 20 else 0.8 + 0.3 * (n - 20) for n in range(40)]


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One video of a variable frame rate, one of a constant rate, one without times or rate."""
    folder = tmp_path_factory.mktemp("videos")
    Synthetic("variable.mp4", times=SLOWER_S).write(folder)
    Synthetic("constant.mp4").write(folder)
    Synthetic("raw.mjpeg", codec="mjpeg", pix_fmt="yuvj420p", rate=10).write(folder)
    return folder


@pytest.fixture(scope="module")
def finished(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "run"
    assert c2fpl("run", videos, "-o", folder, *QUICK, "--format", "npy,csv", "--quiet") == 0
    return folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> RunFiles:
    return RunFiles(shutil.copytree(finished, tmp_path / "run"))


def by_name(files: RunFiles) -> dict[str, ScoredVideo]:
    return {video.name: video for video in scored_videos(files)}


def test_times_are_kept_compactly_and_only_an_assumed_rate_is_remarked_on(
    videos: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = RunFiles(tmp_path / "run")
    with caplog.at_level(logging.WARNING):
        extract_features(files, find_videos(str(videos)), FLOW, QUIET)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert "raw.mjpeg: the frames have no times in the file; 25 frames per second" in said[0]
    words = {name: record_of(files, name)["times"] for name in ("variable", "constant", "raw")}
    assert words == {"variable": "variable", "constant": "constant", "raw": "assumed"}
    assert [path.name for path in files.features.glob("*.times")] == ["variable.times"]
    assert np.load(files.features / "variable.times") == pytest.approx(np.array(SLOWER_S), abs=1e-5)


def test_inspect_remarks_on_an_assumed_rate_alone_and_gives_true_seconds(videos: Path) -> None:
    found = inspect_videos(find_videos(str(videos)), DecodingSettings(), QUIET)
    remarks = {item.video.name: item.remark for item in found}
    assert "25 frames per second are assumed" in remarks["raw"]
    assert "seconds" not in remarks["variable"] + remarks["constant"]


@pytest.mark.parametrize("without", [[], ["features"]])
def test_scores_have_their_times_with_and_without_the_features(
    run: RunFiles, without: list[str]
) -> None:
    for folder in without:
        shutil.rmtree(run.root / folder)
    found = by_name(run)
    times = found["variable"].times()
    assert times.start_s(np.arange(40)) == pytest.approx(np.array(SLOWER_S), abs=1e-5)
    assert times.seekable
    assert found["constant"].times().start_s(39) == 39 / 25
    assert found["raw"].times().source == "assumed"


def test_every_second_that_is_written_is_the_files_own(run: RunFiles) -> None:
    scores = np.full(40, 0.1, np.float32)
    scores[24:32] = 0.9
    np.save(beside(run.scores, "variable", ".npy"), scores)
    write_events(run, EventSettings(threshold=0.5))
    (event,) = [e for e in load_events(run).events if e.video == "variable"]
    assert (event.start_s, event.end_s) == pytest.approx((SLOWER_S[24], SLOWER_S[32]), abs=1e-4)
    table = load_table(beside(run.scores, "variable", ".csv"), ("time_s",))
    assert [float(row["time_s"]) for row in table] == pytest.approx(SLOWER_S, abs=0.001)
    video = by_name(run)["variable"]
    data = video_data(run, video, scores, [(24, 32)])
    assert data["uneven"][0] == pytest.approx([0, SLOWER_S[24], SLOWER_S[32]], abs=0.001)
    assert data["windows"] == [pytest.approx([SLOWER_S[24], SLOWER_S[32]], abs=1e-4)]
    assert data["timing"] == ""


def test_the_parquet_table_has_the_files_own_times(run: RunFiles) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = parquet.read_table(write_parquet(run)).to_pylist()
    written = [row["time_s"] for row in rows if row["video"] == "variable"]
    assert written == pytest.approx(SLOWER_S, abs=1e-4)


def test_features_whose_times_are_gone_are_extracted_again(videos: Path, run: RunFiles) -> None:
    (run.features / "variable.times").unlink()
    assert record_of(run, "variable") == {}
    assert record_of(run, "constant") != {}
    extract_features(run, find_videos(str(videos)), FLOW, QUIET)
    assert (run.features / "variable.times").exists()


def test_a_rate_that_became_constant_leaves_no_old_times(tmp_path: Path) -> None:
    save_times(tmp_path, "a", PresentationTimes(3, 25, seconds=np.array([0, 1.0, 5.0])))
    save_times(tmp_path, "a", PresentationTimes(3, 25))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("source", ["file", "rate", "assumed"])
@pytest.mark.parametrize("seekable", [True, False])
def test_facts_come_back_from_json_and_from_a_table(
    source: TimeSource, seekable: bool, tmp_path: Path
) -> None:
    times = PresentationTimes(3, 12.5, source, seekable and source == "file")
    facts = {**times_facts(times), "frame_rate": 12.5}
    for read in (json.loads(json.dumps(facts)), {key: str(value) for key, value in facts.items()}):
        back = load_times(tmp_path / "a.times", read, 3)
        assert (back.source, back.seekable, back.frame_rate) == (source, times.seekable, 12.5)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


@pytest.mark.parametrize(
    "spoil",
    [
        Path.unlink,
        cut,
        lambda path: path.write_bytes(b"no array"),
        lambda path: path.write_bytes(b""),
        lambda path: save_times(
            path.parent, path.stem, PresentationTimes(2, 25, seconds=np.array([0, 9.0]))
        ),
    ],
    ids=["gone", "cut", "text", "empty", "of another length"],
)
def test_times_that_cannot_be_read_are_said_to_be_unknown(
    spoil: Callable[[Path], object], tmp_path: Path
) -> None:
    times = PresentationTimes(3, 25, "file", True, np.array([0, 1.0, 5.0]))
    save_times(tmp_path, "a", times)
    facts = {**times_facts(times), "frame_rate": 25}
    spoil(tmp_path / "a.times")
    back = load_times(tmp_path / "a.times", facts, 3)
    assert (back.source, back.seekable, back.seconds) == ("assumed", False, None)
