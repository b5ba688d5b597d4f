"""The detector as an ONNX model gives the scores of the detector."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from c2fpl.errors import BadDetector, MissingPackage
from c2fpl.models.chunks import thinned
from c2fpl.models.detection.detector import Detector, segment_scores
from c2fpl.models.relative import relative_to, usual_state
from c2fpl.models.settings import Attention, Softmax, TrainingSettings
from c2fpl.pipeline.exports.onnx_file import write_onnx
from c2fpl.pipeline.steps.detector_files import SavedDetector, load_detector, save_detector
from command_line import c2fpl

DIM = 24
EXTRACTION = {"backbone": "flow", "weights_sha256": None, "crops": 10}
Inputs = dict[str, NDArray[np.float32]]


def saved(path: Path, **settings: Any) -> SavedDetector:
    """A detector whose layers all matter, in a file."""
    made_by = TrainingSettings(seed=5, **settings)
    detector = Detector(DIM, made_by).eval()
    generator = torch.Generator().manual_seed(0)
    for name, weight in detector.named_parameters():
        weight.data.copy_(
            torch.randn(weight.shape, generator=generator) * 4 * weight.shape[-1] ** -0.5
        )
        assert weight.abs().sum() > 0, name
    save_detector(path, SavedDetector(detector, DIM, made_by, EXTRACTION, "f"))
    return load_detector(path)


def features(segments: int, crops: int = 10) -> NDArray[np.float32]:
    rng = np.random.default_rng(segments)
    return 3 * rng.gamma(1.0, 1.0, (segments, crops, DIM)).astype(np.float32)


def session(model: Path) -> Any:
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    return runtime.InferenceSession(str(model), providers=["CPUExecutionProvider"])


def run(model: Path, inputs: Inputs) -> NDArray[np.float32]:
    (scores,) = session(model).run(["scores"], inputs)
    return np.asarray(scores)


@pytest.fixture(autouse=True)
def _needs_onnx() -> None:
    pytest.importorskip("onnx", reason="the extra [onnx] is not installed")


@pytest.mark.parametrize("attention", ["residual", "multiplicative", "none"])
@pytest.mark.parametrize(("segments", "crops"), [(1, 1), (7, 10), (300, 5)])
def test_onnxruntime_gives_the_scores_of_the_detector(
    tmp_path: Path, attention: Attention, segments: int, crops: int
) -> None:
    detector = saved(tmp_path / "d.pt", attention=attention).detector
    values = features(segments, crops)
    scores = run(write_onnx(tmp_path / "d.pt"), {"features": values})
    expected = segment_scores(detector, values)
    assert scores.dtype == np.float32
    assert scores.shape == (segments,)
    assert np.ptp(expected) > 1e-3 or segments == 1
    assert np.allclose(scores, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("segments", [9, 256, 257, 600, 1025])
def test_a_relative_detector_takes_the_usual_state_beside_the_features(
    tmp_path: Path, segments: int
) -> None:
    detector = saved(tmp_path / "d.pt", detector_input="relative").detector
    values = features(segments, 2)
    usual = usual_state([values])
    model = write_onnx(tmp_path / "d.pt")
    scores = run(model, {"features": values, "usual_state": usual})
    expected = segment_scores(detector, next(iter(relative_to([values], usual))))
    assert np.allclose(scores, expected, rtol=0, atol=1e-5)
    assert np.abs(scores - segment_scores(detector, values)).max() > 1e-3
    with pytest.raises(ValueError, match="usual_state"):
        run(model, {"features": values})


@pytest.mark.parametrize("segments", [1, 255, 256, 257, 511, 513, 1024, 1025])
def test_the_usual_state_is_what_the_metadata_says(segments: int) -> None:
    values = features(segments, 1)
    step = 1
    while len(values[::step]) > 256:
        step *= 2
    assert np.array_equal(thinned([values], 256)[1], values[::step])
    assert np.array_equal(usual_state([values]), np.median(values[::step], axis=0))


def test_names_types_and_shapes_are_as_documented(tmp_path: Path) -> None:
    saved(tmp_path / "d.pt", detector_input="relative")
    opened = session(write_onnx(tmp_path / "d.pt"))
    signature = [(i.name, i.type, i.shape) for i in (*opened.get_inputs(), *opened.get_outputs())]
    assert signature == [
        ("features", "tensor(float)", ["segments", "crops", DIM]),
        ("usual_state", "tensor(float)", ["crops", DIM]),
        ("scores", "tensor(float)", ["segments"]),
    ]
    notes = opened.get_modelmeta().custom_metadata_map
    assert json.loads(notes["extraction"]) == EXTRACTION
    assert "median" in notes["usual_state"]
    assert f"(segments, crops, {DIM})" in notes["features"]
    assert notes["fingerprint"] == "f"


def test_the_model_is_valid_and_equal_detectors_give_equal_bytes(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="the extra [onnx] is not installed")
    saved(tmp_path / "a.pt")
    saved(tmp_path / "b.pt")
    first, second = write_onnx(tmp_path / "a.pt"), write_onnx(tmp_path / "b.pt")
    onnx.checker.check_model(onnx.load(first), full_check=True)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("attention", ["residual", "none"])
def test_a_softmax_over_the_batch_has_no_onnx_form(tmp_path: Path, attention: Attention) -> None:
    softmax: Softmax = "batch"
    saved(tmp_path / "d.pt", softmax=softmax, attention=attention)
    if attention == "none":  # nothing is attended, so nothing depends on the batch
        assert write_onnx(tmp_path / "d.pt").exists()
        return
    with pytest.raises(BadDetector, match="--softmax feature"):
        write_onnx(tmp_path / "d.pt")
    assert not (tmp_path / "d.onnx").exists()


def test_without_onnx_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path / "d.pt")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingPackage, match=r"pip install 'c2fpl\[onnx\]'"):
        write_onnx(tmp_path / "d.pt")


def test_the_command_takes_a_run_or_a_detector(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run").mkdir()
    saved(tmp_path / "run" / "detector.pt")
    assert c2fpl("export", tmp_path / "run", "--format", "onnx") == 0
    assert c2fpl("export", tmp_path / "run" / "detector.pt", "--format", "onnx") == 0
    written = tmp_path / "run" / "detector.onnx"
    assert capsys.readouterr().out.split() == [str(written)] * 2
    assert c2fpl("export", tmp_path, "--format", "onnx") == 2
    assert "c2fpl train" in capsys.readouterr().err
