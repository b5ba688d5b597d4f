"""The stem shared by crops gives every crop the map that it has alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from c2fpl.extractors.encoding.crops import CropBox, crop_boxes, cut
from c2fpl.extractors.encoding.network import trace
from c2fpl.extractors.encoding.shared_stem import SharedStem, take_stem
from c2fpl.extractors.settings import Crops
from tiny import TINY, TinyNetwork, cpu_encoder, segments_of, tiny_network

CROP_PIXELS = 20


def stem_of(kernel: int, stride: int, padding: int) -> nn.Conv3d:
    torch.manual_seed(kernel)
    return nn.Conv3d(4, 5, (3, kernel, kernel), (1, stride, stride), padding=(1, padding, padding))


def one_by_one(stem: nn.Conv3d, frames: torch.Tensor, boxes: tuple[CropBox, ...]) -> torch.Tensor:
    maps: torch.Tensor = stem(cut(frames, boxes))
    return maps


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(CROP_PIXELS, CROP_PIXELS + 9),
    width=st.integers(CROP_PIXELS, CROP_PIXELS + 17),
    crops=st.sampled_from([1, 5, 10]),
    kernel=st.integers(1, 7),
    stride=st.integers(1, 3),
    data=st.data(),
)
@torch.inference_mode()
def test_a_crop_has_the_map_that_it_has_alone(
    height: int, width: int, crops: Crops, kernel: int, stride: int, data: st.DataObject
) -> None:
    stem = stem_of(kernel, stride, data.draw(st.integers(0, kernel // 2), "padding"))
    frames = torch.randn(2, height, width, 4, generator=torch.Generator().manual_seed(height))
    boxes = crop_boxes(height, width, CROP_PIXELS, crops)
    shared = SharedStem(stem, CROP_PIXELS)
    found = shared.crops(shared.share(frames, boxes), boxes)
    torch.testing.assert_close(found, one_by_one(stem, frames, boxes), rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_crops_may_be_asked_for_in_any_grouping() -> None:
    stem, frames = stem_of(7, 2, 3), torch.randn(2, 26, 35, 4)
    boxes = crop_boxes(26, 35, CROP_PIXELS, 10)
    shared = SharedStem(stem, CROP_PIXELS)
    maps = shared.share(frames, boxes)
    pairs = torch.cat([shared.crops(maps, boxes[i : i + 2]) for i in range(0, 10, 2)])
    assert torch.equal(pairs, shared.crops(maps, boxes))


@pytest.mark.parametrize(("width", "maps"), [(340, 2), (341, 4)])
@torch.inference_mode()
def test_ten_crops_of_a_frame_are_convolved_as_a_map_for_each_grid_and_mirroring(
    width: int, maps: int
) -> None:
    stem = nn.Conv3d(4, 1, (1, 7, 7), (1, 2, 2), (0, 3, 3))
    boxes = crop_boxes(256, width, 224, 10)
    found = SharedStem(stem, 224).share(torch.zeros(1, 256, width, 4), boxes)
    assert len(found) == maps
    convolved = sum(one.values.numel() for one in found)
    assert convolved < 0.55 * 10 * 112 * 112


def test_a_network_is_its_stem_and_the_rest() -> None:
    torch.manual_seed(0)
    network = TinyNetwork().eval()
    clips = torch.randn(2, 3, 4, 12, 12)
    whole = network(clips)
    rest = trace(network)
    stem = take_stem(rest)
    assert stem is network.conv1
    assert torch.equal(rest(stem(clips)), whole)


def test_an_encoder_that_shares_the_stem_gives_the_same_features() -> None:
    network, segments = tiny_network(), segments_of(3, sizes=((20, 27), (24, 20)))
    shared = cpu_encoder(network, replace(TINY, cpu_shares_stem=True)).encode(segments)
    np.testing.assert_allclose(shared, cpu_encoder(network).encode(segments), rtol=1e-4)
