"""Fixtures of several test files: real data beside the checkout, made videos, a browser."""

import os
import sys
import tempfile
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

# Threads that wait for each other spin by default: on a busy machine three quarters of the suite's
# time. Read when torch is imported, here and in every child.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

DECORD_HIDDEN = "raise ModuleNotFoundError('hidden by --without-decord', name='decord')"


def pytest_addoption(parser: pytest.Parser) -> None:
    help_text = "hide decord from this process and its children, as where it has no wheel"
    parser.addoption("--without-decord", action="store_true", help=help_text)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--without-decord"):
        folder = tempfile.TemporaryDirectory(prefix="no-decord-")
        config.add_cleanup(folder.cleanup)
        Path(folder.name, "decord.py").write_text(DECORD_HIDDEN)
        sys.path.insert(0, folder.name)
        os.environ["PYTHONPATH"] = os.pathsep.join(
            [folder.name, *filter(None, [os.environ.get("PYTHONPATH")])]
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--without-decord") or find_spec("decord") is None:
        for item in items:
            if item.get_closest_marker("decord"):
                item.add_marker(pytest.mark.skip(reason="decord is not installed"))


NEEDS = frozenset({"browser", "decord", "gpu", "shared_data"})
"""Markers, and fixtures of the same names, of tests that skip where the machine lacks something."""


def must_run(*needs: str) -> bool:
    """Whether C2FPL_MUST_RUN, such as shared_data,gpu, lists all of these needs."""
    return set(needs) <= set(os.environ.get("C2FPL_MUST_RUN", "").split(","))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skip is a failure if C2FPL_MUST_RUN lists all needs of the test."""
    report = yield
    fixtures = getattr(item, "fixturenames", ())
    needs = NEEDS & {*fixtures, *(mark.name for mark in item.iter_markers())}
    if report.skipped and needs and must_run(*needs) and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"must run, but: {reason}"
    return report


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real videos, weights and annotations; the test skips where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real data at ../shared/data beside the checkout")
    return folder


@pytest.fixture(scope="session")
def five_videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Videos of 200, 1, 17, 32 and 100 frames, for both decoders."""
    from synthetic import Synthetic

    folder = tmp_path_factory.mktemp("five-videos")
    names = {"a.mp4": 200, "b.mp4": 1, "c.ts": 17, "d.avi": 32, "e.mkv": 100}
    return [Synthetic(name, frames=frames).write(folder) for name, frames in names.items()]


@pytest.fixture
def without_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots take half of a short run; runs of module fixtures, made before, still draw them."""
    monkeypatch.setattr("c2fpl.pipeline.report.plots.draw_all", lambda plots, after_each: None)


@pytest.fixture(scope="module")
def decoder_errors_counted() -> Iterator[None]:
    """FFmpeg's errors are counted as in a decoder child; elsewhere its log is off."""
    import av.logging

    av.logging.set_level(av.logging.PANIC)
    yield
    av.logging.set_level(None)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium; the test skips where there is none."""
    from browsing import headless_chromium

    with headless_chromium(tmp_path_factory.mktemp("profile")) as started:
        yield started
