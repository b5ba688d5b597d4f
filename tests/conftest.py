"""Fixtures for all tests: the shared real data where it lies beside the checkout."""

import os
from pathlib import Path

import pytest


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
