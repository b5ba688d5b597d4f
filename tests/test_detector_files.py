"""Detector files: safetensors and the older form, and the authors' checkpoints as detectors."""

import json
import pickle
from collections import OrderedDict
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from c2fpl.errors import BadDetector
from c2fpl.models.detection.detector import Detector, segment_scores
from c2fpl.models.settings import TrainingSettings
from c2fpl.pipeline.steps.detector_files import SavedDetector, load_detector, save_detector
from command_line import c2fpl

State: TypeAlias = dict[str, torch.Tensor]
SETTINGS = TrainingSettings(seed=3, max_gradient_norm=float("inf"), dropout=0.25)
SIZES = {"fc1": (512, None), "fc_att1.0": (512, None), "fc2": (32, 512), "fc_att2.0": (32, 512)}
SIZES |= {"fc3": (1, 32)}


def saved_detector() -> SavedDetector:
    made_from = {"backbone": "flow", "weights_sha256": None, "tail": "loop"}
    return SavedDetector(Detector(8, SETTINGS).eval(), 8, SETTINGS, made_from, "f")


def checkpoint(dim: int) -> State:
    """Random weights under the names of the released network."""
    generator = torch.Generator().manual_seed(dim)
    state = OrderedDict[str, torch.Tensor]()
    for name, (out_dim, in_dim) in SIZES.items():
        shape = (out_dim, in_dim or dim)
        state[f"{name}.weight"] = torch.randn(shape, generator=generator) * shape[1] ** -0.5
        state[f"{name}.bias"] = torch.randn(out_dim, generator=generator) * 0.1
    return state


def forward(state: State, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Scores (segments,) by METHOD 4, released version, in float64 numpy."""
    layers = [(state[f"fc{i}.weight"], state[f"fc{i}.bias"]) for i in (1, 2, 3)]
    hidden = values.astype(np.float64)
    for number, (weight, bias) in enumerate(layers):
        hidden = hidden @ weight.double().numpy().T + bias.double().numpy()
        hidden = np.maximum(hidden, 0) if number < 2 else 1 / (1 + np.exp(-hidden))
    scores: NDArray[np.float64] = hidden[..., 0].mean(axis=1)
    return scores


def features(dim: int, segments: int = 5, crops: int = 10) -> NDArray[np.float32]:
    return np.random.default_rng(dim).gamma(1.0, 1.0, (segments, crops, dim)).astype(np.float32)


def test_a_saved_detector_is_safetensors_with_its_settings_in_the_header(tmp_path: Path) -> None:
    save_detector(tmp_path / "detector.pt", saved_detector())
    with safe_open(tmp_path / "detector.pt", framework="np") as opened:
        header = json.loads(opened.metadata()["c2fpl"])
        assert opened.get_tensor("first.linear.weight").shape == (512, 8)
    assert header["settings"]["dropout"] == 0.25
    assert header["extraction"]["backbone"] == "flow"


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    saved = saved_detector()
    save_detector(tmp_path / "detector.pt", saved)
    loaded = load_detector(tmp_path / "detector.pt")
    assert (loaded.dim, loaded.settings) == (8, SETTINGS)
    assert (loaded.extraction, loaded.fingerprint) == (saved.extraction, "f")
    for name, tensor in saved.detector.state_dict().items():
        assert torch.equal(loaded.detector.state_dict()[name], tensor)


def test_equal_detectors_are_equal_files(tmp_path: Path) -> None:
    for name in "abcd":
        save_detector(tmp_path / name, saved_detector())
    assert len({(tmp_path / name).read_bytes() for name in "abcd"}) == 1


def test_a_detector_of_the_older_form_is_still_read(tmp_path: Path) -> None:
    saved = saved_detector()
    content = {"state": saved.detector.state_dict(), "dim": 8, "settings": asdict(SETTINGS)}
    content |= {"extraction": saved.extraction, "fingerprint": "f"}
    torch.save(content, tmp_path / "detector.pt")
    loaded = load_detector(tmp_path / "detector.pt")
    values = features(8)
    assert loaded.settings == SETTINGS
    assert np.array_equal(
        segment_scores(loaded.detector, values), segment_scores(saved.detector, values)
    )


@pytest.mark.parametrize("dim", [2048, 1024])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_published_checkpoint_scores_as_the_released_forward_does(
    dim: int, prefix: str, tmp_path: Path
) -> None:
    state = checkpoint(dim)
    torch.save({prefix + name: value for name, value in state.items()}, tmp_path / "final.pkl")
    saved = load_detector(tmp_path / "final.pkl")
    expected = forward(state, features(dim))
    assert saved.dim == dim
    assert np.ptp(expected) > 0.001
    assert np.abs(segment_scores(saved.detector, features(dim)) - expected).max() < 1e-6


def test_a_converted_checkpoint_scores_a_published_set_as_the_checkpoint_does(
    tmp_path: Path,
) -> None:
    state, values = checkpoint(1024), features(1024)
    torch.save({"state_dict": state, "epoch": 20}, tmp_path / "XDfinal.pkl")
    (tmp_path / "set").mkdir()
    np.save(tmp_path / "set" / "v_i3d.npy", values)
    assert c2fpl("convert-detector", tmp_path / "XDfinal.pkl", "-o", tmp_path / "xd.pt") == 0
    for detector in ("XDfinal.pkl", "xd.pt"):
        output = tmp_path / f"scores-{detector}"
        command = ("score", tmp_path / "set", "--detector", tmp_path / detector, "-o", output)
        assert c2fpl(*command, "--quiet") == 0
        scores = np.load(output / "v.npy")
        assert np.allclose(scores, np.repeat(forward(state, values), 16), atol=1e-6)


def test_features_of_another_length_are_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(checkpoint(2048), tmp_path / "final.pkl")
    (tmp_path / "set").mkdir()
    np.save(tmp_path / "set" / "v_i3d.npy", features(1024))
    command = ("score", tmp_path / "set", "--detector", tmp_path / "final.pkl")
    assert c2fpl(*command, "-o", tmp_path / "scores", "--quiet") == 2
    assert "published features of length 2048, these have 1024" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"fc_att1.0.weight": None, "fc_att1.0.bias": None},
            "it has the layers fc1, fc2, fc3, fc_a",
        ),
        ({"Aggregate.conv.weight": torch.ones(2)}, "it has the layers Aggregate, fc1"),
        ({"fc2.weight": torch.ones(128, 512)}, r"second.linear.weight is \(128, 512\), not"),
        ({"fc1.bias": None}, "is not a detector of c2fpl"),
    ],
    ids=["no attention: another network", "another layer", "another size", "incomplete"],
)
def test_other_networks_with_such_layers_are_refused(
    change: dict[str, torch.Tensor | None], reason: str, tmp_path: Path
) -> None:
    state = {**checkpoint(1024), **change}
    torch.save({k: v for k, v in state.items() if v is not None}, tmp_path / "other.pkl")
    with pytest.raises(BadDetector, match=reason) as refusal:
        load_detector(tmp_path / "other.pkl")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("cut", [0, 5, 40, 900, -1])
def test_a_cut_detector_file_is_refused(cut: int, tmp_path: Path) -> None:
    save_detector(tmp_path / "detector.pt", saved_detector())
    whole = (tmp_path / "detector.pt").read_bytes()
    (tmp_path / "detector.pt").write_bytes(whole[:cut])
    with pytest.raises(BadDetector):
        load_detector(tmp_path / "detector.pt")


def test_a_pickle_of_numbers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "detector.pt").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(BadDetector, match="is not a detector of c2fpl"):
        load_detector(tmp_path / "detector.pt")
