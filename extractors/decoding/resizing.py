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

    Short side: the other side is int(short_side * long / short), torchvision's rule; 320x240 at
    256 gives 341x256. Warp: 340x256 scaled by short_side / 256 and rounded, whatever the aspect.
    """
    if resize == "340x256":
        scale = short_side_pixels / WARPED_HEIGHT
        return round(WARPED_WIDTH * scale), round(WARPED_HEIGHT * scale)
    if width_pixels <= height_pixels:
        return short_side_pixels, int(short_side_pixels * height_pixels / width_pixels)
    return int(short_side_pixels * width_pixels / height_pixels), short_side_pixels


class FrameResizer:
    """Brings every frame of one video to one size."""

    def __init__(self, settings: DecodingSettings, short_side_pixels: int) -> None:
        self._settings = settings
        self._short_side_pixels = short_side_pixels
        self._size: tuple[int, int] | None = None

    def __call__(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """uint8 RGB (height, width, 3) → the same at the resized size, contiguous.

        The first frame decides the size: a video that changes its own midway is warped to it.
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
    """The image as it comes back from a JPEG of this quality (1 to 100, Pillow's scale).

    The peers write frames as JPEG before they resize, which moves features by up to 30 %.
    """
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")
