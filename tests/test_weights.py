"""Weights: read whole or refused with the reason, never executed, never random."""

import hashlib
import os
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
import torch
from torch import nn

from c2fpl.errors import BadWeights
from c2fpl.extractors.backbones.catalogue import (
    I3D_NONLOCAL_NET,
    MC3_18,
    R2PLUS1D_18,
    Backbone,
)
from c2fpl.extractors.backbones.state_files import read_state
from c2fpl.extractors.backbones.weights import load_weights

State: TypeAlias = dict[str, torch.Tensor]


class Tiny(nn.Module):
    """Two tensors, to test reading without a network of 28 million weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, 2, 1)


TINY = replace(MC3_18, build=Tiny, url="https://weights.invalid/tiny-0000.pth", sha256="")


@pytest.fixture
def state() -> State:
    torch.manual_seed(3)
    return Tiny().state_dict()


@pytest.fixture
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return tmp_path / "hub" / "checkpoints"


def loaded(path: Path | None, backbone: Backbone = TINY) -> tuple[State, str]:
    network = backbone.build()
    digest = load_weights(network, backbone, path)
    return network.state_dict(), digest


def same(found: State, expected: State) -> bool:
    return all(torch.equal(found[name], value) for name, value in expected.items())


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"model_state": state, "cfg": "x"},
        lambda state: {"epoch": 3, "state_dict": state},
        lambda state: OrderedDict((f"module.{k}", v) for k, v in state.items()),
        lambda state: {"state_dict": {f"module.{k}": v for k, v in state.items()}},
        lambda state: {**state, "fc.weight": torch.zeros(2, 2), "fc.bias": torch.zeros(2)},
    ],
    ids=["plain", "model_state", "state_dict", "module.", "both", "with its classifier"],
)
def test_the_usual_wrappings_are_taken_off(
    wrap: Callable[[State], object], state: State, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pth"
    torch.save(wrap(state), path)
    found, digest = loaded(path)
    assert same(found, state)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_missing_tensor_is_named(state: State, tmp_path: Path) -> None:
    torch.save({"conv.weight": state["conv.weight"]}, tmp_path / "w.pth")
    with pytest.raises(BadWeights, match=r"1 tensors missing such as conv\.bias"):
        loaded(tmp_path / "w.pth")


def test_an_unexpected_tensor_is_named(state: State, tmp_path: Path) -> None:
    torch.save({**state, "extra.weight": torch.zeros(1)}, tmp_path / "w.pth")
    with pytest.raises(BadWeights, match=r"1 tensors unexpected such as extra\.weight"):
        loaded(tmp_path / "w.pth")


def test_a_tensor_of_another_shape_is_named(state: State, tmp_path: Path) -> None:
    torch.save({**state, "conv.bias": torch.zeros(5)}, tmp_path / "w.pth")
    with pytest.raises(BadWeights, match=r"1 tensors of another shape such as conv\.bias"):
        loaded(tmp_path / "w.pth")


def test_the_weights_of_another_backbone_are_recognised(tmp_path: Path) -> None:
    torch.save(MC3_18.build().state_dict(), tmp_path / "w.pth")
    with pytest.raises(BadWeights, match="it looks like mc3-18: check --backbone and --weights"):
        loaded(tmp_path / "w.pth", R2PLUS1D_18)


def test_a_pytorchvideo_checkpoint_is_refused_by_the_nonlocal_net(tmp_path: Path) -> None:
    """The hub's i3d_r50 has the same names and shapes, and is another function."""
    torch.save({"model_state": I3D_NONLOCAL_NET.build().state_dict()}, tmp_path / "w.pyth")
    with pytest.raises(BadWeights, match="it looks like i3d"):
        loaded(tmp_path / "w.pyth", I3D_NONLOCAL_NET)


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("form", ["torch", "pickle", "caffe2"])
def test_code_in_a_weights_file_is_refused_and_not_executed(form: str, tmp_path: Path) -> None:
    path, trap = tmp_path / "w.pkl", tmp_path / "executed"
    bomb = {"conv.weight": Bomb(trap)}
    if form == "torch":
        torch.save(bomb, path)
    else:
        content = {"blobs": bomb} if form == "caffe2" else bomb
        path.write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(BadWeights, match=re.escape(str(path))) as refusal:
        loaded(path)
    assert not trap.exists()
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"not weights", pickle.dumps([1, 2]), pickle.dumps({"blobs": 3}), b"\x80\x02cnumpy\n"],
)
def test_files_that_hold_no_weights_are_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(BadWeights) as refusal:
        loaded(tmp_path / "w.pth")
    assert "\n" not in str(refusal.value)


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    blobs = {"blobs": {"conv1_w": np.array([None, {}], dtype=object)}}
    (tmp_path / "w.pkl").write_bytes(pickle.dumps(blobs, protocol=2))
    with pytest.raises(BadWeights, match="not a plain number"):
        read_state(tmp_path / "w.pkl")


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BadWeights, match=r"no weights file at .*nowhere\.pth"):
        loaded(tmp_path / "nowhere.pth")


def test_without_network_and_file_the_line_names_the_url_the_option_and_flow(
    cache_folder: Path, tmp_path: Path
) -> None:
    unreachable = replace(TINY, url=(tmp_path / "absent.pth").as_uri())
    with pytest.raises(BadWeights) as missing:
        loaded(None, unreachable)
    text = str(missing.value)
    assert unreachable.url in text
    assert "give a weights file" in text
    assert "backbone flow" in text
    assert "\n" not in text
    assert not list(cache_folder.glob("*"))


def test_the_official_file_is_fetched_once_into_the_hub_cache(
    state: State, cache_folder: Path, tmp_path: Path
) -> None:
    official = tmp_path / "tiny.pth"
    torch.save(state, official)
    digest = hashlib.sha256(official.read_bytes()).hexdigest()
    backbone = replace(TINY, url=official.as_uri(), sha256=digest[:8])
    assert same(loaded(None, backbone)[0], state)
    official.unlink()
    assert loaded(None, backbone)[1] == digest
    assert sorted(path.name for path in cache_folder.iterdir()) == ["tiny.pth", "tiny.pth.sha256"]
    assert (cache_folder / "tiny.pth.sha256").read_text() == f"{digest}  tiny.pth\n"


def test_an_official_file_with_another_hash_is_refused(
    state: State, cache_folder: Path, tmp_path: Path
) -> None:
    torch.save(state, tmp_path / "tiny.pth")
    backbone = replace(TINY, url=(tmp_path / "tiny.pth").as_uri(), sha256="00000000")
    with pytest.raises(BadWeights, match=r"not 00000000\.\.\.: delete it"):
        loaded(None, backbone)


def test_an_official_file_that_changed_since_its_first_use_is_refused(
    state: State, cache_folder: Path, tmp_path: Path
) -> None:
    """Only a beginning of its SHA-256 is published, or none of it."""
    torch.save(state, tmp_path / "tiny.pth")
    backbone = replace(TINY, url=(tmp_path / "tiny.pth").as_uri(), sha256="")
    digest = loaded(None, backbone)[1]
    torch.save({**state, "conv.bias": torch.ones(2)}, cache_folder / "tiny.pth")
    with pytest.raises(BadWeights, match=f"not {digest}: delete it"):
        loaded(None, backbone)


def test_a_whole_published_digest_is_compared_whole(
    state: State, cache_folder: Path, tmp_path: Path
) -> None:
    torch.save(state, tmp_path / "tiny.pth")
    digest = hashlib.sha256((tmp_path / "tiny.pth").read_bytes()).hexdigest()
    backbone = replace(TINY, url=(tmp_path / "tiny.pth").as_uri(), sha256=digest)
    assert loaded(None, backbone)[1] == digest
    assert [path.name for path in cache_folder.iterdir()] == ["tiny.pth"]
    wrong = replace(backbone, sha256=digest[:-1] + ("0" if digest[-1] != "0" else "1"))
    with pytest.raises(BadWeights, match="delete it"):
        loaded(None, wrong)
