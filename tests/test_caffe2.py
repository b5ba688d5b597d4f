"""Weight files of video-nonlocal-net: its Caffe2 pickle and the PyTorch conversion of it."""

import pickle
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
import torch
from torch import nn

from c2fpl.errors import BadWeights
from c2fpl.extractors.backbones.caffe2 import builder_name, conversion_name
from c2fpl.extractors.backbones.catalogue import (
    I3D_NONLOCAL_NET,
    I3D_NONLOCAL_NET_WITH_BLOCKS,
    Backbone,
)
from c2fpl.extractors.backbones.weights import load_weights
from plain import with_lively_norms

State: TypeAlias = dict[str, torch.Tensor]


def loaded(path: Path, backbone: Backbone) -> State:
    network = backbone.build()
    load_weights(network, backbone, path)
    return network.state_dict()


def same(found: State, expected: State) -> bool:
    return all(torch.equal(found[name], value) for name, value in expected.items())


CAFFE2_SUFFIXES = {"weight": "s", "bias": "b", "running_mean": "rm", "running_var": "riv"}


def caffe2_name(name: str) -> str:
    """The blob of one of our tensors, written from METHOD.md apart from the code under test."""
    parts = name.split(".")
    if name.startswith("blocks.0."):
        stem = "conv1_w" if parts[2] == "conv" else "res_conv1_bn_"
        return stem if parts[2] == "conv" else stem + CAFFE2_SUFFIXES[parts[-1]]
    layer = {"1": 2, "3": 3, "4": 4, "5": 5}[parts[1]]
    block, rest = parts[3], parts[4:]
    if rest[0] == "activation":
        piece = "bn" if rest[2] == "norm" else rest[2].removeprefix("conv_")
        suffixes = CAFFE2_SUFFIXES if piece == "bn" else {"weight": "w", "bias": "b"}
        return f"nonlocal_conv{layer}_{block}_{piece}_{suffixes[rest[-1]]}"
    branch = "branch1" if rest[0].startswith("branch1") else "branch2" + rest[1][-1]
    is_norm = "norm" in rest[0] or "norm" in rest[1]
    suffix = f"bn_{CAFFE2_SUFFIXES[rest[-1]]}" if is_norm else "w"
    return f"res{layer}_{block}_{branch}_{suffix}"


def thin(backbone: Backbone) -> Backbone:
    """Tensors of the same names with at most two elements a dimension, to read them at no cost."""

    def build() -> nn.Module:
        with torch.device("meta"):
            network = backbone.build()
        for module in network.modules():
            for name, tensor in [*module.named_parameters(recurse=False)]:
                setattr(module, name, nn.Parameter(torch.randn([min(n, 2) for n in tensor.shape])))
            for name, buffer in [*module.named_buffers(recurse=False)]:
                module.register_buffer(name, torch.zeros([min(n, 2) for n in buffer.shape]))
        return network

    return replace(backbone, build=build)


THIN = thin(I3D_NONLOCAL_NET_WITH_BLOCKS)


@pytest.fixture(scope="module")
def nonlocal_state() -> State:
    torch.manual_seed(5)
    network = with_lively_norms(THIN.build(), seed=5)
    return {k: v for k, v in network.state_dict().items() if "num_batches" not in k}


def write_caffe2(path: Path, state: State, lr: object = np.float32(0.1), scope: str = "") -> None:
    blobs: dict[str, object] = {
        scope + caffe2_name(name): value.numpy() for name, value in state.items()
    }
    blobs |= {"conv1_w_momentum": np.zeros(3, np.float32), "lr": lr, "model_iter": 400001}
    blobs |= {"pred_w": np.zeros((400, 2048), np.float32), "pred_b": np.zeros(400, np.float32)}
    path.write_bytes(pickle.dumps({"blobs": blobs}, protocol=2))


def test_a_caffe2_pickle_fills_the_network_with_non_local_blocks(
    nonlocal_state: State, tmp_path: Path
) -> None:
    write_caffe2(tmp_path / "i3d_nonlocal.pkl", nonlocal_state)
    found = loaded(tmp_path / "i3d_nonlocal.pkl", THIN)
    assert same(found, nonlocal_state)


def test_a_caffe2_pickle_gives_the_same_outputs_as_the_network_it_came_from(tmp_path: Path) -> None:
    torch.manual_seed(6)
    network = with_lively_norms(I3D_NONLOCAL_NET.build(), seed=6).eval()
    state = {k: v for k, v in network.state_dict().items() if "num_batches" not in k}
    write_caffe2(tmp_path / "i3d_baseline.pkl", state)
    again = I3D_NONLOCAL_NET.build().eval()
    load_weights(again, I3D_NONLOCAL_NET, tmp_path / "i3d_baseline.pkl")
    clip = torch.randn(1, 3, 16, 64, 64)
    with torch.no_grad():
        assert torch.equal(again(clip), network(clip))


@pytest.mark.parametrize(
    ("lr", "scope"),
    [(np.array(1e-5, "f4"), ""), (np.array([1e-5], "f4"), ""), (1e-5, "gpu_0/")],
    ids=["0-d", "one element", "plain, in the scope of a GPU"],
)
def test_what_the_publishers_saver_writes_beside_the_weights_is_left_out(
    lr: object, scope: str, nonlocal_state: State, tmp_path: Path
) -> None:
    write_caffe2(tmp_path / "w.pkl", nonlocal_state, lr, scope)
    found = loaded(tmp_path / "w.pkl", THIN)
    assert same(found, nonlocal_state)


def test_a_blob_that_is_neither_weight_nor_state_of_training_is_unexpected(
    nonlocal_state: State, tmp_path: Path
) -> None:
    write_caffe2(tmp_path / "w.pkl", nonlocal_state)
    content = pickle.loads((tmp_path / "w.pkl").read_bytes())
    content["blobs"]["res6_0_branch2a_w"] = np.zeros(3, np.float32)
    (tmp_path / "w.pkl").write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(BadWeights, match="1 tensors unexpected such as res6_0_branch2a_w"):
        loaded(tmp_path / "w.pkl", THIN)


def test_the_pytorch_conversion_fills_the_same_network(
    nonlocal_state: State, tmp_path: Path
) -> None:
    converted = {conversion_name(caffe2_name(k)): v for k, v in nonlocal_state.items()}
    assert "layer1.0.conv1.weight" in converted
    assert "layer2.0.downsample.1.running_var" in converted
    assert "layer2.1.nl.theta.bias" in converted
    torch.save(converted, tmp_path / "i3d_r50_nl_kinetics.pth")
    found = loaded(tmp_path / "i3d_r50_nl_kinetics.pth", THIN)
    assert same(found, nonlocal_state)


def test_blocks_where_none_were_asked_for_are_unexpected(
    nonlocal_state: State, tmp_path: Path
) -> None:
    theta = "blocks.3.res_blocks.1.activation.1.conv_theta.weight"
    marked = nonlocal_state | {theta: torch.zeros(I3D_NONLOCAL_NET_WITH_BLOCKS.marker[1])}
    write_caffe2(tmp_path / "w.pkl", marked)
    with pytest.raises(BadWeights, match=r"unexpected.*it looks like .*with blocks"):
        loaded(tmp_path / "w.pkl", thin(I3D_NONLOCAL_NET))


@pytest.mark.parametrize(
    ("blob", "converted", "ours"),
    [
        ("conv1_w", "conv1.weight", "blocks.0.conv.weight"),
        ("res_conv1_bn_riv", "bn1.running_var", "blocks.0.norm.running_var"),
        (
            "res2_0_branch2a_w",
            "layer1.0.conv1.weight",
            "blocks.1.res_blocks.0.branch2.conv_a.weight",
        ),
        (
            "res5_2_branch2c_bn_rm",
            "layer4.2.bn3.running_mean",
            "blocks.5.res_blocks.2.branch2.norm_c.running_mean",
        ),
        (
            "res3_0_branch1_bn_s",
            "layer2.0.downsample.1.weight",
            "blocks.3.res_blocks.0.branch1_norm.weight",
        ),
        (
            "nonlocal_conv4_5_g_b",
            "layer3.5.nl.g.bias",
            "blocks.4.res_blocks.5.activation.1.conv_g.bias",
        ),
    ],
)
def test_names_of_one_tensor_in_the_three_forms(blob: str, converted: str, ours: str) -> None:
    assert conversion_name(blob) == converted
    assert builder_name(converted) == ours
