"""The report's page in a real headless Chromium, opened from disk."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browsing import open_page, open_panel, state, text_of, wait_for
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.report.events import write_events
from c2fpl.pipeline.report.page import write_report, write_tables
from c2fpl.pipeline.settings import EventSettings
from c2fpl.pipeline.steps.scored_videos import scored_videos
from run_folder import HOSTILE, add_video, scores_with, small_run

pytestmark = pytest.mark.browser
NIGHT, OTHER = 1, 0


@pytest.fixture(scope="module")
def run_files(tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    files = small_run(tmp_path_factory.mktemp("browser") / "it's #1 <run>")
    files.metrics.write_text('{"auc": 0.8765, "ap": 0.5432, "bootstrap_replicates": 100}')
    nested = {"settings": {"execution": {"segments_per_call": {"device": "cpu"}}}}
    files.record.write_text(json.dumps({"run": nested}))
    write_events(files, EventSettings())
    write_report(files, {"gate/night": [(70, 130)]})
    return files


def test_it_loads_without_an_error_and_asks_for_nothing_off_the_disk(
    browser: Any, run_files: RunFiles
) -> None:
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get_log("performance")
    open_panel(browser, run_files, NIGHT)
    assert [entry["message"] for entry in browser.get_log("browser")] == []
    messages = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    asked = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
        and message["params"]["documentURL"].startswith("file:")
    ]
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_tiles_sum_up_the_run(browser: Any, run_files: RunFiles) -> None:
    open_page(browser, run_files)
    tiles = text_of(browser, ".tile")
    assert tiles[:3] == ["3videos", "1without scores", "60 sof footage"]
    assert tiles[3:5] == ["2events", "1failed"]
    assert tiles[-2:] == ["0.876AUC", "0.543AP"]
    assert text_of(browser, "#failure-table .tabulator-cell")[:2] == ["broken<i>.mp4", "extract"]
    assert state(browser, "document.getElementById('run-name').textContent") == "run"


CONFIDENCE = {"level": "weak", "signal": 0.02, "line": "noise check: weak (signal 0.02)"}


def test_a_weak_confidence_stands_out_and_its_line_is_shown(browser: Any, tmp_path: Path) -> None:
    files = small_run(tmp_path)
    files.record.write_text(json.dumps({"run": {"confidence": CONFIDENCE, "seconds": {}}}))
    write_report(files)
    open_page(browser, files)
    assert "weaknoise check" in text_of(browser, ".tile.is-bad")
    assert "Noise check: weak (signal 0.02)." in text_of(browser, "#rule")[0]
    files.record.write_text("{}")
    write_report(files)
    open_page(browser, files)
    assert "oise check" not in "".join(text_of(browser, "main"))


def test_events_are_ranked_and_their_pictures_load(browser: Any, run_files: RunFiles) -> None:
    open_page(browser, run_files)
    assert text_of(browser, ".cards .peak") == ["0.900", "0.800"]
    assert text_of(browser, ".cards .times")[0] == "0:08.0 \u2013 0:12.0 4.0 s"
    wait_for(browser, "[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert state(browser, "document.images.length") == 2


def test_a_hostile_name_is_shown_as_it_is_and_runs_nothing(
    browser: Any, run_files: RunFiles
) -> None:
    open_panel(browser, run_files, OTHER)
    assert text_of(browser, "#panel-name") == [HOSTILE]
    assert HOSTILE in text_of(browser, "#video-table .tabulator-cell a")
    assert (
        state(browser, "document.querySelectorAll('main b[onload], dialog b[onload]').length") == 0
    )
    assert state(browser, "page.panel.player.videoWidth") > 0


def test_the_filter_leaves_what_matches(browser: Any, run_files: RunFiles) -> None:
    open_page(browser, run_files)
    browser.find_element("id", "filter").send_keys("GATE/Nig")
    assert text_of(browser, ".cards .name[title]") == ["night"]
    assert text_of(browser, "#video-table .tabulator-row a") == ["gate/night"]
    assert text_of(browser, "#videos-count") == ["1 of 3"]
    browser.find_element("id", "filter").clear()
    browser.find_element("id", "filter").send_keys("</script>")
    assert text_of(browser, "#video-table .tabulator-row a") == [HOSTILE]


def test_a_column_sorts_when_its_head_is_clicked(browser: Any, run_files: RunFiles) -> None:
    open_page(browser, run_files)
    names = "#video-table .tabulator-row a"
    assert text_of(browser, names) == ["gate/night", HOSTILE, "quiet"]
    browser.find_element("css selector", ".tabulator-col[tabulator-field=seconds]").click()
    assert text_of(browser, names) == ["quiet", HOSTILE, "gate/night"]


def test_a_phone_shows_no_sideways_scrolling(browser: Any, run_files: RunFiles) -> None:
    phone = {"width": 390, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        open_page(browser, run_files)
        assert state(browser, "document.documentElement.scrollWidth") <= 390
        browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        narrowest = "Math.min(...[...document.querySelectorAll('dd')].map(e => e.clientWidth))"
        assert state(browser, narrowest) >= 90  # the nested record stays readable
        open_panel(browser, run_files, NIGHT)
        assert state(browser, "page.panel.dialog.scrollWidth") <= 390
        tops = state(
            browser,
            "['player', 'curve', 'panel-events'].map(id => "
            "document.getElementById(id).getBoundingClientRect().top)",
        )
        assert tops == sorted(tops)
        assert tops[1] < 800
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_in_both_themes(browser: Any, run_files: RunFiles, theme: str) -> None:
    wanted = [{"name": "prefers-color-scheme", "value": theme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})
    try:
        open_page(browser, run_files)
        contrasts = [
            contrast(
                state(browser, f"c2fpl.colour('{name}')"), state(browser, "c2fpl.colour('--card')")
            )
            for name in ("--text", "--quiet", "--accent", "--bad")
        ]
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert min(contrasts) >= 4.5  # WCAG AA


def test_the_theme_switches_from_what_the_system_shows(browser: Any, run_files: RunFiles) -> None:
    wanted = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})
    try:
        open_page(browser, run_files)
        shown = [state(browser, "getComputedStyle(document.body).backgroundColor")]
        for _ in range(2):
            browser.find_element("id", "theme").click()
            shown.append(state(browser, "getComputedStyle(document.body).backgroundColor"))
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert [luminance(colour) < 0.5 for colour in shown] == [True, False, True]


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two `rgb(r, g, b)` colours. Source: WCAG 2.2, relative luminance."""
    light, dark = sorted(map(luminance, (first, second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = np.array([int(part) for part in colour[4:-1].split(",")]) / 255
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_thousands_of_videos_are_not_all_drawn(browser: Any, tmp_path: Path) -> None:
    files = small_run(tmp_path)
    write_report(files)
    row = ["", 60.0, 0.5, 0.1, 0, 0.0, 0, "A" * 48]
    rows = [[f"camera {index:05d}", *row[1:]] for index in range(3000)]
    tables = write_tables(files.report, rows, range(len(rows)))
    script = (files.report / "data" / "run.js").read_text("ascii")
    names = json.dumps(tables, separators=(",", ":"))
    script = script.replace('"tables":["data/videos-0.js"]', f'"tables":{names}')
    (files.report / "data" / "run.js").write_text(script, "ascii")
    open_page(browser, files)
    assert text_of(browser, "#videos-count") == ["3000"]
    assert len(text_of(browser, "#video-table .tabulator-row")) < 100
    sizes = [path.stat().st_size for path in files.report.rglob("*.*") if path.is_file()]
    assert max(sizes) < 2_000_000


def test_names_stay_in_order_when_listed_by_video(browser: Any, run_files: RunFiles) -> None:
    open_page(browser, run_files)
    choose = "const s = document.getElementById('events-order'); s.value = 'video';"
    browser.execute_script(choose + "s.dispatchEvent(new Event('change'))")
    videos = [video.name for video in scored_videos(run_files)]
    titles = state(
        browser, "[...document.querySelectorAll('.cards .name[title]')].map(e => e.title)"
    )
    assert all(videos.index(a) <= videos.index(b) for a, b in pairwise(titles))
    assert len(titles) == 2


def test_what_is_broken_in_a_video_is_shown_as_text(browser: Any, tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "run")
    for name in ("damaged", "whole"):
        add_video(files, tmp_path, name, scores_with(160), with_file=False)
    record = files.features / "damaged.json"
    facts = {**json.loads(record.read_text()), "num_frames_lost": 2, "damage": "cut <b>off</b>"}
    record.write_text(json.dumps(facts))
    write_report(files)
    open_page(browser, files)
    lost = text_of(browser, "#video-table .tabulator-cell[tabulator-field='lost']")
    assert sorted(lost) == ["0", "2 ?"]
    open_page(browser, files, "#video=0&t=0")
    assert (
        "damaged (cut <b>off</b>): more frames may be missing"
        in text_of(browser, "#panel-facts")[0]
    )
