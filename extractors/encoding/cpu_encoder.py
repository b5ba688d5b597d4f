"""The network on the CPU: every calling thread runs its own clips on one core.

Several threads of one core each do more than one clip on several cores: a clip's layers are too
small to share, and no core ever waits for another.
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
from c2fpl.extractors.encoding.network import PIXEL_CHANNELS, integers
from c2fpl.extractors.encoding.packed import pack
from c2fpl.extractors.encoding.shared_stem import SharedStem, take_stem
from c2fpl.extractors.settings import Crops


class CpuEncoder:
    """A network in its fast form on the CPU; satisfies SegmentEncoder."""

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
        self._dtype = next(network.parameters()).dtype
        self._network = pack(network, self._shape(backbone)) if has_onednn() else network
        self._stem: SharedStem | None = None
        if backbone.cpu_shares_stem:
            self._stem = SharedStem(take_stem(self._network), backbone.crop_pixels)
        self._backbone = backbone
        self._usual_threads = torch.get_num_threads()

    def encode(self, segments: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Features (segments, crops, dim) of uint8 RGB frames (16, height, width, 3) each."""
        features = np.empty((len(segments), self.crops, self.dim), np.float32)
        with one_thread(self._usual_threads), torch.inference_mode():
            for row, frames in zip(features, segments, strict=True):
                writable = np.require(frames, requirements=["C", "W"])  # torch takes no other
                row[:] = self._encode_one(torch.from_numpy(writable)).float().numpy()
        return features

    def _encode_one(self, frames: torch.Tensor) -> torch.Tensor:
        """Features (crops, dim) of one segment.

        A forward pass holds crops of one segment only, always the same ones: that is why features
        do not depend on the batch.
        """
        pixels = integers(frames[clip_indices(self._backbone)], self._backbone, self._dtype)
        _, height, width, _ = frames.shape
        boxes = crop_boxes(
            *(height, width, self._backbone.crop_pixels, self.crops),
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
        """Of the clips of a forward pass."""
        side = backbone.crop_pixels
        return torch.Size((self._clips, PIXEL_CHANNELS, backbone.clip_frames, side, side))


def has_onednn() -> bool:
    """Whether this PyTorch has the library whose convolutions are packed."""
    return bool(torch._C._has_mkldnn)


def clip_indices(backbone: Backbone) -> list[int]:
    """Indices of the frames given to the network: all 16, or evenly spread ones (0 to 15).

    One frame is that in the middle. VadCLIP does not say which one of 16 it takes.

    Source: pytorchvideo's uniform_temporal_subsample, floor of linspace(0, 15, clip_frames).
    """
    if backbone.clip_frames == 1:
        return [8]
    last = backbone.clip_frames - 1
    return [15 * i // last for i in range(backbone.clip_frames)]


@contextmanager
def one_thread(usual: int) -> Iterator[None]:
    """Runs the calling thread's torch operations on one core, and gives it back its `usual` ones.

    PyTorch keeps this number per thread, next to a default for threads to come.
    """
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(usual)
