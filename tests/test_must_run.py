"""C2FPL_MUST_RUN turns the skips of the tests that it names into failures, and no others."""

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

@pytest.mark.gpu
@pytest.mark.skipif(True, reason="no device here")
def test_by_mark(): ...

@pytest.mark.gpu
def test_by_call():
    pytest.skip("no second device")

@pytest.fixture
def shared_data():
    pytest.skip("no data")

def test_by_fixture(shared_data): ...

@pytest.mark.gpu
def test_of_two_needs(shared_data): ...

@pytest.mark.gpu
@pytest.mark.xfail(reason="known")
def test_known(): assert False

def test_of_no_need():
    pytest.skip("whatever")
"""


@pytest.mark.parametrize(
    ("needs", "failed"),
    [
        ("", set()),
        ("gpu", {"by_mark", "by_call"}),
        ("shared_data", {"by_fixture"}),
        ("gpu,shared_data", {"by_mark", "by_call", "by_fixture", "of_two_needs"}),
    ],
)
def test_skips_of_what_must_run_are_failures(
    needs: str, failed: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "test_skipping.py").write_text(TESTS)
    (tmp_path / "conftest.py").write_bytes(Path(__file__).with_name("conftest.py").read_bytes())
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    gpu: GPU\n")
    monkeypatch.setenv("C2FPL_MUST_RUN", needs)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # half of the time
    command = [sys.executable, "-m", "pytest", "-rfE", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    assert {line.split("::test_")[1].split(" - ")[0] for line in lines} == failed, done.stdout
    assert done.stdout.count("must run, but: ") >= len(failed)
    assert done.returncode == (1 if failed else 0)
