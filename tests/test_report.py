"""The report on disk: what it holds, that no name can get out of it, and its sizes."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import numpy as np
import pytest
from PIL import Image

from c2fpl.pipeline.files.run_files import RunFiles, finite
from c2fpl.pipeline.report.curves import curve_of
from c2fpl.pipeline.report.events import write_events
from c2fpl.pipeline.report.page import ROWS_A_FILE, write_report, write_tables
from c2fpl.pipeline.report.page_data import SPARK_LETTERS, script, spark
from c2fpl.pipeline.report.plots import write_plots
from c2fpl.pipeline.settings import EventSettings
from run_folder import HOSTILE, add_video, scores_with, small_run

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def run_files(tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    files = small_run(tmp_path_factory.mktemp("report"))
    files.record.write_text('{"run": {"seconds": {"total": 12.5}, "versions": {"python": "3"}}}')
    write_report(files, {"gate/night": [(70, 130)]})
    return files


def received(path: Path) -> list[Any]:
    """The values that a data script hands to the page."""
    match = re.fullmatch(r"c2fpl\.\w+\((.*)\);\n", path.read_text("ascii"), re.DOTALL)
    assert match is not None
    values = json.loads(f"[{match[1]}]")
    assert isinstance(values, list)
    return values


def test_the_page_needs_only_files_beside_it(run_files: RunFiles) -> None:
    page = (run_files.report / "index.html").read_text("utf-8")
    for reference in re.findall(r'(?:src|href)="([^"#]+)"', page):
        if not reference.startswith("data:"):
            assert (run_files.report / reference).exists(), reference
    assert "http" not in page.replace("http-equiv", "")


def test_the_libraries_come_with_their_licences(run_files: RunFiles) -> None:
    names = {path.name for path in (run_files.report / "assets").iterdir()}
    for library in ("uPlot", "tabulator"):
        text = (run_files.report / "assets" / f"{library}.LICENSE").read_text("utf-8")
        assert "MIT License" in text
        assert any(name.startswith(library) and name.endswith(".js") for name in names)


def test_the_run_stands_in_one_place(run_files: RunFiles) -> None:
    run, events = received(run_files.report / "data" / "run.js")
    assert (run["videos"], run["seconds"], run["events"]) == (3, 60.0, 2)
    assert run["failures"] == [["broken<i>.mp4", "extract", "no frame decodes; re-export"]]
    assert run["record"]["run"]["seconds"]["total"] == 12.5
    assert [event[:4] for event in events] == [[1, 8.0, 12.0, 0.9], [0, 5.0, 7.0, 0.8]]
    assert run["links"]["events.csv"] == "../events.csv"


def test_each_event_has_a_picture_of_its_peak(run_files: RunFiles) -> None:
    _, events = received(run_files.report / "data" / "run.js")
    for event in events:
        with Image.open(run_files.report / "stills" / event[4]) as still:
            red, green, _ = np.asarray(still).mean((0, 1))
        assert red > 150 > 80 > green


def test_the_table_has_a_line_for_each_video(run_files: RunFiles) -> None:
    start, rows = received(run_files.report / "data" / "videos-0.js")
    assert start == 0
    assert [row[0] for row in rows] == [HOSTILE, "gate/night", "quiet"]
    name, seconds, peak, mean, events, above, lost, letters, damage = rows[1]
    assert (name, seconds, peak, events, lost, damage) == ("gate/night", 24.0, 0.9, 1, 0, "")
    assert mean == pytest.approx((200 * 0.1 + 40 * 0.9) / 240, abs=1e-4)
    assert above == pytest.approx(40 / 240, abs=1e-4)
    assert letters == "G" * 16 + SPARK_LETTERS[57] * 8 + "G" * 24  # 63 * 0.1 = 6, 63 * 0.9 = 57


def test_the_curve_of_a_video_keeps_every_score(run_files: RunFiles) -> None:
    index, video = received(run_files.report / "videos" / "1.js")
    assert index == 1
    lengths = np.diff([*video["starts"], video["frames"]])
    drawn = np.repeat(video["values"], lengths)
    assert drawn == pytest.approx(np.load(run_files.scores / "gate" / "night.npy"), abs=1e-5)
    assert video["windows"] == [[7, 13]]  # seconds


def test_links_lead_to_the_files_whatever_their_names(run_files: RunFiles) -> None:
    _, video = received(run_files.report / "videos" / "0.js")
    relative, absolute = video["sources"]
    for url in (relative, video["scores"]):
        assert not set(url) & set("<>\"'#? \\")
        assert (run_files.report / unquote(url)).is_file()
    assert Path(unquote(absolute.removeprefix("file://"))).is_file()


def test_a_name_that_is_no_unicode_still_links_to_its_file(tmp_path: Path) -> None:
    name = os.fsdecode(b"cam\xff\xfe1")
    files = RunFiles(tmp_path / "run")
    try:
        add_video(files, tmp_path, name, scores_with(20, [(5, 16, 0.9)]))
    except OSError:
        pytest.skip("this file system has only unicode names")
    write_events(files, EventSettings())
    write_report(files)
    _, video = received(files.report / "videos" / "0.js")
    source = os.fsencode(files.report) + b"/" + unquote_to_bytes(video["sources"][0])
    assert Path(os.fsdecode(source)).is_file()


@pytest.mark.parametrize("text", ["</script>", "<!--", "\u2028", "\udcff", "a'\"\\`${1}"])
def test_nothing_in_a_value_can_end_its_script(text: str) -> None:
    code = script("receive", {"name": text})
    assert b"<" not in code
    assert code.isascii()
    assert json.loads(code[len("c2fpl.receive(") : -3])["name"] == text


def test_a_value_that_json_does_not_know_is_written_as_a_word() -> None:
    value = {"auc": float("nan"), "ap": [1.0, float("inf")], "n": 3}
    assert finite(value) == {"auc": "nan", "ap": [1.0, "inf"], "n": 3}


def test_a_spark_shows_the_highest_score_of_each_part() -> None:
    scores = scores_with(4800, [(100, 101, 1.0)], background=0.0)
    assert spark(scores) == "A_" + "A" * 46
    assert spark(np.array([0, 1], dtype=np.float32)) == "A_"


def test_an_older_report_leaves_nothing_behind(tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "run")
    for name in ("a", "b"):
        add_video(files, tmp_path, name, scores_with(60, [(20, 40, 0.9)]))
    write_events(files, EventSettings())
    write_report(files)
    before = {path.name for path in (files.report / "stills").iterdir()}
    (files.scores / "a.npy").unlink()
    write_events(files, EventSettings())
    write_report(files)
    assert [path.name for path in (files.report / "videos").iterdir()] == ["0.js"]
    after = {path.name for path in (files.report / "stills").iterdir()}
    assert (len(before), len(after)) == (2, 1)
    assert after < before


def test_pictures_that_are_there_are_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = RunFiles(tmp_path / "run")
    add_video(files, tmp_path, "a", scores_with(60, [(20, 40, 0.9)]))
    write_report(files)

    def refuse(*_: object) -> Callable[..., None]:
        raise AssertionError("made again")

    monkeypatch.setattr("c2fpl.pipeline.report.frames.VideoFrames.stills", refuse)
    write_report(files)
    assert len(list((files.report / "stills").iterdir())) == 1


def test_the_pictures_of_a_video_stay_when_it_is_deleted(tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "run")
    add_video(files, tmp_path, "a", scores_with(60, [(20, 40, 0.9)]))
    for _ in range(2):
        write_report(files)
        (plot,) = write_plots(files)
        _, ((*_, still, _, _),) = received(files.report / "data" / "run.js")
        pictures = plot.read_bytes(), (files.report / "stills" / still).read_bytes()
        if (video := tmp_path / "a.mp4").exists():
            before = pictures
            video.unlink()
    assert pictures == before


def test_a_video_that_is_gone_has_its_events_without_pictures(tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "run")
    add_video(files, tmp_path, "gone", scores_with(60, [(20, 40, 0.9)]), with_file=False)
    write_report(files)
    _, events = received(files.report / "data" / "run.js")
    assert events == [[0, 2.0, 4.0, 0.9, None, 20, 40]]


def test_a_day_of_video_stays_below_half_a_megabyte() -> None:
    scores = np.repeat(np.random.default_rng(0).random(162_000), 16).astype(np.float32)
    curve = curve_of(scores, 20_000)
    values = np.round(curve.values.astype(np.float64), 5).tolist()
    assert len(script("receiveVideo", curve.starts.tolist(), values)) < MEGABYTE / 2


def test_a_table_of_thousands_is_cut_into_files_below_two_megabytes(tmp_path: Path) -> None:
    name = "camera 12/2026-11-23/" + "\u52a8" * 40
    row = [f"{name}", 12345.67, 0.98765, 0.12345, 123, 0.1234, 0, "A" * 48]
    rows = [row] * (2 * ROWS_A_FILE + 1)
    names = write_tables(tmp_path, rows, range(len(rows)))
    assert names == ["data/videos-0.js", "data/videos-2000.js", "data/videos-4000.js"]
    assert max((tmp_path / name).stat().st_size for name in names) < MEGABYTE
    start, rows = received(tmp_path / names[2])
    assert (start, rows) == (4000, [row])
