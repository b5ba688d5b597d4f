"""The first convolution of all crops of a segment, computed once where they overlap.

Ten crops of 224x224 in frames of 341x256 contain every pixel almost six times. Where the kernel
stays inside a crop, the crop's map is a slice of the map of the whole frame. Along the edges of the
crop, where its zero padding matters, thin strips are convolved again. The features are the same as
those of separate crops.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import fx, nn

from c2fpl.extractors.encoding.crops import CropBox
from c2fpl.extractors.encoding.packed import PackedConvolution

Convolution: TypeAlias = nn.Conv3d | PackedConvolution
HEIGHT, WIDTH = 1, 2
"""Axes of pixels (frames, height, width, channels); in a map they come two later."""


@dataclass(frozen=True)
class Sliding:
    """A convolution along an axis of `pixels`, and which of its outputs depend on the padding."""

    kernel: int
    stride: int
    padding: int
    pixels: int

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return (self.pixels + 2 * self.padding - self.kernel) // self.stride + 1

    @property
    def head(self) -> int:
        """Number of outputs at the start that depend on the padding."""
        return -(-self.padding // self.stride)

    @property
    def head_pixels(self) -> int:
        """Number of pixels at the start on which those outputs depend."""
        return min(self.pixels, (self.head - 1) * self.stride + self.kernel - self.padding)

    @property
    def tail(self) -> int:
        """Number of outputs at the end that depend on the padding."""
        return self.outputs - (self.pixels + self.padding - self.kernel) // self.stride - 1

    @property
    def tail_pixels(self) -> int:
        """Number of pixels at the end on which those depend, rounded up to the stride grid."""
        first_seen = max(0, (self.outputs - self.tail) * self.stride - self.padding)
        return self.pixels - first_seen // self.stride * self.stride


@dataclass(frozen=True)
class SharedMap:
    """The output of the stem on a rectangle of the frames that contains several crops."""

    values: torch.Tensor
    """(1, channels, frames, height, width), channels last."""
    pixels: torch.Tensor
    """(frames, height, width, channels): the rectangle, mirrored if its crops are."""
    places: Mapping[CropBox, tuple[int, int]]
    """Top and left of each crop inside the rectangle."""


class SharedStem:
    """A network's first convolution on square crops of the same frames."""

    def __init__(self, stem: Convolution, crop_pixels: int) -> None:
        self._stem = stem
        self._crop_pixels = crop_pixels
        self._sliding = {
            axis: Sliding(
                stem.kernel_size[axis], stem.stride[axis], int(stem.padding[axis]), crop_pixels
            )
            for axis in (HEIGHT, WIDTH)
        }

    def share(self, frames: torch.Tensor, boxes: Sequence[CropBox]) -> list[SharedMap]:
        """The maps of frames (frames, height, width, channels) that contain these crops.

        Crops share a map if both or neither are mirrored and both are on the same stride grid.
        """
        width = frames.shape[WIDTH]
        alike: dict[tuple[bool, int, int], dict[CropBox, tuple[int, int]]] = {}
        for box in boxes:
            left = width - box.pixels - box.left if box.mirrored else box.left
            grid = (box.top % self._sliding[HEIGHT].stride, left % self._sliding[WIDTH].stride)
            alike.setdefault((box.mirrored, *grid), {})[box] = (box.top, left)
        mirrored = frames.flip(WIDTH) if any(box.mirrored for box in boxes) else frames
        return [
            self._rectangle(mirrored if key[0] else frames, places) for key, places in alike.items()
        ]

    def crops(self, shared: Sequence[SharedMap], boxes: Sequence[CropBox]) -> torch.Tensor:
        """The maps of these crops: (crops, channels, frames, height, width), channels last."""
        of = {box: one for one in shared for box in one.places}
        cut = torch.cat([self._cut(of[box], box) for box in boxes])
        for index, box in enumerate(boxes):
            self._mend_edges(cut[index : index + 1], of[box], box)
        return cut

    def _rectangle(
        self, frames: torch.Tensor, places: Mapping[CropBox, tuple[int, int]]
    ) -> SharedMap:
        """Runs the stem on the smallest part of (frames, height, width, 4) around some crops."""
        tops, lefts = zip(*places.values(), strict=True)
        top, left, side = min(tops), min(lefts), self._crop_pixels
        pixels = frames[:, top : max(tops) + side, left : max(lefts) + side]
        inside = {box: (y - top, x - left) for box, (y, x) in places.items()}
        return SharedMap(self._convolve(pixels), pixels, inside)

    def _cut(self, shared: SharedMap, box: CropBox) -> torch.Tensor:
        """The slice of a map that belongs to one crop: (1, channels, frames, height, width)."""
        cut = shared.values
        for axis, start in zip((HEIGHT, WIDTH), shared.places[box], strict=True):
            sliding = self._sliding[axis]
            cut = cut.narrow(axis + 2, start // sliding.stride, sliding.outputs)
        return cut

    def _mend_edges(self, crop: torch.Tensor, shared: SharedMap, box: CropBox) -> None:
        """Recomputes, in place, the edges of a crop (1, channels, frames, height, width).

        Only those beyond which the rectangle continues.
        """
        top, left = shared.places[box]
        side = self._crop_pixels
        pixels = shared.pixels[:, top : top + side, left : left + side]
        for axis, start in ((HEIGHT, top), (WIDTH, left)):
            sliding = self._sliding[axis]
            if start > 0 and sliding.head:
                strip = self._convolve(pixels.narrow(axis, 0, sliding.head_pixels))
                crop.narrow(axis + 2, 0, sliding.head).copy_(
                    strip.narrow(axis + 2, 0, sliding.head)
                )
            if start + side < shared.pixels.shape[axis] and sliding.tail:
                first = side - sliding.tail_pixels
                strip = self._convolve(pixels.narrow(axis, first, sliding.tail_pixels))
                crop.narrow(axis + 2, sliding.outputs - sliding.tail, sliding.tail).copy_(
                    strip.narrow(axis + 2, strip.shape[axis + 2] - sliding.tail, sliding.tail)
                )

    def _convolve(self, pixels: torch.Tensor) -> torch.Tensor:
        """Runs the stem on pixels (frames, height, width, channels) as one clip."""
        clip = pixels[None].permute(0, 4, 1, 2, 3)
        out: torch.Tensor = self._stem(clip.contiguous(memory_format=torch.channels_last_3d))
        return out


def take_stem(network: fx.GraphModule) -> Convolution:
    """Removes and returns the first convolution; the network then starts from its output."""
    graph = network.graph
    pixels = next(node for node in graph.nodes if node.op == "placeholder")
    (first,) = pixels.users
    stem = network.get_submodule(str(first.target))
    assert isinstance(stem, nn.Conv3d | PackedConvolution)
    first.replace_all_uses_with(pixels)
    graph.erase_node(first)
    network.delete_all_unused_submodules()
    network.recompile()
    return stem
