"""Resizing, against torchvision's Resize on Pillow images."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import resize

from c2fpl.extractors.decoding.resizing import FrameResizer, resized_size
from c2fpl.extractors.settings import DecodingSettings, Interpolation

SIZES = [(320, 240), (240, 320), (96, 96), (641, 357), (123, 457)]
TORCHVISION = {
    "bilinear": InterpolationMode.BILINEAR,
    "cubic": InterpolationMode.BICUBIC,
    "lanczos": InterpolationMode.LANCZOS,
}


def noise(width: int, height: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("interpolation", TORCHVISION)
@pytest.mark.parametrize("short_side", [128, 256])
@pytest.mark.parametrize("size", SIZES)
def test_short_side_resize_is_torchvisions_to_the_bit(
    size: tuple[int, int], short_side: int, interpolation: Interpolation
) -> None:
    frame = noise(*size)
    resized = FrameResizer(DecodingSettings(interpolation=interpolation), short_side)(frame)
    expected = resize(Image.fromarray(frame), short_side, TORCHVISION[interpolation])
    np.testing.assert_array_equal(resized, np.asarray(expected))


@pytest.mark.parametrize(
    ("size", "short_side", "expected"),
    [((320, 240), 256, (341, 256)), ((360, 640), 256, (256, 455)), ((96, 96), 128, (128, 128))],
)
def test_long_side_is_cut_to_a_whole_pixel(
    size: tuple[int, int], short_side: int, expected: tuple[int, int]
) -> None:
    assert resized_size(*size, resize="short256", short_side_pixels=short_side) == expected


@pytest.mark.parametrize(("short_side", "expected"), [(256, (340, 256)), (128, (170, 128))])
@pytest.mark.parametrize("size", SIZES)
def test_warp_ignores_the_aspect(
    size: tuple[int, int], short_side: int, expected: tuple[int, int]
) -> None:
    assert resized_size(*size, resize="340x256", short_side_pixels=short_side) == expected


def test_a_video_that_changes_size_keeps_the_first_size() -> None:
    resizer = FrameResizer(DecodingSettings(), 64)
    assert resizer(noise(320, 240)).shape == (64, 85, 3)
    assert resizer(noise(100, 300)).shape == (64, 85, 3)


def test_jpeg_quality_is_a_round_trip_before_the_resize() -> None:
    frame = noise(64, 64)
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=30)
    jpeg = np.asarray(Image.open(buffer).convert("RGB"))
    plain = FrameResizer(DecodingSettings(), 32)
    imitated = FrameResizer(DecodingSettings(jpeg_quality=30), 32)
    np.testing.assert_array_equal(imitated(frame), plain(jpeg))
    assert not np.array_equal(imitated(frame), plain(frame))
