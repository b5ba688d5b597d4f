"""Runs the network on the CPU: each calling thread runs its own clips on one core.

This is faster than one clip on several cores: the layers of a clip are too small to divide, and no
core waits for another.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx

from c2fpl.extractors.backbones.catalogue import Backbone
from c2fpl.extractors.encoding.crops import crop_boxes, cut
from c2fpl.extractors.encoding.held_frames import HeldFrames, HostFrames, on_host
from c2fpl.extractors.encoding.network import PIXEL_CHANNELS, IntegerPixels
from c2fpl.extractors.encoding.packed import pack
from c2fpl.extractors.encoding.shared_stem import SharedStem, take_stem
from c2fpl.extractors.settings import Crops


class CpuEncoder(HostFrames):
    """A network in its fast form on the CPU."""

    def __init__(
        self,
        network: fx.GraphModule,
        backbone: Backbone,
        crops: Crops,
        *,
        precision: str,
        weights_sha256: str,
        threads: int,
        segments_per_batch: int,
    ) -> None:
        self.crops = crops
        self.dim = backbone.dim
        self.short_side_pixels = backbone.short_side_pixels
        self.segments_per_batch = segments_per_batch
        self.threads = threads
        self.precision = precision
        self.weights_sha256 = weights_sha256
        self._clips = math.gcd(crops, backbone.cpu_clips)
        self._integers = IntegerPixels(backbone, next(network.parameters()).dtype)
        self._network = pack(network, self._shape(backbone)) if has_onednn() else network
        self._stem: SharedStem | None = None
        if backbone.cpu_shares_stem:
            self._stem = SharedStem(take_stem(self._network), backbone.crop_pixels)
        self._backbone = backbone
        self._usual_threads = torch.get_num_threads()

    def encode(self, segments: Sequence[HeldFrames]) -> NDArray[np.float32]:
        """Features (segments, crops, dim) of segments of uint8 RGB (16, height, width, 3)."""
        features = np.empty((len(segments), self.crops, self.dim), np.float32)
        with one_thread(self._usual_threads), torch.inference_mode():
            for row, frames in zip(features, map(on_host, segments), strict=True):
                writable = np.require(frames, requirements=["C", "W"])  # required by from_numpy
                row[:] = self._encode_one(torch.from_numpy(writable)).float().numpy()
        return features

    def _encode_one(self, frames: torch.Tensor) -> torch.Tensor:
        """Features (crops, dim) of one segment.

        A forward pass always holds the same group of crops, all of one segment. Features therefore
        do not depend on the batch.
        """
        pixels = self._integers(frames[clip_indices(self._backbone)])
        _, height, width, _ = frames.shape
        boxes = crop_boxes(
            height,
            width,
            self._backbone.crop_pixels,
            self.crops,
            centre_first=self._backbone.centre_first,
        )
        cut_crops = (
            partial(self._stem.crops, self._stem.share(pixels, boxes))
            if self._stem
            else partial(cut, pixels)
        )
        groups = (boxes[i : i + self._clips] for i in range(0, self.crops, self._clips))
        return torch.cat([self._network(cut_crops(group)) for group in groups])

    def _shape(self, backbone: Backbone) -> torch.Size:
        """Input shape of a forward pass."""
        side = backbone.crop_pixels
        return torch.Size((self._clips, PIXEL_CHANNELS, backbone.clip_frames, side, side))


def has_onednn() -> bool:
    """Whether this build of PyTorch includes oneDNN, which `packed` needs."""
    return bool(torch._C._has_mkldnn)


def clip_indices(backbone: Backbone) -> list[int]:
    """Indices (0 to 15) of the network's input frames: all 16, or evenly spaced ones.

    A network of one frame gets the middle one. VadCLIP does not say which of the 16 it uses.

    Source: pytorchvideo's uniform_temporal_subsample, floor of linspace(0, 15, clip_frames).
    """
    if backbone.clip_frames == 1:
        return [8]
    last = backbone.clip_frames - 1
    return [15 * i // last for i in range(backbone.clip_frames)]


@contextmanager
def one_thread(usual: int) -> Iterator[None]:
    """Runs torch operations of the calling thread on one core, then restores its `usual` number.

    PyTorch stores this number per thread.
    """
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(usual)
