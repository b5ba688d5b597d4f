"""Encodes segments on a GPU: frames are copied there once, cropped there, and run in batches."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx

from c2fpl.extractors.backbones.catalogue import Backbone
from c2fpl.extractors.decoding.resizing import PendingResize
from c2fpl.extractors.encoding.gpu.clips import ClipCutter
from c2fpl.extractors.encoding.gpu.device import CudaDevice
from c2fpl.extractors.encoding.gpu.device_resize import DeviceResize
from c2fpl.extractors.encoding.gpu.startup import Startup
from c2fpl.extractors.encoding.held_frames import DeviceFrames, HeldFrames, SegmentEncoder
from c2fpl.extractors.encoding.network import IntegerPixels
from c2fpl.extractors.settings import Crops

Result = TypeVar("Result")


class CudaEncoder(SegmentEncoder):
    """A network in its fast form on one GPU.

    One thread computes, and owns everything on the GPU: PyTorch keeps the kernels that cuDNN has
    chosen per thread, so that two callers cannot end up with different ones. Meanwhile `take`
    copies frames in the thread that calls it, and a thread that called `encode` waits for its
    features. Two such threads keep the GPU busy: the kernels of one call are queued before those of
    the other have ended.
    """

    threads = 2
    resizes_frames = True

    def __init__(
        self,
        network: fx.GraphModule,
        backbone: Backbone,
        crops: Crops,
        *,
        device: CudaDevice,
        precision: str,
        weights_sha256: str,
        batch_size: int | None,
        max_error: float,
    ) -> None:
        self.crops = crops
        self.dim = backbone.dim
        self.short_side_pixels = backbone.short_side_pixels
        self.precision = precision
        self.weights_sha256 = weights_sha256
        self._backbone = backbone
        self._device = device
        self._thread = ThreadPoolExecutor(1, "gpu")
        self._compute(device.use)
        startup = Startup(
            network, backbone, crops, device, batch_size=batch_size, max_error=max_error
        )
        self._network, check = self._compute(partial(startup.run, precision))
        self.segments_per_batch = max(1, self._network.clips // crops)
        self.facts = {**device.facts(), **asdict(check)}
        self._resize = DeviceResize(device.device)
        self._integers = IntegerPixels(backbone, self._network.dtype, device.device)

    def pin(self, memory: NDArray[np.uint8]) -> Callable[[], None]:
        """Pin memory, from which `take` then copies without help of the CPU."""
        return self._device.pin(memory)

    def take(self, frames: NDArray[np.uint8], resize: PendingResize | None = None) -> DeviceFrames:
        """Copy uint8 RGB (16, height, width, 3) to the GPU; the array may be changed afterwards."""
        return DeviceFrames(self._device.upload(frames), resize)

    def encode(self, segments: Sequence[HeldFrames]) -> NDArray[np.float32]:
        """Features (segments, crops, dim) of segments of uint8 RGB (16, height, width, 3)."""
        if not segments:
            return np.empty((0, self.crops, self.dim), np.float32)
        held = [s if isinstance(s, DeviceFrames) else self.take(s) for s in segments]
        features = self._compute(partial(self._features, held))()
        self.segments_per_batch = max(1, self._network.clips // self.crops)
        return features.numpy().reshape(len(segments), self.crops, self.dim)

    def _compute(self, work: Callable[[], Result]) -> Result:
        """The result of a function that runs in the thread, in inference mode."""

        def in_inference_mode() -> Result:
            with torch.inference_mode():
                return work()

        return self._thread.submit(in_inference_mode).result()

    def _features(self, segments: Sequence[DeviceFrames]) -> Callable[[], torch.Tensor]:
        """Queue all work on the segments; the result waits for float32 (clips, dim) features."""
        cutter = ClipCutter(segments, self._resize, self._integers, self._backbone, self.crops)
        return self._device.download(self._network(cutter))
