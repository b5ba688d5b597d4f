"""A GPU's own limits, and the speed of a network's forms on it; each returns rows of a table."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from roof import CROPS, segment_gflop
from torch import fx

from c2fpl.extractors.backbones.catalogue import Backbone, backbone_named
from c2fpl.extractors.encoding.encoder import DTYPES, build_quietly, choose_precision
from c2fpl.extractors.encoding.gpu.batches import BatchedNetwork
from c2fpl.extractors.encoding.gpu.device import CudaDevice, Network
from c2fpl.extractors.encoding.gpu.folded_network import folded_network
from c2fpl.extractors.encoding.gpu.kernel_check import check_frames, pixels_of, relative_error
from c2fpl.extractors.encoding.network import PIXEL_CHANNELS, fast_form, in_float32
from c2fpl.extractors.settings import BackboneName

Rows: TypeAlias = list[dict[str, Any]]
"""Rows of a table: figures by column name."""
SEGMENT_FRAMES = 16
LIMIT_S = 0.3
"""Duration of the measurement of each limit."""


class HostDevice(CudaDevice):
    """The CPU in place of a GPU, for `--device cpu`; as a GPU's device."""

    def __init__(self) -> None:
        self.device = torch.device("cpu")

    def use(self) -> None:
        """Do nothing."""

    def pin(self, memory: NDArray[np.uint8]) -> Callable[[], None]:
        """Do nothing."""
        return lambda: None

    def upload(self, frames: NDArray[np.uint8]) -> torch.Tensor:
        """Copy an array."""
        return torch.from_numpy(frames.copy())

    def download(self, features: torch.Tensor) -> Callable[[], torch.Tensor]:
        """Do nothing."""
        return lambda: features

    def capture(self, network: Network, clips: torch.Tensor) -> Callable[[], torch.Tensor]:
        """Return a function that runs the pass."""
        return lambda: network(clips)

    def seconds(self, function: Callable[[], object]) -> float:
        """Wall seconds of a function."""
        start = time.perf_counter()
        function()
        return time.perf_counter() - start

    def free_memory(self) -> None:
        """Do nothing."""

    def facts(self) -> dict[str, object]:
        """Nothing."""
        return {}


def device_of(device: torch.device) -> CudaDevice:
    """The encoder's view of a GPU, or its stand-in."""
    return CudaDevice(device) if device.type == "cuda" else HostDevice()


def median_seconds(device: CudaDevice, function: Callable[[], object], seconds: float) -> float:
    """Median seconds of a function, after a first call, of at least three calls."""
    device.seconds(function)
    found: list[float] = []
    while len(found) < 3 or sum(found) < seconds:
        found.append(device.seconds(function))
    return statistics.median(found)


def limits(device: torch.device, side: int, size_bytes: int) -> Rows:
    """What the device itself can do: matrix products, copies on it, copies to it."""
    clock, on_gpu = device_of(device), device.type == "cuda"
    dtype = torch.float16 if on_gpu else torch.float32
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    product_s = median_seconds(clock, lambda: left @ right, LIMIT_S)
    there, other = (torch.zeros(size_bytes, dtype=torch.uint8, device=device) for _ in range(2))
    copy_s = median_seconds(clock, lambda: other.copy_(there), LIMIT_S)
    found = {
        f"{dtype} matrix product, TFLOP/s": 2 * side**3 / product_s / 1e12,
        "copy on the device, TB/s": 2 * size_bytes / copy_s / 1e12,
    }
    for name in ("pageable", "pinned"):
        host = torch.zeros(size_bytes, dtype=torch.uint8, pin_memory=on_gpu and name == "pinned")
        upload_s = median_seconds(clock, lambda host=host: there.copy_(host), LIMIT_S)
        found[f"{name} memory to the device, GB/s"] = size_bytes / upload_s / 1e9
    return [{"limit": name, "value": value} for name, value in found.items()]


def forms(
    name: BackboneName,
    weights: Path,
    device: torch.device,
    clips: Sequence[int],
    seconds: float,
) -> Rows:
    """Speed and error of the network in 3D and 2D, kernel by kernel and as one CUDA graph."""
    backbone = backbone_named(name)
    network = build_quietly(backbone)
    network.load_state_dict(torch.load(weights, weights_only=True))
    precision = choose_precision("auto", device)
    measured = Forms(fast_form(network, backbone, DTYPES[precision]), backbone, device, seconds)
    with torch.inference_mode():
        return [
            {"form": form, "precision": precision, **row}
            for form, made in measured.forms()
            for count in clips
            for row in measured.rows(made.to(device), count)
        ]


class Forms:
    """Measures one network in its forms on one device.

    Args:
        fast: the fast form, on the CPU.
        backbone: its input.
        device: where to measure.
        seconds: duration of each measurement.
    """

    def __init__(
        self, fast: fx.GraphModule, backbone: Backbone, device: torch.device, seconds: float
    ) -> None:
        self._fast, self._backbone, self._seconds = fast, backbone, seconds
        self._device = device_of(device)
        side = backbone.crop_pixels
        self._clip_shape = (backbone.clip_frames, side, side, PIXEL_CHANNELS)
        self._gflop = segment_gflop(backbone) / CROPS
        self._frames = self._device.upload(check_frames(backbone).numpy())
        reference = self._batched(in_float32(fast).to(device), 1)
        pixels = pixels_of(self._frames, backbone, torch.float32)
        with torch.inference_mode():
            self._expected = reference.forward(pixels)[0].float()

    def forms(self) -> Iterator[tuple[str, fx.GraphModule]]:
        """The network's forms by name."""
        folded = folded_network(self._fast)
        yield "3D", self._fast
        if folded is not None:
            yield "2D", folded

    def rows(self, network: fx.GraphModule, clips: int) -> Rows:
        """Speed and error of one form with one batch size, eager and as a graph."""
        batched = self._batched(network, clips)
        features, _ = batched.repeated(pixels_of(self._frames, self._backbone, batched.dtype))
        error = relative_error(features, self._expected)
        batch = batched.empty_batch(clips)
        graph = self._device.capture(batched.forward, batch)
        ways: dict[str, Callable[[], object]] = {
            "eager": lambda: batched.forward(batch),
            "graph": graph,
        }
        found = [{"way": way, **self._row(run, clips), "error": error} for way, run in ways.items()]
        self._device.free_memory()
        return found

    def _batched(self, network: fx.GraphModule, clips: int) -> BatchedNetwork:
        return BatchedNetwork(network, self._clip_shape, self._device, clips=clips)

    def _row(self, run: Callable[[], object], clips: int) -> dict[str, float]:
        pass_s = median_seconds(self._device, run, self._seconds)
        rate = clips / pass_s
        return {
            "clips": clips,
            "ms": 1e3 * pass_s,
            "clips/s": rate,
            "frames/s": SEGMENT_FRAMES / CROPS * rate,
            "TFLOP/s": self._gflop * rate / 1e3,
            "peak GiB": peak_gib(self._device.device),
        }


def peak_gib(device: torch.device) -> float:
    """Peak memory of the device since the last call; 0 on a CPU."""
    if device.type != "cuda":
        return 0.0
    peak = torch.cuda.max_memory_allocated(device) / 2**30
    torch.cuda.reset_peak_memory_stats(device)
    return peak
