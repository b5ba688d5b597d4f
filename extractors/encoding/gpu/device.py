"""What the encoder asks of a GPU: copies beside the computation, graphs, clocks, pinned memory."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import torch
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

WARM_UP_PASSES = 3
"""Passes before a capture: cuDNN chooses kernels, which must not happen during the capture."""
PORTABLE = 1
"""cudaHostRegisterPortable: pinned for all GPUs."""

Network = Callable[[torch.Tensor], torch.Tensor]


class CudaDevice:
    """One NVIDIA GPU. Tests replace it by a subclass on the CPU."""

    def __init__(self, device: torch.device) -> None:
        index = torch.cuda.current_device() if device.index is None else device.index
        self.device = torch.device("cuda", index)
        self._copies = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]  # untyped in torch

    def use(self) -> None:
        """Make it the current device of the calling thread."""
        torch.cuda.set_device(self.device)

    def pin(self, memory: NDArray[np.uint8]) -> Callable[[], None]:
        """Register memory with CUDA. Where that fails, copies from it are staged by CUDA."""
        address = memory.ctypes.data
        cudart = torch.cuda.cudart()  # type: ignore[no-untyped-call]  # untyped in torch
        with torch.cuda.device(self.device):
            error = cudart.cudaHostRegister(address, memory.nbytes, PORTABLE)
        if error != cudart.cudaError.success:
            self._forget_error()
            logger.debug("memory was not pinned: cudaHostRegister gave %s", error)
            return lambda: None
        return lambda: cudart.cudaHostUnregister(address)

    def _forget_error(self) -> None:
        """Clear CUDA's last error, which the next kernel would otherwise report as its own."""
        with suppress(RuntimeError):
            torch.zeros(1, device=self.device).add_(1)

    def upload(self, frames: NDArray[np.uint8]) -> torch.Tensor:
        """Copy an array on a stream of its own, while the network runs on another.

        From pinned memory it is one transfer by the device.
        """
        host = torch.from_numpy(np.require(frames, requirements=["C", "W"]))
        with torch.cuda.stream(self._copies):
            uploaded = host.to(self.device, non_blocking=True)
        self._copies.synchronize()
        uploaded.record_stream(torch.cuda.default_stream(self.device))
        return uploaded

    def download(self, features: torch.Tensor) -> Callable[[], torch.Tensor]:
        """Start the copy of a tensor to pinned memory; the result sleeps until it is there."""
        host = torch.empty(features.shape, dtype=features.dtype, pin_memory=True)
        host.copy_(features, non_blocking=True)
        done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]  # untyped in torch
        done.record()

        def wait() -> torch.Tensor:
            done.synchronize()
            return host

        return wait

    def capture(self, network: Network, clips: torch.Tensor) -> Callable[[], torch.Tensor]:
        """Record a pass as a CUDA graph, which starts all its kernels at once.

        Other threads may copy and allocate meanwhile. `clips` must stay alive.
        """
        current = torch.cuda.current_stream(self.device)
        side = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]  # untyped in torch
        side.wait_stream(current)
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_PASSES):
                network(clips)
        current.wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            features = network(clips)

        def replay() -> torch.Tensor:
            graph.replay()
            return features

        return replay

    def seconds(self, function: Callable[[], object]) -> float:
        """Wall seconds of a function with everything that it starts on the device."""
        torch.cuda.synchronize(self.device)
        start = time.perf_counter()
        function()
        torch.cuda.synchronize(self.device)
        return time.perf_counter() - start

    def free_memory(self) -> None:
        """Give cached memory back to the device."""
        torch.cuda.empty_cache()

    def facts(self) -> dict[str, object]:
        """Name, CUDA's and cuDNN's versions."""
        return {
            "gpu": torch.cuda.get_device_name(self.device),
            "cuda": torch.version.cuda or "none",
            "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]  # untyped in torch
        }
