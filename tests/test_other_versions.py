"""Output folders that a version with other evidence wrote: refused in one line, or made again."""

from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from command_line import c2fpl
from feature_folders import save

LABELS = ("--method", "refined", "--quiet")
TRAINING = ("--epochs", "1", "--epoch-steps", "1", "--device", "cpu")


def without(path: Path, name: str) -> None:
    """Remove one array from a safetensors file, as in a version that did not have it."""
    with safe_open(path, framework="np") as opened:
        metadata = opened.metadata()
        arrays = {each: opened.get_tensor(each) for each in opened.keys() if each != name}  # noqa: SIM118
    save_file(arrays, path, metadata=metadata)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Features, labels and a detector of four videos of 12 segments."""
    rng = np.random.default_rng(0)
    for video in range(4):
        values = rng.gamma(2, 1, (12, 1, 8)).astype(np.float32)
        values[5:8] *= 3
        save(tmp_path / "features" / f"v{video}.npy", values)
    assert c2fpl("label", tmp_path / "features", "-o", tmp_path / "labels", *LABELS) == 0
    assert train(tmp_path) == 0
    return tmp_path


def train(folder: Path) -> int:
    written = folder / "detector.pt"
    labels = ("--labels", folder / "labels")
    return c2fpl("train", folder / "features", *labels, "-o", written, *TRAINING)


@pytest.mark.parametrize("view", ["surroundings", "elsewhere"])
def test_a_detector_of_other_evidence_is_refused_where_it_is_used_and_trained_again(
    view: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = folder / "detector.pt"
    current = written.read_bytes()
    without(written, f"joined.{view}")
    (folder / "videos").mkdir()
    used = ("--detector", written, "-o", folder / "scores")
    for command in ("score", folder / "features"), ("watch", folder / "videos"):
        capsys.readouterr()
        assert c2fpl(*command, *used) == 2
        said = capsys.readouterr().err.strip()
        assert "was trained by another version of c2fpl" in said
        assert "\n" not in said
    assert train(folder) == 0
    assert "detector: version changed, training again" in capsys.readouterr().err
    assert written.read_bytes() == current


@pytest.mark.parametrize("view", ["surroundings", "distances"])
def test_labels_of_other_evidence_are_refused(
    view: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    without(folder / "labels" / "evidence.safetensors", view)
    assert train(folder) == 2
    assert "not written by this version of `c2fpl label`; label again" in capsys.readouterr().err
