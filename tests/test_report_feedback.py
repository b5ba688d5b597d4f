"""Answers on the report page, in a real headless Chromium, and the file that it saves."""

from pathlib import Path
from typing import Any

import pytest

from browsing import keys, open_page, state, text_of, wait_for
from c2fpl.pipeline.feedback import read_feedback
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.report.events import load_events, write_events
from c2fpl.pipeline.report.page import write_report
from c2fpl.pipeline.settings import EventSettings
from run_folder import HOSTILE, add_video, scores_with, small_run

pytestmark = pytest.mark.browser
PRESSED = ".answers [aria-pressed='true']"


@pytest.fixture
def run_files(tmp_path: Path) -> RunFiles:
    files = small_run(tmp_path)
    write_events(files, EventSettings())
    write_report(files)
    return files


def press(browser: Any, rank: int, answer: str) -> None:
    selector = f".cards li:nth-child({rank}) button[value='{answer}']"
    browser.find_element("css selector", selector).click()


def table(browser: Any) -> str:
    text = state(browser, "page.cards.feedback.table()")
    assert isinstance(text, str)
    return text


def test_the_saved_file_is_read_back_as_the_answers(
    browser: Any, run_files: RunFiles, tmp_path: Path
) -> None:
    open_page(browser, run_files)
    press(browser, 1, "yes")
    press(browser, 2, "no")
    assert text_of(browser, "#feedback-count") == ["1 confirmed, 1 dismissed"]
    path = tmp_path / "feedback.csv"
    path.write_text(table(browser))
    answers = [(a.video, a.start_frame, a.end_frame, a.keep) for a in read_feedback(path)]
    assert answers == [("gate/night", 80, 120, True), (HOSTILE, 50, 70, False)]
    listed = [(e.video, e.start_frame, e.end_frame) for e in load_events(run_files).events]
    assert listed == [answer[:3] for answer in answers]


def test_the_button_offers_a_file_of_that_name(browser: Any, run_files: RunFiles) -> None:
    open_page(browser, run_files)
    press(browser, 1, "yes")
    browser.execute_script(
        "HTMLAnchorElement.prototype.click = function () { window.saved = this;"
        " window.blob.text().then((text) => window.text = text); };"
        "const made = URL.createObjectURL;"
        "URL.createObjectURL = (blob) => { window.blob = blob; return made(blob); };"
    )
    browser.find_element("id", "save-feedback").click()
    wait_for(browser, "window.text !== undefined")
    assert state(browser, "window.saved.download") == "feedback.csv"
    assert state(browser, "window.text") == 'event,keep\n"gate/night:80-120",yes\n'


def test_an_answer_can_be_changed_withdrawn_and_cleared(browser: Any, run_files: RunFiles) -> None:
    open_page(browser, run_files)
    save = browser.find_element("id", "save-feedback")
    assert not save.is_enabled()
    for answer in ("yes", "no"):
        press(browser, 1, answer)
        assert table(browser) == f'event,keep\n"gate/night:80-120",{answer}\n'
    press(browser, 1, "no")
    assert table(browser) == "event,keep\n"
    assert not save.is_enabled()
    press(browser, 2, "no")
    browser.find_element("id", "clear-feedback").click()
    assert text_of(browser, PRESSED) == []
    assert text_of(browser, "#feedback-count") == ["No event answered yet"]


def test_answers_outlast_filtering_and_reloading(browser: Any, run_files: RunFiles) -> None:
    open_page(browser, run_files)
    press(browser, 2, "no")
    browser.find_element("id", "filter").send_keys("night")
    assert text_of(browser, PRESSED) == []
    assert "no\n" in table(browser)
    open_page(browser, run_files)
    assert text_of(browser, PRESSED) == ["\u2717 Dismiss"]
    browser.execute_script("localStorage.clear()")


def test_answers_to_events_of_another_run_are_not_taken_over(
    browser: Any, run_files: RunFiles
) -> None:
    open_page(browser, run_files)
    press(browser, 1, "yes")
    write_events(run_files, EventSettings(threshold=0.85, merge_gap_s=0))
    add_video(run_files, run_files.root, "gate/night", scores_with(240, [(30, 90, 0.9)]))
    write_events(run_files, EventSettings())
    write_report(run_files)
    open_page(browser, run_files)
    assert table(browser) == "event,keep\n"
    browser.execute_script("localStorage.clear()")


def test_the_panel_has_the_same_buttons_until_the_threshold_moves(
    browser: Any, run_files: RunFiles
) -> None:
    open_page(browser, run_files, "#video=1&t=8")
    browser.find_element("css selector", "#panel-events button[value='yes']").click()
    assert text_of(browser, PRESSED) == ["\u2713 Confirm"] * 2  # on the card and in the panel
    assert table(browser) == 'event,keep\n"gate/night:80-120",yes\n'
    browser.execute_script("page.panel.setThreshold(0.3)")
    assert text_of(browser, "#panel-events .answers") == []
    browser.execute_script("localStorage.clear()")


def test_the_keyboard_answers_too(browser: Any, run_files: RunFiles) -> None:
    open_page(browser, run_files)
    browser.execute_script("document.querySelector('.cards a').focus()")
    keys(browser, "\ue004", " ")  # Tab, space
    assert table(browser) == 'event,keep\n"gate/night:80-120",yes\n'
    names = state(
        browser, "[...document.querySelectorAll('.answers')].map(g => g.getAttribute('aria-label'))"
    )
    assert names == ["Feedback on event 1", "Feedback on event 2"]
    browser.execute_script("localStorage.clear()")


def test_bytes_that_are_no_unicode_are_saved_as_they_are(browser: Any, run_files: RunFiles) -> None:
    open_page(browser, run_files)
    browser.execute_script(
        "new Blob(c2fpl.bytesOf('cam\\udcff\\u00fc')).arrayBuffer()"
        ".then(b => window.bytes = [...new Uint8Array(b)])"
    )
    wait_for(browser, "window.bytes")
    assert bytes(state(browser, "window.bytes")) == b"cam\xff\xc3\xbc"
