"""benchmarks/gpu.py runs in tiny sizes without a GPU: time on one is not for finding mistakes."""

import runpy
import sys
from pathlib import Path

import pytest

from c2fpl.pipeline.files.run_files import load_json

BENCHMARK = Path(__file__).resolve().parents[1] / "benchmarks" / "gpu.py"


def test_every_part_is_measured_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gpu.json"
    options = ("--device", "cpu", "--backbones", "x3d-s", "--out", str(out))
    monkeypatch.setattr(sys, "argv", [str(BENCHMARK), *options])
    monkeypatch.syspath_prepend(BENCHMARK.parent)
    runpy.run_path(str(BENCHMARK), run_name="__main__")
    said = capsys.readouterr().out
    made = load_json(out)
    parts = ("limits", "feed", "forms of x3d-s", "pipeline with x3d-s", "training")
    assert set(made) == {"machine", *parts}
    assert made["machine"]["card"] == "none"
    assert {row["way"] for row in made["forms of x3d-s"]} == {"eager", "graph"}
    for part in parts:
        assert f"{part} (" in said
        assert not any("failed" in row for row in made[part]), made[part]
    alone, whole = (row["frames/s"] for row in made["pipeline with x3d-s"])
    assert min(alone, whole) > 0
