"""A video's panel of the report in a real headless Chromium: playing, seeking, thresholds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browsing import (
    curve_place,
    drag,
    keys,
    open_page,
    open_panel,
    state,
    text_of,
    wait_for,
    webdriver,
)
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.report.curves import curve_of
from c2fpl.pipeline.report.events import find_events, write_events
from c2fpl.pipeline.report.page import write_report
from c2fpl.pipeline.report.page_data import uneven
from c2fpl.pipeline.report.thresholds import Threshold
from c2fpl.pipeline.settings import EventSettings
from run_folder import FRAME_RATE, add_video, scores_with, small_run

pytestmark = pytest.mark.browser
NIGHT = 1


@pytest.fixture(scope="module")
def run_files(tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    files = small_run(tmp_path_factory.mktemp("browser") / "it's #1 <run>")
    write_events(files, EventSettings())
    write_report(files, {"gate/night": [(70, 130)]})
    return files


def test_a_click_on_the_curve_goes_to_its_time(browser: Any, run_files: RunFiles) -> None:
    open_panel(browser, run_files, NIGHT)
    x, y = curve_place(browser, 15.5, 0.9)
    drag(browser, (x, y))
    wait_for(browser, "Math.abs(page.panel.player.currentTime - 15.5) < 0.1")
    assert text_of(browser, "#readout")[0].endswith("score 0.100")


def test_the_cursor_follows_the_playing_video(browser: Any, run_files: RunFiles) -> None:
    open_panel(browser, run_files, NIGHT, 7.5)
    place = "new DOMMatrix(page.panel.curve.cursor.style.transform).m41"
    before = state(browser, place)
    keys(browser, " ")
    wait_for(browser, "page.panel.player.currentTime > 8.3")
    keys(browser, " ")
    wait_for(browser, "page.panel.player.paused")
    assert state(browser, place) > before
    time, drawn = state(browser, f"[page.panel.player.currentTime, {place}]")
    assert drawn == pytest.approx(
        state(browser, f"page.panel.curve.plot.valToPos({time}, 'x')"), abs=0.5
    )
    assert text_of(browser, "#panel-events .is-current > button") == ["0:08.0 \u2013 0:12.0 0.900"]


def test_dragging_the_threshold_changes_the_events(browser: Any, run_files: RunFiles) -> None:
    open_panel(browser, run_files, NIGHT)
    assert text_of(browser, "#panel-events-count") == ["1 event"]
    start = state(browser, "page.panel.threshold")
    x, y = curve_place(browser, 20, start)
    _, top = curve_place(browser, 20, 0.95)
    drag(browser, (x, y), (x, (y + top) / 2), (x, top))
    moved = state(browser, "page.panel.threshold")
    assert moved == pytest.approx(0.95, abs=0.01)
    assert text_of(browser, "#panel-events-count") == [f"0 events with --threshold {moved:.3f}"]
    state(browser, "document.getElementById('reset-threshold').click()")
    assert state(browser, "page.panel.threshold") == start
    assert text_of(browser, "#panel-events-count") == ["1 event"]


def test_the_keyboard_does_it_all(browser: Any, run_files: RunFiles) -> None:
    open_panel(browser, run_files, NIGHT)
    keys(browser, "n")
    assert state(browser, "page.panel.time") == pytest.approx(8)
    keys(browser, webdriver.Keys.ARROW_RIGHT, webdriver.Keys.ARROW_RIGHT, webdriver.Keys.ARROW_LEFT)
    assert state(browser, "page.panel.time") == pytest.approx(9)
    keys(browser, ".")
    assert state(browser, "page.panel.time") == pytest.approx(9 + 1 / FRAME_RATE)
    keys(browser, "p")
    assert state(browser, "page.panel.time") == pytest.approx(8)
    before = state(browser, "page.panel.threshold")
    keys(browser, webdriver.Keys.ARROW_DOWN)
    assert state(browser, "page.panel.threshold") == pytest.approx(before - 0.01)
    keys(browser, webdriver.Keys.PAGE_DOWN)
    wait_for(browser, "page.panel.video && page.panel.video.name === 'quiet'")
    keys(browser, webdriver.Keys.ESCAPE)
    wait_for(browser, "!page.panel.dialog.open")
    keys(browser, "/")
    assert state(browser, "document.activeElement.id") == "filter"


def test_the_page_finds_the_same_events_as_the_program(browser: Any, run_files: RunFiles) -> None:
    open_page(browser, run_files)
    rng = np.random.default_rng(0)
    for _ in range(40):
        scores = np.repeat(np.round(rng.random(30), 3), rng.integers(1, 20, 30)).astype(np.float32)
        settings = EventSettings(
            hysteresis=float(rng.random()), merge_gap_s=float(rng.random() * 3)
        )
        threshold = Threshold(round(float(rng.random()), 4), 0.3, "given")
        starts = [0, *(np.flatnonzero(np.diff(scores)) + 1).tolist()]
        values = [round(float(scores[start]), 5) for start in starts]
        times = PresentationTimes(len(scores), FRAME_RATE)
        if rng.random() < 0.5:
            seconds = np.cumsum(np.round(rng.choice([0.04, 0.2, 12], len(scores)), 2))
            times = replace(times, seconds=seconds - seconds[0])
        video = {
            **{"starts": starts, "values": values, "frames": len(scores), "rate": FRAME_RATE},
            "duration": times.duration_s,
            "uneven": uneven(times, curve_of(scores, len(scores))),
        }
        run = {
            "background": threshold.background,
            "hysteresis": settings.hysteresis,
            "mergeGap": settings.merge_gap_s,
            "minLength": settings.min_length_s,
        }
        found = browser.execute_script(
            "return c2fpl.findEvents(...arguments).map(e => [e.start, e.end])",
            *(video, run, threshold.value),
        )
        wanted = find_events(scores, times, threshold, settings)
        assert [tuple(event) for event in found] == wanted


def test_a_drag_along_the_curve_zooms_and_keeps_the_time(browser: Any, run_files: RunFiles) -> None:
    open_panel(browser, run_files, NIGHT, 3)
    (left, y), (right, _) = curve_place(browser, 6, 0.9), curve_place(browser, 14, 0.9)
    drag(browser, *((float(x), y) for x in np.linspace(left, right, 5)))
    shown = state(
        browser, "[page.panel.curve.plot.scales.x.min, page.panel.curve.plot.scales.x.max]"
    )
    assert shown == pytest.approx([6, 14], abs=0.2)
    assert state(browser, "page.panel.time") == pytest.approx(3)
    assert state(browser, "page.panel.curve.cursor.hidden")


def test_a_video_that_is_gone_is_said_and_its_curve_still_works(
    browser: Any, tmp_path: Path
) -> None:
    files = RunFiles(tmp_path / "run")
    add_video(files, tmp_path, "gone", scores_with(100, [(40, 60, 0.9)]), with_file=False)
    write_report(files)
    open_page(browser, files, "#video=0&t=4")
    wait_for(browser, "!document.getElementById('player-note').hidden")
    assert "cannot play this file" in text_of(browser, "#player-note")[0]
    assert text_of(browser, "#readout") == ["0:04.00  frame 40  score 0.900"]
    keys(browser, "n", webdriver.Keys.ARROW_RIGHT)
    assert text_of(browser, "#readout") == ["0:05.00  frame 50  score 0.900"]
