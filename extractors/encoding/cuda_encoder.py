"""Runs the network on a GPU: frames are copied once, cropped there, and run in large fixed batches.

Two threads may call `encode` at once: while one waits for its features, the frames of the other are
copied on a separate stream. Only `CudaEncoder` itself needs a GPU to be tested.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from c2fpl.extractors.backbones.catalogue import Backbone
from c2fpl.extractors.encoding.cpu_encoder import clip_indices
from c2fpl.extractors.encoding.crops import CropBox, crop_boxes, cut
from c2fpl.extractors.encoding.network import PIXEL_CHANNELS, integers
from c2fpl.extractors.settings import Crops

logger = logging.getLogger(__name__)

CLIP_COUNTS = (8, 16, 32, 64, 128, 256)
"""Clips per forward pass to try when the batch size is measured."""
GAIN_WORTH_A_STEP = 1.03
"""A batch twice as large must be 3 % faster per clip; otherwise the smaller one is kept."""


class CudaEncoder:
    """A network in its fast form on one GPU; implements SegmentEncoder."""

    threads = 2

    def __init__(
        self,
        network: nn.Module,
        backbone: Backbone,
        crops: Crops,
        *,
        device: torch.device,
        precision: str,
        weights_sha256: str,
        batch_size: int | None,
    ) -> None:
        self.crops = crops
        self.dim = backbone.dim
        self.short_side_pixels = backbone.short_side_pixels
        self.precision = precision
        self.weights_sha256 = weights_sha256
        self._backbone = backbone
        self._device = device
        self._dtype = next(network.parameters()).dtype
        self._copies = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # untyped in torch
        self._computing = threading.Lock()
        self._network = BatchedNetwork(network.to(device), clips=crops * (batch_size or 1))
        if batch_size is None:
            self._network.clips = fastest_clip_count(self._seconds)
        self.segments_per_batch = max(1, self._network.clips // crops)

    def encode(self, segments: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Features (segments, crops, dim) of segments of uint8 RGB (16, height, width, 3)."""
        with torch.cuda.device(self._device), torch.inference_mode():
            frames = self._on_device(segments)
            with self._computing:
                features = self._network(
                    ClipCutter(frames, self._backbone, self.crops, self._dtype)
                )
                host = torch.empty(features.shape, dtype=torch.float32, pin_memory=True)
                host.copy_(features, non_blocking=True)
                done = torch.cuda.Event()  # type: ignore[no-untyped-call]  # untyped in torch
                done.record()
            done.synchronize()
        return host.numpy().reshape(len(segments), self.crops, self.dim)

    def _on_device(self, segments: Sequence[NDArray[np.uint8]]) -> list[torch.Tensor]:
        """The input frames of the network on the GPU, copied while the other thread computes."""
        indices = clip_indices(self._backbone)
        pinned = [torch.from_numpy(frames[indices]).pin_memory() for frames in segments]
        with torch.cuda.stream(self._copies):
            frames = [host.to(self._device, non_blocking=True) for host in pinned]
        self._copies.synchronize()
        return frames

    def _seconds(self, clips: int) -> float:
        """Seconds of one forward pass of `clips` clips, after a warm-up pass."""
        backbone = self._backbone
        sides = (backbone.clip_frames, backbone.crop_pixels, backbone.crop_pixels, PIXEL_CHANNELS)
        batch = torch.zeros((clips, *sides), dtype=self._dtype, device=self._device)
        with torch.cuda.device(self._device), torch.inference_mode():
            for _ in range(2):
                torch.cuda.synchronize()
                start = time.perf_counter()
                self._network.forward(batch.permute(0, 4, 1, 2, 3))
                torch.cuda.synchronize()
                seconds = time.perf_counter() - start
        return seconds


class ClipCutter:
    """The clips of one call of `encode` in order: segment by segment, crop by crop."""

    def __init__(
        self,
        frames: Sequence[torch.Tensor],
        backbone: Backbone,
        crops: Crops,
        dtype: torch.dtype,
    ) -> None:
        self._frames = frames
        self._backbone = backbone
        self._dtype = dtype
        self._boxes = [
            (segment, box)
            for segment, one in enumerate(frames)
            for box in crop_boxes(
                one.shape[1],
                one.shape[2],
                backbone.crop_pixels,
                crops,
                centre_first=backbone.centre_first,
            )
        ]

    def __len__(self) -> int:
        return len(self._boxes)

    def clips(self, first: int, count: int) -> torch.Tensor:
        """Clips [first, first + count), (count, 3, frames, height, width) of the network's dtype.

        Beyond the end, the last clip is repeated.
        """
        numbers = [min(first + i, len(self) - 1) for i in range(count)]
        boxes: dict[int, list[CropBox]] = {}
        for segment, box in (self._boxes[number] for number in numbers):
            boxes.setdefault(segment, []).append(box)
        return torch.cat([self._cut(segment, tuple(own)) for segment, own in boxes.items()])

    def _cut(self, segment: int, boxes: tuple[CropBox, ...]) -> torch.Tensor:
        return cut(integers(self._frames[segment], self._backbone, self._dtype), boxes)


class BatchedNetwork:
    """Runs a network on a fixed number of clips at a time; halves it when memory runs out."""

    def __init__(self, network: nn.Module, *, clips: int) -> None:
        self._network = network
        self.clips = clips

    def __call__(self, cutter: ClipCutter) -> torch.Tensor:
        """Features (clips, dim) of all clips of the cutter, in order."""
        features: list[torch.Tensor] = []
        first = 0
        while first < len(cutter):
            count = self.clips
            try:
                rows = self.forward(cutter.clips(first, count))
            except torch.OutOfMemoryError:
                if count == 1:
                    raise
                self._halve()
                continue
            features.append(rows[: len(cutter) - first])
            first += count
        return torch.cat(features)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Clips (clips, 3, frames, height, width) to float32 features (clips, dim).

        cuDNN benchmarks its kernels and never uses TF32.
        """
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
            features: torch.Tensor = self._network(clips)
            return features.float()

    def _halve(self) -> None:
        self.clips //= 2
        logger.warning("out of GPU memory: continuing with %d clips at a time", self.clips)
        torch.cuda.empty_cache()


def fastest_clip_count(seconds_of: Callable[[int], float]) -> int:
    """The smallest batch size that is within 3 % of the speed per clip of twice that size."""
    best, best_rate = CLIP_COUNTS[0], 0.0
    for clips in CLIP_COUNTS:
        try:
            rate = clips / seconds_of(clips)
        except torch.OutOfMemoryError:
            break
        if rate < GAIN_WORTH_A_STEP * best_rate:
            break
        best, best_rate = clips, rate
    return best
