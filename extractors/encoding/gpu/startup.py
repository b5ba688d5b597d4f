"""Puts a network on a GPU: chooses its form and batch size, and checks its kernels."""

import logging
from collections.abc import Iterator

import torch
from torch import fx

from c2fpl.errors import MissingDevice
from c2fpl.extractors.backbones.catalogue import Backbone
from c2fpl.extractors.encoding.gpu.batches import (
    BatchedNetwork,
    clip_counts,
    fastest_clip_count,
    most_clips,
)
from c2fpl.extractors.encoding.gpu.device import CudaDevice
from c2fpl.extractors.encoding.gpu.folded_network import folded_network
from c2fpl.extractors.encoding.gpu.kernel_check import (
    KernelCheck,
    check_frames,
    pixels_of,
    refusal,
    relative_error,
)
from c2fpl.extractors.encoding.network import PIXEL_CHANNELS, in_float32
from c2fpl.extractors.settings import Crops

logger = logging.getLogger(__name__)


class Startup:
    """The start of one network on one GPU; runs in the thread that will compute.

    Args:
        network: the fast form, on the CPU.
        backbone: the network's input.
        crops: crops of a segment.
        device: where to run it.
        batch_size: segments of a batch; None measures the fastest number.
        max_error: largest relative error of a form that is used.
    """

    def __init__(
        self,
        network: fx.GraphModule,
        backbone: Backbone,
        crops: Crops,
        device: CudaDevice,
        *,
        batch_size: int | None,
        max_error: float,
    ) -> None:
        self._network, self._backbone, self._device = network, backbone, device
        self._crops, self._batch_size, self._max_error = crops, batch_size, max_error
        side = backbone.crop_pixels
        self._clip_shape = (backbone.clip_frames, side, side, PIXEL_CHANNELS)

    def run(self, precision: str) -> tuple[BatchedNetwork, KernelCheck]:
        """The network in the first form that is right, and the outcome of its check.

        Raises:
            MissingDevice: no form computes what float32 does.
        """
        frames = self._device.upload(check_frames(self._backbone).numpy())
        expected, fp32_s = self._in_float32(frames)
        failed: list[KernelCheck] = []
        for form, network in self._forms():
            try:
                batched = self._batched(network)
                check = self._check(batched, form, frames, expected, fp32_s)
            except torch.OutOfMemoryError:
                raise
            except RuntimeError as error:
                self._give_up(form, error)
                continue
            if check.error <= self._max_error:
                return batched, check
            failed.append(check)
            logger.warning("the network's %s form is off by %.1f %%", form, 100 * check.error)
        raise MissingDevice(refusal(failed, precision, self._device.facts().get("cudnn")))

    def _give_up(self, form: str, error: RuntimeError) -> None:
        """Say that a form does not run at all; raise MissingDevice if it was the last one."""
        reason = " ".join(str(error).split())[:200]
        if form == "3D":
            raise MissingDevice(
                f"the network does not run on this GPU ({reason}); use --device cpu, or install "
                "another version of torch"
            ) from error
        logger.warning("the network's %s form failed (%s)", form, reason)

    def _forms(self) -> Iterator[tuple[str, fx.GraphModule]]:
        """Forms of the network on the CPU, the fastest first."""
        folded = folded_network(self._network)
        if folded is not None:
            yield "2D", folded
        yield "3D", self._network

    def _in_float32(self, frames: torch.Tensor) -> tuple[torch.Tensor, float]:
        """Features (dim,) of the test clip by the 3D form in float32, and seconds of a pass."""
        network = in_float32(self._network).to(self._device.device)
        reference = BatchedNetwork(network, self._clip_shape, self._device, clips=1)
        pixels = pixels_of(frames, self._backbone, torch.float32)
        return reference.forward(pixels)[0], reference.seconds(1)

    def _batched(self, network: fx.GraphModule) -> BatchedNetwork:
        """The network on the device with the batch size asked for or measured."""
        most = most_clips(network, self._clip_shape)
        batched = BatchedNetwork(
            network.to(self._device.device), self._clip_shape, self._device, clips=self._crops
        )
        if self._batch_size is None:
            counts = clip_counts(self._crops, most)
            batched.clips = fastest_clip_count(batched.seconds, counts)
            self._device.free_memory()
        else:
            batched.clips *= self._batch_size
        while batched.clips > most:
            batched.clips = -(-batched.clips // 2)
        return batched

    def _check(
        self,
        batched: BatchedNetwork,
        form: str,
        frames: torch.Tensor,
        expected: torch.Tensor,
        fp32_s: float,
    ) -> KernelCheck:
        """Compare a batch of the test clip (frames, side, side, 3) with `expected` (dim,)."""
        rows, seconds = batched.repeated(pixels_of(frames, self._backbone, batched.dtype))
        check = KernelCheck(
            form=form,
            clips=batched.clips,
            error=relative_error(rows, expected),
            ms_per_clip=1e3 * seconds / batched.clips,
            fp32_ms_per_clip=1e3 * fp32_s,
        )
        logger.debug("GPU: %s", check)
        if check.is_slow:
            logger.warning(
                "the network is slower in its own precision than in float32 (%.1f against %.1f ms "
                "a clip): this version of cuDNN may lack kernels; try another version of torch",
                check.ms_per_clip,
                check.fp32_ms_per_clip,
            )
        return check
