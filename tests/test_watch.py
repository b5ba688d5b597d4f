"""Watching a folder: files are read when they are whole, scored once, and their events reported."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2fpl.errors import BadScores, BadSettings, NoVideos
from c2fpl.pipeline.demo_videos import DemoVideo, write_videos
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.report.events import RunEvents, save_events
from c2fpl.pipeline.report.thresholds import Threshold
from c2fpl.pipeline.settings import EventSettings, Execution, ScoreSettings, WatchSettings
from c2fpl.pipeline.steps.detector_files import SavedDetector, load_detector
from c2fpl.pipeline.steps.new_videos import extraction_of
from c2fpl.pipeline.videos.find import VideoFile
from c2fpl.pipeline.watch import Arrivals, Changes, Watch, fixed_threshold, ticks
from command_line import c2fpl

pytestmark = pytest.mark.usefixtures("without_plots")
CAMERA = VideoFile("camera", Path("camera.mp4"))


def test_a_file_is_whole_once_size_and_date_rest_for_the_settle_time() -> None:
    arrivals = Arrivals(settle_s=10)
    assert arrivals.complete({CAMERA: (5, 1)}, 0) == []
    assert arrivals.complete({CAMERA: (9, 2)}, 8) == []  # still being written
    assert arrivals.complete({CAMERA: (9, 2)}, 17) == []
    assert arrivals.complete({CAMERA: (9, 2)}, 18) == [CAMERA]
    assert arrivals.complete({CAMERA: (9, 2)}, 99) == []  # once


def test_a_file_that_changes_later_is_taken_again() -> None:
    arrivals = Arrivals(settle_s=0)
    assert arrivals.complete({CAMERA: (9, 2)}, 0) == [CAMERA]
    assert arrivals.complete({CAMERA: (9, 3)}, 1) == [CAMERA]


@given(st.lists(st.dictionaries(st.integers(0, 4), st.integers(0, 2)), max_size=60))
def test_memory_holds_only_files_that_are_there(history: list[dict[int, int]]) -> None:
    arrivals = Arrivals(settle_s=2)
    for now_s, present in enumerate(history):
        files = {VideoFile(str(k), Path(str(k))): (size, 0) for k, size in present.items()}
        arrivals.complete(files, now_s)
        assert arrivals._since_s.keys() | arrivals._taken.keys() == files.keys()


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_a_file_is_taken_only_after_it_rested_and_once_a_rest(sizes: list[int]) -> None:
    arrivals = Arrivals(settle_s=2)
    taken = [bool(arrivals.complete({CAMERA: (size, 0)}, now)) for now, size in enumerate(sizes)]
    for now, was_taken in enumerate(taken):
        rest = 0
        while rest < now and sizes[now - rest - 1] == sizes[now]:
            rest += 1
        assert was_taken == (rest == 2)


def test_a_folder_is_looked_at_again_and_again(tmp_path: Path) -> None:
    assert list(islice(ticks(tmp_path), 1)) == [None]
    with pytest.raises(NoVideos, match="create it"):
        next(ticks(tmp_path / "gone"))


def test_a_quantile_is_refused_because_it_moves(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="must not change when more"):
        fixed_threshold(EventSettings(quantile=0.99), tmp_path / "detector.pt")
    with pytest.raises(BadScores, match="give the --threshold"):
        fixed_threshold(EventSettings(), tmp_path / "detector.pt")
    alone = fixed_threshold(EventSettings(threshold=0.6), tmp_path / "detector.pt")
    assert alone == Threshold(0.6, 0.0, "given")
    run = RunFiles(tmp_path)
    save_events(run, RunEvents(Threshold(0.7, 0.2, "Otsu"), EventSettings(), ()), 0, [])
    found = fixed_threshold(EventSettings(threshold=0.6), tmp_path / "detector.pt")
    assert found == Threshold(0.6, 0.2, "given")
    assert fixed_threshold(EventSettings(), tmp_path / "detector.pt").value == 0.7


def test_a_line_is_said_once_until_it_changes() -> None:
    lines: list[str] = []
    log = Changes(lines.append)
    for line in "aaabba":
        log(line)
    assert lines == ["a", "b", "a"]


@pytest.mark.parametrize("wrong", [{"webhook": "ftp://a"}, {"command": "a 'b"}, {"settle_s": -1}])
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"webhook|close the quotes|settle"):
        replace(WatchSettings(), **wrong)


def trained(folder: Path) -> SavedDetector:
    """Detector of a run on two short videos."""
    flow = ("--backbone", "flow", "--crops", 1, "--epochs", 1, "--device", "cpu", "--quiet")
    write_videos([DemoVideo(f"v{i}", 48, None, 0, i) for i in range(2)], folder / "past")
    assert c2fpl("run", folder / "past", "-o", folder / "run", *flow) == 0
    return load_detector(folder / "run" / "detector.pt")


def watching(folder: Path, saved: SavedDetector) -> Watch:
    """Watches `folder/camera`; every frame is in an event."""
    return Watch(
        videos=str(folder / "camera"),
        files=RunFiles(folder / "out"),
        detector=saved,
        extraction=extraction_of(saved, None, str(folder)),
        scores=ScoreSettings(),
        events=EventSettings(threshold=0.0),
        threshold=Threshold(0.0, 0.0, "given"),
        settings=WatchSettings(settle_s=0),
        execution=Execution(device="cpu", quiet=True),
    )


def test_a_watched_folder_scores_each_video_once_and_survives_a_restart(tmp_path: Path) -> None:
    saved, videos, files = trained(tmp_path), tmp_path / "camera", RunFiles(tmp_path / "out")

    def arriving(*arrivals: str) -> Iterator[None]:
        yield
        for name in arrivals:
            write_videos([DemoVideo(name, 48, None, 0, len(name))], videos)
            yield

    watching(tmp_path, saved).follow(arriving("door", "gate2"))
    first = {p.name: (p.stat().st_mtime_ns, np.load(p)) for p in files.scores.glob("*.npy")}
    assert first.keys() == {"door.npy", "gate2.npy"}
    assert {len(scores) for _, scores in first.values()} == {48}
    (videos / "cut.mp4").write_bytes(b"not a video")
    watching(tmp_path, saved).follow(arriving("yard-3"))
    watching(tmp_path, saved).follow(arriving("roof44"))
    assert "cut,extract" in files.failed.read_text()
    (videos / "cut.mp4").unlink()  # what failed stays known
    watching(tmp_path, saved).follow(arriving())
    assert "cut,extract" in files.failed.read_text()
    second = {p.name: p.stat().st_mtime_ns for p in files.scores.glob("*.npy")}
    assert second.keys() == {*first, "yard-3.npy", "roof44.npy"}
    assert {name: second[name] for name in first} == {name: at for name, (at, _) in first.items()}
    assert (files.report / "index.html").exists()
    reported = files.notified.read_text().splitlines()
    assert [line.split(",")[0] for line in reported[1:]] == ["door", "gate2", "roof44", "yard-3"]


def test_a_name_stays_when_a_video_with_the_same_stem_arrives(tmp_path: Path) -> None:
    videos, files = tmp_path / "camera", RunFiles(tmp_path / "out")
    watch = watching(tmp_path, trained(tmp_path))

    def arriving(*arrivals: str) -> Iterator[None]:
        for name in arrivals:
            write_videos([DemoVideo("new", 48, None, 0, len(name))], videos)
            (videos / "new.mp4").rename(videos / name)
            yield
        (videos / "cut.mp4").write_bytes(b"not a video")
        yield

    watch.follow(arriving("door.mp4", "door.avi"))
    assert "cut,extract" in files.failed.read_text()  # alone, it does not end the watch
    first = {path.stem: path.read_bytes() for path in files.scores.glob("*.npy")}
    assert first.keys() == {"door", "door.avi"}
    (videos / "door.mp4").unlink()
    watch.follow(arriving("Door.mkv"))
    assert {p.stem for p in files.scores.glob("*.npy")} == {*first, "Door.mkv"}
    assert first == {name: (files.scores / f"{name}.npy").read_bytes() for name in first}
    reported = files.notified.read_text().splitlines()
    assert [line.split(",")[0] for line in reported[1:]] == ["Door.mkv", "door", "door.avi"]
