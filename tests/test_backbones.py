"""Every network passes one contract: its fast form is the library's own network, faster."""

import gc
import operator
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from c2fpl.extractors.backbones.catalogue import BACKBONES, Backbone, backbone_named
from c2fpl.extractors.encoding.allocator import return_freed_memory
from c2fpl.extractors.encoding.encoder import choose_precision, make_encoder
from c2fpl.extractors.encoding.held_frames import SegmentEncoder
from c2fpl.extractors.encoding.network import IntegerPixels, fast_form
from c2fpl.extractors.settings import BackboneName, ExtractionSettings, Precision
from plain import (
    features_of,
    library_network,
    plain_features,
    relative_error,
    with_lively_norms,
)

FP32_TOLERANCE = 1e-4  # relative L2: other orders of summation
AUTO_TOLERANCE = 0.02  # the bound of precision "auto"


@dataclass(frozen=True)
class Case:
    """A backbone, random weights on disk, a random segment, and its features by the plain way."""

    name: BackboneName
    backbone: Backbone
    weights: Path
    frames: NDArray[np.uint8]
    expected: NDArray[np.float32]
    """Features (1, dim) of the library's network with these weights."""


@pytest.fixture(scope="module", params=BACKBONES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """One case at a time: the networks of all together need 2 GB."""
    torch.manual_seed(0)
    backbone = backbone_named(request.param)
    network = with_lively_norms(library_network(request.param), seed=1)
    weights = tmp_path_factory.mktemp("weights") / request.param
    torch.save(network.state_dict(), weights)
    side = backbone.crop_pixels
    shape = (16, side + 6, side + 9, 3)
    frames = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    expected = plain_features(features_of(network), backbone, frames, crops=1)
    return Case(request.param, backbone, weights, frames, expected)


EncoderOf: TypeAlias = Callable[[Precision], SegmentEncoder]


@pytest.fixture(scope="module")
def encoder_of(case: Case) -> Iterator[EncoderOf]:
    """Encoders of a case; "auto" is another one only where the processor computes in bf16."""

    @cache
    def make(precision: Precision) -> SegmentEncoder:
        settings = ExtractionSettings(
            backbone=case.name, weights=case.weights, crops=1, precision=precision
        )
        return make_encoder(settings, device="cpu")

    yield lambda precision: make(choose_precision(precision, torch.device("cpu")))
    make.cache_clear()
    gc.collect()  # traced networks refer to themselves
    return_freed_memory()


def test_non_local_blocks_stand_after_blocks_1_3_of_res3_and_1_3_5_of_res4() -> None:
    network = backbone_named("i3d-nonlocal-net", nonlocal_blocks=True).build()
    places = [n for n, module in network.named_modules() if type(module).__name__ == "NonLocal"]
    assert places == [
        f"blocks.{stage}.res_blocks.{block}.activation.1"
        for stage, block in ((3, 1), (3, 3), (4, 1), (4, 3), (4, 5))
    ]


@torch.no_grad()
def test_non_local_blocks_scale_their_queries_and_not_the_products_of_them() -> None:
    """Products of 256 and 512 unscaled terms exceed fp16; the features are the same."""
    torch.manual_seed(0)
    backbone = backbone_named("i3d-nonlocal-net", nonlocal_blocks=True)
    network = with_lively_norms(backbone.build(), seed=1).double().eval()
    frames = torch.randint(0, 256, (1, 16, 40, 40, 3), dtype=torch.uint8)
    mean, std = (255 * torch.tensor(x, dtype=torch.float64) for x in (backbone.mean, backbone.std))
    expected = network(((frames - mean) / std).permute(0, 4, 1, 2, 3))
    fast = fast_form(network, backbone, torch.float64)
    pixels = IntegerPixels(backbone, torch.float64)(frames).permute(0, 4, 1, 2, 3)
    torch.testing.assert_close(fast(pixels), expected, rtol=0, atol=1e-9 * float(expected.norm()))
    assert not [node for node in fast.graph.nodes if node.target is operator.mul]
    assert sum(node.target is torch.einsum for node in fast.graph.nodes) == 10


def test_float32_features_are_those_of_the_librarys_network(
    case: Case, encoder_of: EncoderOf
) -> None:
    found = encoder_of("fp32").encode([case.frames])
    assert found.dtype == np.float32
    assert found.shape == (1, 1, case.backbone.dim)
    assert case.expected.shape == (1, case.backbone.dim)
    assert relative_error(found[0], case.expected) < FP32_TOLERANCE


def test_automatic_precision_stays_inside_its_bound(case: Case, encoder_of: EncoderOf) -> None:
    encoder = encoder_of("auto")
    found = encoder.encode([case.frames])[0]
    assert relative_error(found, case.expected) < AUTO_TOLERANCE
    assert encoder.crops == 1
    assert encoder.dim == case.backbone.dim
    assert encoder.short_side_pixels == case.backbone.short_side_pixels > case.backbone.crop_pixels
    assert encoder.weights_sha256 == sha256(case.weights.read_bytes()).hexdigest()


def test_importing_the_encoder_starts_neither_cuda_nor_pytorchvideo() -> None:
    code = (
        "import sys, torch, c2fpl.extractors.encoding.encoder\n"
        "assert 'pytorchvideo' not in sys.modules and not torch.cuda.is_initialized()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
