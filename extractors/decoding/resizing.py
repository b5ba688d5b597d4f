"""Resizes decoded frames with Pillow, as torchvision's Resize does on images."""

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from c2fpl.extractors.settings import DecodingSettings, Interpolation, Resize

KERNELS: Final[dict[Interpolation, Image.Resampling]] = {
    "bilinear": Image.Resampling.BILINEAR,
    "cubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
WARPED_WIDTH, WARPED_HEIGHT = 340, 256
"""Frame size of Gowtham's extractor, for a backbone whose short side is 256."""


def resized_size(
    width_pixels: int, height_pixels: int, *, resize: Resize, short_side_pixels: int
) -> tuple[int, int]:
    """(width, height) in pixels after the resize.

    By the short side, the long side is int(short_side * long / short) as in torchvision: 320x240 at
    256 gives 341x256. "340x256" warps the frame to 340x256 times short_side / 256, rounded.
    """
    if resize == "340x256":
        scale = short_side_pixels / WARPED_HEIGHT
        return round(WARPED_WIDTH * scale), round(WARPED_HEIGHT * scale)
    if width_pixels <= height_pixels:
        return short_side_pixels, int(short_side_pixels * height_pixels / width_pixels)
    return int(short_side_pixels * width_pixels / height_pixels), short_side_pixels


class FrameResizer:
    """Resizes all frames of one video to the same size."""

    def __init__(self, settings: DecodingSettings, short_side_pixels: int) -> None:
        self._settings = settings
        self._short_side_pixels = short_side_pixels
        self._size: tuple[int, int] | None = None

    def __call__(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize a frame: RGB uint8 (height, width, 3), values 0 to 255; the result is contiguous.

        The first frame determines the size. If the frame size changes midway, frames are warped.
        """
        height_pixels, width_pixels = frame.shape[:2]
        if self._size is None:
            self._size = resized_size(
                width_pixels,
                height_pixels,
                resize=self._settings.resize,
                short_side_pixels=self._short_side_pixels,
            )
        image = Image.fromarray(frame)
        if self._settings.jpeg_quality is not None:
            image = jpeg_round_trip(image, self._settings.jpeg_quality)
        return np.asarray(image.resize(self._size, KERNELS[self._settings.interpolation]))


def jpeg_round_trip(image: Image.Image, quality: int) -> Image.Image:
    """Encode and decode the image as JPEG of this quality (1 to 100, Pillow's scale).

    Other extractors save frames as JPEG before resizing, which changes features by up to 30 %.
    """
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")
