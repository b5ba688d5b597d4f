"""Cuts the crops of torchvision's TenCrop from the frames of a segment, on the device.

The uint8 frames are copied to the device once and converted there (see network.py). Crops are
slices of the result.
"""

from dataclasses import dataclass

import torch

from c2fpl.errors import FramesTooSmall
from c2fpl.extractors.settings import Crops


@dataclass(frozen=True)
class CropBox:
    """A square of side `pixels` in the decoded frame, optionally mirrored after cutting."""

    top: int
    left: int
    pixels: int
    mirrored: bool = False


def crop_boxes(
    height: int, width: int, pixels: int, crops: Crops, *, centre_first: bool = False
) -> tuple[CropBox, ...]:
    """The boxes in torchvision's order: top left, top right, bottom left, bottom right, centre.

    With `centre_first` the centre comes before the corners, as in the features of XDVioDet. Ten
    crops are these five and the same five of the mirrored frame, whose top left corner is the
    mirrored top right corner of the frame. One crop is the centre.

    Source: torchvision.transforms.functional five_crop, ten_crop, center_crop.

    Raises:
        FramesTooSmall: the frame is smaller than the crop.
    """
    if min(height, width) < pixels:
        raise FramesTooSmall(
            f"frames of {width}x{height} are smaller than the crop of {pixels}x{pixels}:"
            f" resize their short side to at least {pixels}"
        )
    *corners, centre = five_boxes(height, width, pixels)
    if crops == 1:
        return (centre,)
    five = (centre, *corners) if centre_first else (*corners, centre)
    mirrored = tuple(
        CropBox(box.top, width - pixels - box.left, pixels, mirrored=True) for box in five
    )
    return five if crops == 5 else five + mirrored


def five_boxes(height: int, width: int, pixels: int) -> tuple[CropBox, ...]:
    """The corners and the centre."""
    bottom, right = height - pixels, width - pixels
    corners = ((0, 0), (0, right), (bottom, 0), (bottom, right))
    centre = (round(bottom / 2), round(right / 2))  # half to even, as in torchvision
    return tuple(CropBox(top, left, pixels) for top, left in (*corners, centre))


def cut(frames: torch.Tensor, boxes: tuple[CropBox, ...]) -> torch.Tensor:
    """Cuts the boxes out of frames (frames, height, width, channels).

    Returns (crops, channels, frames, pixels, pixels) in the memory format channels_last_3d.
    """
    return torch.stack([cut_one(frames, box) for box in boxes]).permute(0, 4, 1, 2, 3)


def cut_one(frames: torch.Tensor, box: CropBox) -> torch.Tensor:
    """Cuts one box out of the frames: (frames, pixels, pixels, channels)."""
    square = frames[:, box.top : box.top + box.pixels, box.left : box.left + box.pixels]
    return square.flip(2) if box.mirrored else square
