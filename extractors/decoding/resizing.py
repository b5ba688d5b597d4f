"""Resizes decoded frames with Pillow, as torchvision's Resize does on images."""

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from c2fpl.extractors.decoding.header import MAX_ASPECT
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


@dataclass(frozen=True)
class PendingResize:
    """A resize that is still to be done, by whoever receives the frames."""

    width_pixels: int
    height_pixels: int
    interpolation: Interpolation


def pending_resize(
    width_pixels: int, height_pixels: int, settings: DecodingSettings, short_side_pixels: int
) -> PendingResize | None:
    """The resize that frames of this size still need; None if they have their final size.

    Frames are left unresized only while they have the size of the video's first frame, so their
    size decides. Resizing by `resized_size` twice is the same as once.
    """
    size = resized_size(
        width_pixels, height_pixels, resize=settings.resize, short_side_pixels=short_side_pixels
    )
    return (
        None
        if size == (width_pixels, height_pixels)
        else PendingResize(*size, settings.interpolation)
    )


class FrameResizer:
    """Resizes all frames of one video to the same size.

    Args:
        settings: size, kernel, JPEG step.
        short_side_pixels: short side after the resize.
        leave_small_frames: return frames of the first frame's size as they are if they are no
            larger than resized ones; they are resized elsewhere.
    """

    def __init__(
        self,
        settings: DecodingSettings,
        short_side_pixels: int,
        *,
        leave_small_frames: bool = False,
    ) -> None:
        self._settings = settings
        self._short_side_pixels = short_side_pixels
        self._leave_small_frames = leave_small_frames and settings.jpeg_quality is None
        self._size: tuple[int, int] | None = None
        self._left: tuple[int, ...] | None = None
        """Shape of the frames that are returned as they are."""

    def __call__(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Resize a frame: RGB uint8 (height, width, 3), values 0 to 255; the result is contiguous.

        The first frame determines the size. If the frame size changes midway, frames are warped.
        """
        if self._size is None:
            self._size = self._begin(frame)
        if frame.shape == self._left:
            return np.ascontiguousarray(frame)
        image = Image.fromarray(frame)
        if self._settings.jpeg_quality is not None:
            image = jpeg_round_trip(image, self._settings.jpeg_quality)
        return np.asarray(image.resize(self._size, KERNELS[self._settings.interpolation]))

    def _begin(self, frame: NDArray[np.uint8]) -> tuple[int, int]:
        """The size of all frames by the first (height, width, 3), which decides what is left."""
        height, width = frame.shape[:2]
        resize, short_side = self._settings.resize, self._short_side_pixels
        size = resized_size(width, height, resize=resize, short_side_pixels=short_side)
        is_small = width * height <= size[0] * size[1]
        if self._leave_small_frames and is_small and is_usual_shape(width, height):
            self._left = frame.shape
        return size


class OneSize:
    """Gives the frames of every segment of one video one size.

    Frames left unresized by `FrameResizer` share segments with resized ones only where the frame
    size of the video changes.
    """

    def __init__(self, settings: DecodingSettings, short_side_pixels: int) -> None:
        self._resizer = FrameResizer(settings, short_side_pixels)
        self._first: NDArray[np.uint8] | None = None

    def __call__(self, frames: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
        """The frames of the next segment; they are resized if they differ in size."""
        if self._first is None:
            self._first = frames[0]
        if len({frame.shape for frame in frames}) == 1:
            return frames
        self._resizer(self._first)  # its size decides
        return [self._resizer(frame) for frame in frames]


def is_usual_shape(width_pixels: int, height_pixels: int) -> bool:
    """Whether the long side is at most MAX_ASPECT times the short one."""
    short, long = sorted((width_pixels, height_pixels))
    return 0 < long <= MAX_ASPECT * short


def jpeg_round_trip(image: Image.Image, quality: int) -> Image.Image:
    """Encode and decode the image as JPEG of this quality (1 to 100, Pillow's scale).

    Other extractors save frames as JPEG before resizing, which changes features by up to 30 %.
    """
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")
