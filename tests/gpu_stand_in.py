"""The CPU in place of a GPU: keeps what is asked of it, and by which thread."""

import threading
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from c2fpl.extractors.backbones.catalogue import Backbone
from c2fpl.extractors.encoding.gpu.cuda_encoder import CudaEncoder
from c2fpl.extractors.encoding.gpu.device import CudaDevice, Network
from c2fpl.extractors.encoding.network import fast_form
from c2fpl.extractors.settings import Crops
from tiny import TINY, with_copied_weights


class GpuStandIn(CudaDevice):
    """A device on the CPU."""

    def __init__(self, *, seconds: Sequence[float] = ()) -> None:
        self.device = torch.device("cpu")
        self.threads: dict[str, list[int]] = defaultdict(list)
        """By operation, the thread of each of its calls."""
        self.pinned: list[tuple[int, int]] = []
        """Addresses and lengths of the memory pinned now."""
        self.uploads_from_pinned = 0
        self.on_free_memory: Callable[[], object] = lambda: None
        self._seconds = iter(seconds)

    def _note(self, operation: str) -> None:
        self.threads[operation].append(threading.get_ident())

    def use(self) -> None:
        self._note("use")

    def pin(self, memory: NDArray[np.uint8]) -> Callable[[], None]:
        pinned = (memory.ctypes.data, memory.nbytes)
        self.pinned.append(pinned)
        return lambda: self.pinned.remove(pinned)

    def upload(self, frames: NDArray[np.uint8]) -> torch.Tensor:
        self._note("upload")
        start, end = frames.ctypes.data, frames.ctypes.data + frames.nbytes
        self.uploads_from_pinned += any(
            first <= start and end <= first + length for first, length in self.pinned
        )
        return torch.from_numpy(frames.copy())

    def download(self, features: torch.Tensor) -> Callable[[], torch.Tensor]:
        self._note("download")
        host = features.clone()

        def wait() -> torch.Tensor:
            self._note("wait")
            return host

        return wait

    def capture(self, network: Network, clips: torch.Tensor) -> Callable[[], torch.Tensor]:
        """Like a graph: every run reads `clips` and overwrites the same features."""
        self._note("capture")
        features = network(clips).clone()

        def replay() -> torch.Tensor:
            self._note("replay")
            return features.copy_(network(clips))

        return replay

    def seconds(self, function: Callable[[], object]) -> float:
        function()
        return next(self._seconds, 1.0)

    def free_memory(self) -> None:
        self.on_free_memory()

    def facts(self) -> dict[str, object]:
        return {"gpu": "stand-in", "cuda": "0", "cudnn": 91300}


def gpu_encoder(
    network: nn.Module,
    device: GpuStandIn,
    *,
    crops: Crops = 10,
    batch_size: int | None = 2,
    max_error: float = 1e-3,
    backbone: Backbone = TINY,
) -> CudaEncoder:
    """The GPU's encoder of a tiny network."""
    return CudaEncoder(
        fast_form(with_copied_weights(network), backbone, torch.float32),
        backbone,
        crops,
        device=device,
        precision="fp32",
        weights_sha256="",
        batch_size=batch_size,
        max_error=max_error,
    )
