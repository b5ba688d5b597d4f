"""Pictures of the demo's report as it stands in a browser; with C2FPL_PICTURES=1 for the README.

make demo && C2FPL_PICTURES=1 .venv/bin/pytest tests/test_report_pictures.py
"""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browsing import open_page, open_panel, state
from c2fpl.pipeline.files.run_files import RunFiles

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def demo() -> RunFiles:
    files = RunFiles(ROOT / "demo-run")
    if not (files.report / "index.html").is_file():
        pytest.skip("no demo-run/report in the checkout: `make demo` makes it")
    return files


@pytest.fixture(scope="module")
def browser(browser: Any) -> Any:
    browser.set_window_size(1200, 1000)
    return browser


def picture(browser: Any, name: str) -> Any:
    """What the window shows, uint8 (height, width, 3); kept for the README when asked for."""
    image = Image.open(io.BytesIO(browser.get_screenshot_as_png())).convert("RGB")
    if os.environ.get("C2FPL_PICTURES"):
        path = ROOT / "docs" / "images" / name
        image.quantize(256).save(path, optimize=True)
    return np.asarray(image)


def test_the_start_page_shows_the_demos_events(demo: RunFiles, browser: Any) -> None:
    open_page(browser, demo)
    shown = picture(browser, "report-start.png")
    assert shown.std() > 20  # neither blank nor one colour
    events = len((demo.root / "events.csv").read_text().splitlines()) - 1
    assert state(browser, "document.querySelectorAll('#event-cards > li').length") == events


def test_a_videos_panel_shows_its_curve(demo: RunFiles, browser: Any) -> None:
    open_panel(browser, demo, 7, 6.5)
    shown = picture(browser, "report-video.png")
    assert shown.std() > 20
