"""The one interface to all backbones and devices, and the frames that its encoders hold."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from c2fpl.extractors.decoding.resizing import PendingResize
from c2fpl.extractors.settings import Crops


@dataclass(frozen=True, eq=False)
class DeviceFrames:
    """Frames that have been copied to a GPU."""

    frames: torch.Tensor
    """RGB, uint8 (16, height, width, 3), on the GPU."""
    resize: PendingResize | None = None
    """The resize that they still need."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels after the resize."""
        if self.resize is not None:
            return self.resize.height_pixels, self.resize.width_pixels
        return self.frames.shape[1], self.frames.shape[2]


HeldFrames: TypeAlias = NDArray[np.uint8] | DeviceFrames
"""An array is RGB, uint8 (16, height, width, 3), of the size that the encoder expects."""


def on_host(frames: HeldFrames) -> NDArray[np.uint8]:
    """The frames of an encoder that runs on the CPU."""
    assert isinstance(frames, np.ndarray)
    return frames


class SegmentEncoder(ABC):
    """Computes features of segments. `encode` may be called from `threads` threads at once.

    Features do not depend on the other segments of a call. On the CPU they are bit-identical.
    """

    crops: Crops
    """Crops of a segment: 10, 5 or 1."""
    dim: int
    """Length of a feature vector."""
    short_side_pixels: int
    """Short side of the frames that `encode` expects."""
    segments_per_batch: int
    """Best number of segments per call of `encode`; smaller after memory of a GPU ran out."""
    threads: int
    """Number of threads that keep the device busy when each calls `encode`."""
    precision: str
    """Arithmetic of the network: fp32, bf16 or fp16."""
    weights_sha256: str | None
    """SHA-256 of the weights file; None for a backbone without weights."""
    facts: Mapping[str, object] = MappingProxyType({})
    """The GPU and how the network runs on it, for run.json; empty on the CPU."""
    resizes_frames: bool
    """Whether `take` accepts frames that still need a resize."""

    @abstractmethod
    def pin(self, memory: NDArray[np.uint8]) -> Callable[[], None]:
        """Pin memory from which frames are taken, if that is faster; the result undoes it."""

    @abstractmethod
    def take(self, frames: NDArray[np.uint8], resize: PendingResize | None = None) -> HeldFrames:
        """Copy uint8 RGB (16, height, width, 3) to the encoder; the memory may be reused."""

    @abstractmethod
    def encode(self, segments: Sequence[HeldFrames]) -> NDArray[np.float32]:
        """Features (segments, crops, dim) of segments of uint8 RGB (16, height, width, 3)."""


class HostFrames(SegmentEncoder):
    """An encoder on the CPU: how it receives frames."""

    resizes_frames = False

    def pin(self, memory: NDArray[np.uint8]) -> Callable[[], None]:
        """Does nothing: the CPU reads all memory alike."""
        return lambda: None

    def take(
        self, frames: NDArray[np.uint8], resize: PendingResize | None = None
    ) -> NDArray[np.uint8]:
        """Copy uint8 RGB (16, height, width, 3), which must have its final size."""
        assert resize is None
        return frames.copy()
