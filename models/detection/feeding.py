"""Moves batches of segments to the device: read ahead from the source, or kept in GPU memory."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from c2fpl.models.sources import SegmentSource

_LOADING_THREADS = 4  # four saturate the disk; more only cost memory
_BATCHES_AHEAD = 8
_RESIDENT_SHARE = 0.6  # of the free GPU memory
_UPLOAD_SEGMENTS = 1024


class Feeder(Protocol):
    """Provides batches of segments in the requested order."""

    @property
    def crops(self) -> int:
        """Crops per segment."""

    @property
    def dim(self) -> int:
        """Values per crop."""

    def __len__(self) -> int:
        """Number of segments of all videos."""

    def batches(self, batches: Sequence[NDArray[np.int64]]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields (n, crops, dim) float32 features and (n,) segment numbers of each batch."""


def feeder_for(source: SegmentSource, device: torch.device) -> "StreamedFeeder | ResidentFeeder":
    """Chooses GPU memory if the whole source fits in it, else reading ahead by threads."""
    needed_bytes = len(source) * source.crops * source.dim * source.dtype.itemsize
    if device.type == "cuda":
        free_bytes, _ = torch.cuda.mem_get_info(device)
        if needed_bytes <= _RESIDENT_SHARE * free_bytes:
            return ResidentFeeder(source, device)
    return StreamedFeeder(source, device)


class StreamedFeeder:
    """Reads batches from the source in threads, a few ahead of the current one."""

    def __init__(self, source: SegmentSource, device: torch.device) -> None:
        self.crops, self.dim = source.crops, source.dim
        self._source = source
        self._device = device

    def __len__(self) -> int:
        return len(self._source)

    def batches(self, batches: Sequence[NDArray[np.int64]]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields (n, crops, dim) float32 features and (n,) segment numbers of each batch."""
        ahead: deque[Future[NDArray[np.float32]]] = deque()
        with ThreadPoolExecutor(_LOADING_THREADS) as pool:
            try:
                for number, batch in enumerate(batches):
                    for coming in batches[number + len(ahead) : number + _BATCHES_AHEAD]:
                        ahead.append(pool.submit(self._source.gather, coming))
                    features = torch.from_numpy(ahead.popleft().result())
                    yield features.to(self._device), torch.from_numpy(batch).to(self._device)
            finally:
                pool.shutdown(cancel_futures=True)


class ResidentFeeder:
    """Keeps the whole source on the device, in its stored type."""

    def __init__(self, source: SegmentSource, device: torch.device) -> None:
        self.crops, self.dim = source.crops, source.dim
        dtype = torch.float16 if source.dtype == np.float16 else torch.float32
        shape = (len(source), source.crops, source.dim)
        self._features = torch.empty(shape, dtype=dtype, device=device)
        every = np.arange(len(source))
        blocks = np.split(every, range(_UPLOAD_SEGMENTS, len(every), _UPLOAD_SEGMENTS))
        for features, block in StreamedFeeder(source, device).batches(blocks):
            self._features[block] = features.to(dtype)

    def __len__(self) -> int:
        return len(self._features)

    def batches(self, batches: Sequence[NDArray[np.int64]]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yields (n, crops, dim) float32 features and (n,) segment numbers of each batch."""
        for batch in batches:
            index = torch.from_numpy(batch).to(self._features.device, non_blocking=True)
            yield self._features[index].float(), index
