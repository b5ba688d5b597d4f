"""Crops: torchvision's own, in torchvision's order, from slices of one copy of the frames."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from c2fpl.errors import FramesTooSmall
from c2fpl.extractors.backbones.catalogue import MC3_18, X3D_S, Backbone
from c2fpl.extractors.encoding.crops import crop_boxes, cut
from c2fpl.extractors.encoding.network import IntegerPixels
from c2fpl.extractors.settings import Crops
from plain import plain_crops

SIZES = [(40, 59), (43, 60), (41, 60), (40, 61), (43, 57), (32, 33), (32, 32), (60, 40)]


def frames_of(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (3, height, width, 3), dtype=np.uint8)


def cut_crops(frames: NDArray[np.uint8], pixels: int, crops: Crops) -> NDArray[np.uint8]:
    boxes = crop_boxes(frames.shape[1], frames.shape[2], pixels, crops)
    found: NDArray[np.uint8] = cut(torch.from_numpy(frames), boxes).permute(0, 2, 3, 4, 1).numpy()
    return found


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("crops", [10, 5, 1])
def test_crops_are_torchvisions_pixel_for_pixel(size: tuple[int, int], crops: Crops) -> None:
    frames = frames_of(*size)
    np.testing.assert_array_equal(cut_crops(frames, 32, crops), plain_crops(frames, 32, crops))


def test_crops_5_to_9_are_crops_0_to_4_of_the_mirrored_frames() -> None:
    frames = frames_of(43, 57)
    mirrored = np.ascontiguousarray(frames[:, :, ::-1])
    np.testing.assert_array_equal(cut_crops(frames, 32, 10)[5:], cut_crops(mirrored, 32, 10)[:5])


def test_mirrored_corners_swap_left_and_right() -> None:
    crops = cut_crops(frames_of(40, 60), 32, 10)
    for mirrored, plain in ((5, 1), (6, 0), (7, 3), (8, 2), (9, 4)):
        np.testing.assert_array_equal(crops[mirrored], crops[plain][:, :, ::-1])


def test_five_and_one_are_the_first_five_and_the_centre_of_ten() -> None:
    frames = frames_of(43, 57)
    ten = cut_crops(frames, 32, 10)
    np.testing.assert_array_equal(cut_crops(frames, 32, 5), ten[:5])
    np.testing.assert_array_equal(cut_crops(frames, 32, 1), ten[4:5])


def test_with_the_centre_first_the_crops_are_the_same_in_xdviodets_order() -> None:
    ten = crop_boxes(256, 341, 224, 10)
    assert crop_boxes(256, 341, 224, 10, centre_first=True) == tuple(
        ten[crop] for crop in (4, 0, 1, 2, 3, 9, 5, 6, 7, 8)
    )
    assert crop_boxes(256, 341, 224, 5, centre_first=True) == (ten[4], *ten[:4])
    assert crop_boxes(256, 341, 224, 1, centre_first=True) == (ten[4],)


def test_crops_lie_in_memory_as_channels_last() -> None:
    pixels = cut(torch.zeros(3, 40, 60, 4), crop_boxes(40, 60, 32, 10))
    assert pixels.shape == (10, 4, 3, 32, 32)
    assert pixels.is_contiguous(memory_format=torch.channels_last_3d)


def test_frames_smaller_than_the_crop_are_refused_with_both_sizes() -> None:
    with pytest.raises(FramesTooSmall, match="frames of 60x31 are smaller than the crop of 32x32"):
        crop_boxes(31, 60, 32, 10)


@pytest.mark.parametrize("backbone", [MC3_18, X3D_S])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_every_pixel_value_is_a_whole_number_that_low_precision_holds_exactly(
    backbone: Backbone, dtype: torch.dtype
) -> None:
    every = torch.arange(256, dtype=torch.uint8)[:, None].expand(256, 3)
    pixels = IntegerPixels(backbone, dtype)(every).double()
    means = 255 * torch.tensor(backbone.mean, dtype=torch.float64)
    assert torch.equal(pixels[:, :3], every.double() - means.round())
    assert torch.equal(pixels[:, 3], torch.ones(256, dtype=torch.float64))
