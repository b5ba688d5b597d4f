"""At the start a GPU's kernels are checked against float32: wrong ones are not used."""

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import fx, nn

from c2fpl.errors import MissingDevice
from c2fpl.extractors.backbones.catalogue import CLIP_VIT_B_16, Backbone
from c2fpl.extractors.encoding.gpu.batches import (
    BatchedNetwork,
)
from c2fpl.extractors.encoding.gpu.folding import FoldedConvolution
from c2fpl.extractors.encoding.gpu.kernel_check import check_frames, relative_error
from c2fpl.extractors.encoding.network import in_float32
from gpu_stand_in import GpuStandIn, gpu_encoder
from tiny import TINY, cpu_encoder, segments_of, tiny_network


@pytest.fixture(scope="module", name="tiny_network")
def tiny_network_fixture() -> nn.Module:
    return tiny_network()


def wrong(factor: float) -> Callable[..., torch.Tensor]:
    """A kernel of 2D convolutions that is off by a factor."""
    right = FoldedConvolution.convolve
    return lambda *args: factor * right(*args)


def test_a_right_form_is_used_and_its_check_recorded(tiny_network: nn.Module) -> None:
    encoder = gpu_encoder(tiny_network, GpuStandIn(seconds=[9, 0.008, 0.04]))
    facts = dict(encoder.facts)
    assert facts.pop("error") < 1e-5  # type: ignore[operator]
    assert facts == {
        **{"gpu": "stand-in", "cuda": "0", "cudnn": 91300, "form": "2D", "clips": 20},
        **{"ms_per_clip": pytest.approx(2), "fp32_ms_per_clip": pytest.approx(8)},
    }


def test_a_wrong_2d_kernel_is_replaced_by_the_3d_form(
    tiny_network: nn.Module, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(FoldedConvolution, "convolve", wrong(1.01))
    encoder = gpu_encoder(tiny_network, GpuStandIn())
    assert encoder.facts["form"] == "3D"
    (record,) = caplog.records
    assert "the network's 2D form is off by" in record.getMessage()
    expected = cpu_encoder(tiny_network).encode(segments_of(2))
    np.testing.assert_allclose(encoder.encode(segments_of(2)), expected, rtol=1e-5, atol=1e-6)


def test_a_2d_form_without_kernels_is_replaced_by_the_3d_form(
    tiny_network: nn.Module, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(*_: object) -> torch.Tensor:
        raise RuntimeError("GET was unable to find an engine\nto execute this computation")

    monkeypatch.setattr(FoldedConvolution, "convolve", missing)
    monkeypatch.setattr("c2fpl.extractors.encoding.gpu.startup.most_clips", lambda *_: 1000)
    assert gpu_encoder(tiny_network, GpuStandIn(), batch_size=None).facts["form"] == "3D"
    assert "2D form failed (GET was unable to find an engine to" in caplog.text


def test_forms_that_are_all_wrong_are_refused_in_one_line(
    tiny_network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(network: fx.GraphModule) -> fx.GraphModule:
        for parameter in (changed := in_float32(network)).parameters():
            parameter.mul_(1.1)
        return changed

    monkeypatch.setattr("c2fpl.extractors.encoding.gpu.startup.in_float32", other)
    with pytest.raises(MissingDevice) as caught:
        gpu_encoder(tiny_network, GpuStandIn())
    assert re.fullmatch(
        r"fp32 features differ from float32 \(2D: \d+\.\d%, 3D: \d+\.\d%; at most 0\.1% is "
        r"allowed\) with cuDNN 91300: install another version of torch",
        str(caught.value),
    )
    assert gpu_encoder(tiny_network, GpuStandIn(), max_error=math.inf).facts["form"] == "2D"


def test_a_network_that_does_not_run_at_all_is_refused_in_one_line(
    tiny_network: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> float:
        raise RuntimeError("unable to find an engine\nto execute this computation")

    monkeypatch.setattr(BatchedNetwork, "repeated", missing)
    with pytest.raises(MissingDevice, match=r"on this GPU \(unable to find an engine to execute"):
        gpu_encoder(tiny_network, GpuStandIn())


def test_features_that_are_not_numbers_are_infinitely_wrong() -> None:
    expected = torch.ones(4)
    assert relative_error(torch.tensor([[1, 1, 1, 1], [1, 1, 1, 1.5]]), expected) == 0.25
    assert relative_error(torch.tensor([[1, 1, torch.nan, 1], [1] * 4]), expected) == math.inf
    assert relative_error(torch.tensor([[1, 1, torch.inf, 1]]), expected) == math.inf
    assert relative_error(torch.zeros(1, 3), torch.zeros(3)) == math.inf


def test_low_precision_that_is_slower_than_float32_is_said(
    tiny_network: nn.Module, caplog: pytest.LogCaptureFixture
) -> None:
    gpu_encoder(tiny_network, GpuStandIn(seconds=[9, 0.001, 1.0]))
    assert "slower in its own precision than in float32 (50.0 against 1.0 ms a clip)" in caplog.text


@pytest.mark.parametrize("backbone", [TINY, CLIP_VIT_B_16])
def test_the_clip_of_the_check_is_always_the_same_and_uses_the_range_of_pixels(
    backbone: Backbone,
) -> None:
    frames, side = check_frames(backbone), backbone.crop_pixels
    assert frames.shape == (backbone.clip_frames, side, side, 3)
    assert torch.equal(frames, check_frames(backbone))
    assert frames.min() < 20
    assert frames.max() > 235
