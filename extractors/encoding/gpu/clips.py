"""Cuts the clips of segments that are on a device into the network's input batches."""

from collections.abc import Sequence

import torch

from c2fpl.extractors.backbones.catalogue import Backbone
from c2fpl.extractors.encoding.cpu_encoder import clip_indices
from c2fpl.extractors.encoding.crops import crop_boxes, cut_one
from c2fpl.extractors.encoding.gpu.device_resize import DeviceResize
from c2fpl.extractors.encoding.held_frames import DeviceFrames
from c2fpl.extractors.encoding.network import IntegerPixels
from c2fpl.extractors.settings import Crops


class ClipCutter:
    """The clips of one call of `encode` in order: segment by segment, crop by crop.

    Args:
        segments: frames on the device.
        resize: resizes frames that still need it.
        integers: converts frames to pixels.
        backbone: the network's input.
        crops: crops of a segment.
    """

    def __init__(
        self,
        segments: Sequence[DeviceFrames],
        resize: DeviceResize,
        integers: IntegerPixels,
        backbone: Backbone,
        crops: Crops,
    ) -> None:
        self._segments = segments
        self._resize = resize
        self._integers = integers
        self._indices = clip_indices(backbone)
        self._boxes = [
            (segment, box)
            for segment, held in enumerate(segments)
            for box in crop_boxes(
                *held.size,
                backbone.crop_pixels,
                crops,
                centre_first=backbone.centre_first,
            )
        ]

    def __len__(self) -> int:
        """Number of clips."""
        return len(self._boxes)

    def fill(self, batch: torch.Tensor, first: int) -> int:
        """Write clips from number `first` on into a batch, as many as fit and exist.

        The batch is (clips, frames, height, width, 4) of the network's dtype.

        Returns:
            How many were written; the rest of the batch is as it was.
        """
        wanted = self._boxes[first : first + len(batch)]
        converted = -1
        for place, (segment, box) in zip(batch, wanted, strict=False):
            if segment != converted:
                pixels, converted = self._pixels(segment), segment
            place.copy_(cut_one(pixels, box))
        return len(wanted)

    def _pixels(self, segment: int) -> torch.Tensor:
        """The network's frames of a segment as (frames, height, width, 4)."""
        held = self._segments[segment]
        frames = held.frames
        if len(self._indices) < len(frames):  # not by an index tensor: its copy would wait
            frames = torch.stack([frames[index] for index in self._indices])
        if held.resize is not None:
            frames = self._resize(frames, held.resize)
        return self._integers(frames)
