"""Frames of a segment as an encoder holds them until it encodes them: on the host or on a GPU."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from c2fpl.extractors.decoding.resizing import PendingResize


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


class HostFrames:
    """How an encoder on the CPU receives frames; a part of SegmentEncoder."""

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
