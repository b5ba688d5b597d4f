"""Drives a headless Chromium over the report's pages."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from c2fpl.pipeline.files.run_files import RunFiles

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--hide-scrollbars"),
    *("--window-size=1280,900", "--disable-dev-shm-usage"),
)


@contextmanager
def headless_chromium(profile: Path) -> Iterator[Any]:
    """A browser with a profile of its own; the test skips where there is none."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("no chromium and chromedriver on the PATH")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        started.set_script_timeout(600)
        yield started
    finally:
        started.quit()


def wait_for(browser: Any, condition: str) -> None:
    """Until the JavaScript condition holds; the limit is for a test that would fail."""
    script = """
        const done = arguments[0], end = performance.now() + 300000;
        const look = () => { let held = false; try { held = CONDITION; } catch (error) {}
          if (held || performance.now() > end) done(Boolean(held)); else setTimeout(look, 20); };
        look();""".replace("CONDITION", condition)
    assert browser.execute_async_script(script), f"never became true: {condition}"


def open_page(browser: Any, files: RunFiles, address: str = "") -> None:
    browser.get("about:blank")
    browser.get((files.report / "index.html").absolute().as_uri() + address)
    wait_for(browser, "document.documentElement.dataset.ready")


def open_panel(browser: Any, files: RunFiles, index: int, seconds: float = 0) -> None:
    open_page(browser, files, f"#video={index}&t={seconds}")
    wait_for(browser, "page.panel.player.readyState >= 2 && !page.panel.player.seeking")


def state(browser: Any, expression: str) -> Any:
    return browser.execute_script(f"return {expression}")


def keys(browser: Any, *pressed: str) -> None:
    webdriver.ActionChains(browser).send_keys(*pressed).perform()


def text_of(browser: Any, selector: str) -> list[str]:
    script = "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)"
    found = browser.execute_script(script, selector)
    assert isinstance(found, list)
    return found


def mouse(browser: Any, kind: str, x: float, y: float, pressed: bool = False) -> None:
    facts = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
    buttons = 1 if pressed else 0
    browser.execute_cdp_cmd("Input.dispatchMouseEvent", {**facts, "buttons": buttons})


def curve_place(browser: Any, seconds: float, score: float) -> tuple[float, float]:
    """Where a time and a score lie in the window."""
    left, top = browser.execute_script(
        "const { plot, over } = page.panel.curve, box = over.getBoundingClientRect();"
        "return [box.left + plot.valToPos(arguments[0], 'x'),"
        " box.top + plot.valToPos(arguments[1], 'y')]",
        *(seconds, score),
    )
    return left, top


def drag(browser: Any, *places: tuple[float, float]) -> None:
    """Press at the first place, move over all, let go at the last."""
    mouse(browser, "mouseMoved", *places[0])
    mouse(browser, "mousePressed", *places[0], pressed=True)
    for place in places[1:]:
        mouse(browser, "mouseMoved", *place, pressed=True)
    mouse(browser, "mouseReleased", *places[-1])
