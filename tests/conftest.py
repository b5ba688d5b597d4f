"""Fixtures of several test files: real data beside the checkout, made videos, a browser."""

import os
import sys
import tempfile
from collections.abc import Iterator
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


def must_run(marker: str) -> bool:
    """C2FPL_MUST_RUN=shared_data,gpu turns the skips of those markers into failures."""
    return marker in os.environ.get("C2FPL_MUST_RUN", "").split(",")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real videos, weights and annotations; the test skips where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        message = "no real data at ../shared/data beside the checkout"
        (pytest.fail if must_run("shared_data") else pytest.skip)(message)
    return folder


@pytest.fixture(scope="session")
def five_videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Videos of 200, 1, 17, 32 and 100 frames, for both decoders."""
    from synthetic import Synthetic

    folder = tmp_path_factory.mktemp("five-videos")
    names = {"a.mp4": 200, "b.mp4": 1, "c.ts": 17, "d.avi": 32, "e.mkv": 100}
    return [Synthetic(name, frames=frames).write(folder) for name, frames in names.items()]


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
