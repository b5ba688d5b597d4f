"""Weights files as people have them: any wrapper or prefix, every form, and nothing executed."""

import argparse
import logging
import pickle
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from c2fpl.errors import BadWeights
from c2fpl.extractors.backbones.archives import read_archive
from c2fpl.extractors.backbones.catalogue import MC3_18
from c2fpl.extractors.backbones.state_files import read_state
from c2fpl.extractors.backbones.weights import load_weights

State: TypeAlias = dict[str, torch.Tensor]


class Small(nn.Module):
    """Two convolutions and a batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv3d(3, 2, 1), nn.BatchNorm3d(2))
        self.head = nn.Conv3d(2, 4, 1)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.head(self.stem(clips))
        return features


SMALL = replace(MC3_18, build=Small)


@pytest.fixture
def network() -> Small:
    torch.manual_seed(4)
    network = Small()
    transposed = torch.arange(8.0).view(2, 4).t()[..., None, None, None]  # saved with its strides
    network.head.weight = nn.Parameter(transposed)
    return network


def loaded(path: Path) -> State:
    network = Small()
    load_weights(network, SMALL, path)
    return network.state_dict()


def same(found: State, expected: State) -> bool:
    return all(torch.equal(found[name], value) for name, value in expected.items())


def under(prefix: str, state: State) -> State:
    return {f"{prefix}{name}": value for name, value in state.items()}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: {"net": s},
        lambda s: {"weights": {"inner": s}, "epoch": 7},
        lambda s: under("model.", s),
        lambda s: under("net.", s),
        lambda s: under("encoder.0.", s),
        lambda s: {"state_dict": under("backbone.", s) | {"cls_head.fc.weight": torch.ones(4, 4)}},
        lambda s: {"state_dict": under("model._orig_mod.", s), "hyper_parameters": {"lr": 0.1}},
        lambda s: {
            "state_dict": s,
            "optimizer": {"state": {0: {"exp_avg": torch.ones(4)}}, "param_groups": []},
        },
        lambda s: {k: v for k, v in s.items() if not k.endswith("num_batches_tracked")},
    ],
    ids=[
        "net",
        "two dicts",
        "model.",
        "net.",
        "encoder.0.",
        "mmaction",
        "lightning",
        "optimiser",
        "old",
    ],
)
def test_any_one_prefix_or_wrapper_is_taken_off(
    wrap: Callable[[State], object], network: Small, tmp_path: Path
) -> None:
    torch.save(wrap(network.state_dict()), tmp_path / "w.pth")
    assert same(loaded(tmp_path / "w.pth"), network.state_dict())


def test_safetensors_are_read_whatever_the_file_is_called(network: Small, tmp_path: Path) -> None:
    contiguous = {k: v.contiguous() for k, v in network.state_dict().items()}
    save_file(under("model.", contiguous), tmp_path / "w.pth", metadata={"epoch": "3"})
    assert same(loaded(tmp_path / "w.pth"), network.state_dict())


def test_a_checkpoint_with_foreign_objects_is_read_without_them(
    network: Small, tmp_path: Path
) -> None:
    content = {
        "state_dict": under("model.", network.state_dict()),
        "hyper_parameters": argparse.Namespace(lr=0.1),
        "seen": [Path("a"), {1, 2}],
    }
    torch.save(content, tmp_path / "lightning.ckpt")
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "lightning.ckpt", weights_only=True)
    assert same(loaded(tmp_path / "lightning.ckpt"), network.state_dict())


def test_a_pickled_module_is_read_without_its_class(network: Small, tmp_path: Path) -> None:
    torch.save(network, tmp_path / "whole.pt")
    assert same(loaded(tmp_path / "whole.pt"), network.state_dict())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_torchscript_archive_is_read_without_its_code(
    dtype: torch.dtype, network: Small, tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clip = torch.zeros(1, 3, 1, 2, 2)
        scripted = torch.jit.trace(network.eval(), clip)  # type: ignore[no-untyped-call]
        scripted.to(dtype).save(str(tmp_path / "jit.pt"))
    rounded = {k: v.to(dtype).to(v.dtype) for k, v in network.state_dict().items()}
    assert same(loaded(tmp_path / "jit.pt"), rounded)


class Trap:
    """Makes a folder when it is unpickled by an ordinary unpickler."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.mkdir, (self.path,)


def test_what_is_no_tensor_is_never_called(network: Small, tmp_path: Path) -> None:
    torch.save({**network.state_dict(), "x": Trap(tmp_path / "made")}, tmp_path / "w.pt")
    assert same(loaded(tmp_path / "w.pt"), network.state_dict())
    assert not (tmp_path / "made").exists()


def test_a_tensor_whose_bytes_are_cut_is_refused(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pt")
    with (
        zipfile.ZipFile(tmp_path / "whole.pt") as whole,
        zipfile.ZipFile(tmp_path / "cut.pt", "w") as cut,
    ):
        for name in whole.namelist():
            cut.writestr(name, whole.read(name)[: -4 if "/data/" in name else None])
    with pytest.raises(pickle.UnpicklingError, match="has 12 bytes, not 4 x 4"):
        read_archive(tmp_path / "cut.pt")
    with pytest.raises(BadWeights, match="bytes, not"):
        read_state(tmp_path / "cut.pt")


def test_two_copies_of_the_network_are_refused(network: Small, tmp_path: Path) -> None:
    state = network.state_dict()
    torch.save({**under("student.", state), **under("teacher.", state)}, tmp_path / "w.pt")
    with pytest.raises(BadWeights, match=r"2 times, under student\. and teacher\.: save one"):
        loaded(tmp_path / "w.pt")


def test_of_a_network_and_its_average_the_network_is_read_and_named(
    network: Small, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    average = {name: value + 1 for name, value in network.state_dict().items()}
    torch.save({"ema": average, "state_dict": network.state_dict()}, tmp_path / "w.pt")
    with caplog.at_level(logging.WARNING):
        assert same(loaded(tmp_path / "w.pt"), network.state_dict())
    assert "it holds 2 copies of the network; using state_dict." in caplog.text


def test_a_misfit_under_a_prefix_names_tensor_and_prefix(network: Small, tmp_path: Path) -> None:
    state = network.state_dict()
    del state["head.bias"]
    torch.save({"state_dict": under("model.", state)}, tmp_path / "w.pt")
    with pytest.raises(BadWeights, match=r"1 tensors missing such as head\.bias; under state_di"):
        loaded(tmp_path / "w.pt")


def test_another_backbone_is_recognised_under_a_prefix(tmp_path: Path) -> None:
    torch.save({"net": under("model.", MC3_18.build().state_dict())}, tmp_path / "w.pt")
    with pytest.raises(BadWeights, match="it looks like mc3-18"):
        loaded(tmp_path / "w.pt")


@pytest.mark.parametrize(
    ("head", "looks"),
    [
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\n<html lang=en>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"\x93NUMPY\x01\x00", "a numpy array"),
        (b"\x1f\x8b\x08", "a gzip archive: unpack it"),
        (b"", "the file is empty"),
        (b"PK\x05\x06" + bytes(18), "the zip file has no data.pkl"),
    ],
)
def test_what_is_no_weights_file_is_called_by_its_name(
    head: bytes, looks: str, tmp_path: Path
) -> None:
    (tmp_path / "w.pth").write_bytes(head)
    with pytest.raises(BadWeights, match=looks) as refusal:
        read_state(tmp_path / "w.pth")
    assert "\n" not in str(refusal.value)
