"""Every file and every function is short enough to read in one go."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(
    path
    for folder in ("api", "extractors", "models", "pipeline", "tests", "benchmarks", "docs")
    for path in (ROOT / folder).rglob("*.py")
)
FILE_LINES = 250
FUNCTION_LINES = 40
"""With docstring, without decorators."""


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_there_are_files_in_every_folder() -> None:
    assert len({path.relative_to(ROOT).parts[0] for path in FILES}) == 7


@pytest.mark.parametrize("path", FILES, ids=named)
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= FILE_LINES
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    lengths = {each.name: (each.end_lineno or 0) - each.lineno + 1 for each in functions}
    assert {name: lines for name, lines in lengths.items() if lines > FUNCTION_LINES} == {}
