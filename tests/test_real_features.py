"""Real weights and real frames: the plain features inside the stated bounds."""

import itertools
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from c2fpl.extractors.backbones.catalogue import MC3_18
from c2fpl.extractors.encoding.encoder import make_encoder
from c2fpl.extractors.settings import ExtractionSettings, Precision
from plain import TorchvisionFeatures, library_network, plain_features, relative_error, resized

FP32_TOLERANCE = 1e-4
AUTO_TOLERANCE = 0.02
Frames: TypeAlias = NDArray[np.uint8]
Features: TypeAlias = NDArray[np.float32]


@pytest.fixture(scope="module")
def real_segment(shared_data: Path) -> Frames:
    """16 frames of a UCF-Crime video, short side 128."""
    video = sorted((shared_data / "ucf-crime-sample").rglob("*.mp4"))[0]
    with av.open(str(video)) as container:
        frames = itertools.islice(container.decode(video=0), 100, 116)
        return resized(np.stack([frame.to_ndarray(format="rgb24") for frame in frames]), 128)


@pytest.fixture(scope="module")
def real_weights(shared_data: Path) -> Path:
    return shared_data / "weights" / "mc3_18_fight.pth"


@pytest.fixture(scope="module")
def real_features(real_segment: Frames, real_weights: Path) -> Features:
    """All five crops by the plain way: ten take twice as long and say no more."""
    network = library_network("mc3-18")
    state = torch.load(real_weights, map_location="cpu", weights_only=True)
    network.load_state_dict({k: v for k, v in state.items() if "fc." not in k}, strict=False)
    return plain_features(TorchvisionFeatures(network).eval(), MC3_18, real_segment, crops=5)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("precision", "bound"), [("fp32", FP32_TOLERANCE), ("auto", AUTO_TOLERANCE)]
)
def test_real_features_are_inside_the_bound(
    precision: Precision,
    bound: float,
    real_segment: Frames,
    real_weights: Path,
    real_features: Features,
) -> None:
    settings = ExtractionSettings(
        backbone="mc3-18", weights=real_weights, precision=precision, crops=5
    )
    found = make_encoder(settings, device="cpu").encode([real_segment])[0]
    assert relative_error(found.mean(axis=0), real_features.mean(axis=0)) < bound
    assert relative_error(found, real_features) < bound


@pytest.mark.gpu
@pytest.mark.shared_data
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize(("precision", "bound"), [("fp32", 1e-3), ("auto", AUTO_TOLERANCE)])
def test_the_gpu_gives_the_plain_features(
    precision: Precision,
    bound: float,
    real_segment: Frames,
    real_weights: Path,
    real_features: Features,
) -> None:
    settings = ExtractionSettings(
        backbone="mc3-18", weights=real_weights, precision=precision, crops=5
    )
    encoder = make_encoder(settings, device="cuda", batch_size=2)
    found = encoder.encode([real_segment] * 3)
    for row in found:
        assert relative_error(row, real_features) < bound
