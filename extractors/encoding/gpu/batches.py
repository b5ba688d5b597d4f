"""Runs a network on batches of one fixed size, which a device captures once and runs again."""

import copy
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import fx
from torch.utils._python_dispatch import TorchDispatchMode

from c2fpl.extractors.encoding.gpu.clips import ClipCutter
from c2fpl.extractors.encoding.gpu.device import CudaDevice

logger = logging.getLogger(__name__)

MOST_CLIPS = 160
"""Clips of a batch at most; more make no GPU faster."""
FEWEST_CLIPS = 8
"""Clips of the smallest batch that is measured."""
GAIN_WORTH_A_STEP = 1.03
"""A batch twice as large must be 3 % faster per clip; otherwise the smaller one is kept."""
MOST_ELEMENTS = 2**31 - 1
"""Elements of a tensor that cuDNN can index: it has no kernel for larger ones."""


@dataclass(frozen=True)
class _Captured:
    """A batch in place, and the pass that reads it."""

    clips: torch.Tensor
    """(clips, frames, height, width, 4)."""
    run: Callable[[], torch.Tensor]
    """Features (clips, dim) of the batch; the next run overwrites them."""


class BatchedNetwork:
    """A network on a device that takes a fixed number of clips, fewer when memory runs out.

    Args:
        network: maps (clips, 4, frames, height, width) to features (clips, dim).
        clip_shape: frames, height, width, 4.
        device: where it runs.
        clips: clips of a batch.
    """

    def __init__(
        self, network: fx.GraphModule, clip_shape: Sequence[int], device: CudaDevice, *, clips: int
    ) -> None:
        self._network = network
        self._clip_shape = tuple(clip_shape)
        self._device = device
        self.dtype = next(network.parameters()).dtype
        self._captured: _Captured | None = None
        self.clips = clips

    def __call__(self, cutter: ClipCutter) -> torch.Tensor:
        """Float32 features (clips, dim) of all clips of the cutter, in order."""
        features: list[torch.Tensor] = []
        first = 0
        while first < len(cutter):
            rows = self._with_room(partial(self._rows, cutter, first))
            features.append(rows)
            first += len(rows)
        return torch.cat(features)

    def repeated(self, clip: torch.Tensor) -> tuple[torch.Tensor, float]:
        """Features (clips, dim) of a batch of equal clips (1, ...), and seconds of its pass."""
        rows = self._with_room(partial(self._repeated, clip))
        return rows, self._device.seconds(self._ready().run)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """A batch (clips, frames, height, width, 4) to features (clips, dim).

        cuDNN benchmarks its kernels and never uses TF32.
        """
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
            features: torch.Tensor = self._network(batch.permute(0, 4, 1, 2, 3))
            return features

    def empty_batch(self, clips: int) -> torch.Tensor:
        """Zeros (clips, *clip_shape)."""
        shape = (clips, *self._clip_shape)
        return torch.zeros(shape, dtype=self.dtype, device=self._device.device)

    def seconds(self, clips: int) -> float:
        """Seconds of one pass of `clips` clips, after a pass in which cuDNN chooses kernels."""
        batch = self.empty_batch(clips)
        self._device.seconds(lambda: self.forward(batch))
        return self._device.seconds(lambda: self.forward(batch))

    def _with_room(self, work: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Features (clips, dim) by `work`, tried with smaller batches while memory runs out."""
        while True:
            try:
                return work()
            except torch.OutOfMemoryError:
                if self.clips == 1:
                    raise
            self._halve()  # outside of the except: its traceback holds the activations

    def _rows(self, cutter: ClipCutter, first: int) -> torch.Tensor:
        """Features (clips, dim) of the clips from `first` on that fit into a batch."""
        ready = self._ready()
        count = cutter.fill(ready.clips, first)
        return ready.run()[:count].to(torch.float32, copy=True)

    def _repeated(self, clip: torch.Tensor) -> torch.Tensor:
        """Float32 features (clips, dim) of a batch of equal clips (1, frames, height, width, 4)."""
        ready = self._ready()
        ready.clips.copy_(clip)
        return ready.run().to(torch.float32, copy=True)

    def _ready(self) -> _Captured:
        if self._captured is None:
            batch = self.empty_batch(self.clips)
            self._captured = _Captured(batch, self._capture(batch))
        return self._captured

    def _capture(self, batch: torch.Tensor) -> Callable[[], torch.Tensor]:
        """A pass over a batch (clips, frames, height, width, 4), as a graph where that works."""
        try:
            return self._device.capture(self.forward, batch)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:200]
            logger.warning("no CUDA graph (%s): starting the kernels one by one", reason)
            return lambda: self.forward(batch)

    def _halve(self) -> None:
        self._captured = None
        self.clips //= 2
        logger.warning("out of GPU memory: continuing with %d clips at a time", self.clips)
        self._device.free_memory()


def clip_counts(crops: int, most: int) -> list[int]:
    """Batch sizes to measure, smallest first: whole segments, each twice the one before."""
    counts = [crops]
    while counts[0] < FEWEST_CLIPS:
        counts[0] *= 2
    while 2 * counts[-1] <= min(most, MOST_CLIPS):
        counts.append(2 * counts[-1])
    return counts


def fastest_clip_count(seconds_of: Callable[[int], float], counts: Sequence[int]) -> int:
    """The smallest batch size that is within 3 % of the speed per clip of twice that size.

    The first size that fails ends the search: too little memory, or no kernel for such a batch.
    """
    best, best_rate = counts[0], 0.0
    for clips in counts:
        try:
            rate = clips / seconds_of(clips)
        except RuntimeError as error:
            logger.debug("a batch of %d clips fails: %s", clips, error)
            break
        if rate < GAIN_WORTH_A_STEP * best_rate:
            break
        best, best_rate = clips, rate
    return best


def most_clips(network: fx.GraphModule, clip_shape: Sequence[int]) -> int:
    """The most clips of which every tensor of a pass has at most MOST_ELEMENTS elements.

    Args:
        network: maps (clips, 4, frames, height, width) to features.
        clip_shape: frames, height, width, 4.
    """
    skeleton = copy.deepcopy(network).to("meta")
    dtype = next(network.parameters()).dtype
    clip = torch.empty((1, *clip_shape), dtype=dtype, device="meta")
    largest = _LargestTensor()  # type: ignore[no-untyped-call]  # untyped in torch
    with largest:
        skeleton(clip.permute(0, 4, 1, 2, 3))
    return max(1, MOST_ELEMENTS // largest.elements)


class _LargestTensor(TorchDispatchMode):  # type: ignore[no-untyped-call]  # untyped in torch
    """Notes the size of the largest tensor that an operation gives."""

    elements: int = 1

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor):
            self.elements = max(self.elements, out.numel())
        return out
