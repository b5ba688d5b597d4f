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
        message = f"no real data at ../{folder.parent.name}/{folder.name} beside the checkout"
        (pytest.fail if must_run("shared_data") else pytest.skip)(message)
    return folder


@pytest.fixture(autouse=True)
def _torch_threads_and_rng_are_left_as_found():
    import numpy as np
    import torch

    numpy_state = np.random.get_state()  # noqa: NPY002  (what is checked is the legacy global state)
    torch_state = torch.get_rng_state()
    yield
    np.random.set_state(numpy_state)  # noqa: NPY002
    torch.set_rng_state(torch_state)
