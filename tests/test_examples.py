"""The examples in docstrings are true (those of the Python functions: test_api.py)."""

import doctest
import importlib
from pathlib import Path

import pytest

from c2fpl import functions as api

FLOORS = ("extractors", "models", "pipeline")
ROOT = Path(__file__).resolve().parents[1]
WITH_EXAMPLES = [
    ".".join(("c2fpl", *path.relative_to(ROOT).with_suffix("").parts))
    for floor in FLOORS
    for path in sorted((ROOT / floor).rglob("*.py"))
    if ">>> " in path.read_text()
]


def test_examples_are_found() -> None:
    assert {name.split(".")[1] for name in WITH_EXAMPLES} >= {"extractors", "pipeline"}


@pytest.mark.parametrize("name", [name for name in WITH_EXAMPLES if name != api.__name__])
def test_examples_of_a_module_are_true(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
