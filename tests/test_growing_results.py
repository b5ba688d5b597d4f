"""Results to which videos are added: the same as of all at once, and no other video is read."""

from pathlib import Path

import numpy as np

from c2fpl.pipeline.files.run_files import RunFiles, load_json, load_table, save_array
from c2fpl.pipeline.growing_results import GrowingResults
from c2fpl.pipeline.report.events import load_events
from c2fpl.pipeline.report.thresholds import Threshold
from c2fpl.pipeline.settings import EventSettings

THRESHOLD = Threshold(0.5, 0.1, "given")


def growing(files: RunFiles) -> GrowingResults:
    return GrowingResults(files, EventSettings(threshold=0.5), THRESHOLD, quiet=True)


def score(files: RunFiles, name: str, peak: float, start: int = 25) -> None:
    """Scores of four seconds with an event of one second."""
    scores = np.full(100, 0.1, np.float32)
    scores[start : start + 25] = peak
    save_array(files.scores / f"{name}.npy", scores)


def rows_of(files: RunFiles) -> list[str]:
    """Names of the videos on the page, by number."""
    text = (files.report / "data" / "videos-0.js").read_text()
    return [part.split('"')[1] for part in text.split("[[")[1].split("],[")]


def test_adding_one_by_one_gives_the_events_of_all_at_once(tmp_path: Path) -> None:
    one, all_at_once = RunFiles(tmp_path / "one"), RunFiles(tmp_path / "all")
    results = growing(one)
    for name, peak in (("gate", 0.7), ("door", 0.9), ("calm", 0.3)):
        for files in (one, all_at_once):
            score(files, name, peak)
        events = results.add([name])
        assert [(event.video, event.start_frame) for event in events] == [(name, 25)] * (peak > 0.5)
    growing(all_at_once).add([])
    assert one.events.read_bytes() == all_at_once.events.read_bytes()
    assert load_events(one) == load_events(all_at_once)
    assert load_json(one.events_json)["videos"] == 3
    assert [row["video"] for row in load_table(one.events)] == ["door", "gate"]


def test_an_added_video_leaves_the_others_unread_and_in_place(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    score(files, "gate", 0.7)
    results = growing(files)
    results.add(["gate"])
    (files.scores / "gate.npy").write_bytes(b"damaged")
    score(files, "door", 0.9)
    results.add(["door"])
    assert rows_of(files) == ["gate", "door"]
    assert (files.report / "videos" / "0.js").exists()
    score(files, "gate", 0.95, start=50)
    results.add(["gate"])
    assert rows_of(files) == ["gate", "door"]
    events = load_events(files).events
    assert [(event.video, event.start_frame) for event in events] == [("gate", 50), ("door", 25)]


def test_nothing_is_written_before_the_first_scores(tmp_path: Path) -> None:
    assert growing(RunFiles(tmp_path)).add([]) == ()
    assert not list(tmp_path.iterdir())


def test_an_event_does_not_move_when_the_median_of_all_scores_does(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    score(files, "gate", 0.7)
    results = growing(files)
    results.add(["gate"])
    (before,) = load_events(files).events
    save_array(files.scores / "bright.npy", np.full(100_000, 0.99, np.float32))
    results.add(["bright"])
    assert before in load_events(files).events
