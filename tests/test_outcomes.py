"""Failures are rows by step: a step replaces its own and leaves the others'."""

from pathlib import Path

from c2fpl.pipeline.files.outcomes import Failure, exit_code, load_failures, save_failures
from c2fpl.pipeline.files.run_files import RunFiles


def test_a_step_replaces_its_own_rows_only(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    save_failures(files, "extract", [Failure("b", "extract", "bad"), Failure("a", "extract", "x")])
    save_failures(files, "score", [Failure("c", "score", "odd,\n name")])
    save_failures(files, "extract", [Failure("a", "extract", "y")])
    assert load_failures(files) == [
        Failure("a", "extract", "y"),
        Failure("c", "score", "odd, name"),
    ]


def test_no_failure_no_file(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    save_failures(files, "extract", [Failure("a", "extract", "x")])
    assert files.failed.exists()
    save_failures(files, "extract", [])
    assert not files.failed.exists()
    assert load_failures(files) == []


def test_the_exit_code_tells_failures() -> None:
    assert exit_code([]) == 0
    assert exit_code([Failure("a", "extract", "x")]) == 1
