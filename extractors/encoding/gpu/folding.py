"""3D convolutions of factorised kernels as 2D convolutions on folded axes, for cuDNN.

cuDNN has fast fused kernels for 2D convolutions with channels last, and slow, unfused, sometimes
wrong ones for 3D. A (1, k, k) kernel sees every frame alone, so frames join the batch axis. A
(k, 1, 1) kernel sees every pixel alone, so height and width become one axis. A first convolution
of few channels takes the frames under its kernel as channels. Folding an axis copies nothing,
because clips are in the memory format channels_last_3d.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from c2fpl.extractors.encoding.fusing import FusedConvolution

MOST_STACKED_CHANNELS = 4
"""Input channels up to which the frames under a kernel may become channels: they are copied."""
CHANNEL_MULTIPLE = 8
"""Channels of an fp16 or bf16 convolution on tensor cores are a multiple of this."""
UNDILATED = (1, 1)


class FoldedConvolution(FusedConvolution):
    """A 3D convolution computed as a 2D convolution; the base of the three ways to fold."""

    def __init__(self, conv: nn.Conv3d, weight: torch.Tensor) -> None:
        super().__init__()
        self.bias = conv.bias
        self.kernel_size = triple(conv.kernel_size)
        assert not isinstance(conv.padding, str)
        self.stride, self.padding = triple(conv.stride), triple(conv.padding)
        flat = weight.detach().contiguous(memory_format=torch.channels_last)
        self.weight = nn.Parameter(flat, requires_grad=False)

    def convolve(
        self,
        maps: torch.Tensor,
        residual: torch.Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> torch.Tensor:
        """The 2D convolution, sum and ReLU of (maps, channels, height, width)."""
        if self.relu and maps.is_cuda:
            end = (self.bias, stride, padding, UNDILATED, 1)
            if residual is None:
                return torch.cudnn_convolution_relu(maps, self.weight, *end)
            return torch.cudnn_convolution_add_relu(maps, self.weight, residual, 1.0, *end)
        out = F.conv2d(maps, self.weight, self.bias, stride, padding)
        if residual is not None:
            out += residual
        return out.relu_() if self.relu else out


class FramewiseConvolution(FoldedConvolution):
    """A (1, k, k) kernel: a 2D convolution of every frame."""

    def __init__(self, conv: nn.Conv3d) -> None:
        super().__init__(conv, conv.weight[:, :, 0])

    def forward(self, clips: torch.Tensor, residual: torch.Tensor | None = None) -> torch.Tensor:
        """Maps (clips, channels, frames, height, width) like the 3D convolution."""
        seen = clips[:, :, :: self.stride[0]]
        added = None if residual is None else frames_as_batch(residual)
        maps = self.convolve(frames_as_batch(seen), added, self.stride[1:], self.padding[1:])
        return batch_as_frames(maps, seen.shape[2])


class PixelwiseConvolution(FoldedConvolution):
    """A (k, 1, 1) kernel: a 2D convolution over time and the pixels of a frame."""

    def __init__(self, conv: nn.Conv3d) -> None:
        super().__init__(conv, conv.weight[..., 0])

    def forward(self, clips: torch.Tensor, residual: torch.Tensor | None = None) -> torch.Tensor:
        """Maps (clips, channels, frames, height, width) like the 3D convolution."""
        added = None if residual is None else residual.flatten(3)
        maps = self.convolve(clips.flatten(3), added, (self.stride[0], 1), (self.padding[0], 0))
        return torch.unflatten(maps, 3, clips.shape[3:])


class StackedConvolution(FoldedConvolution):
    """A kernel over time and space: the frames that it covers are stacked as channels."""

    def __init__(self, conv: nn.Conv3d) -> None:
        weight = conv.weight.transpose(1, 2).flatten(1, 2)
        self._spare_channels = -weight.shape[1] % CHANNEL_MULTIPLE
        super().__init__(conv, F.pad(weight, (0, 0, 0, 0, 0, self._spare_channels)))

    def forward(self, clips: torch.Tensor, residual: torch.Tensor | None = None) -> torch.Tensor:
        """Maps (clips, channels, frames, height, width) like the 3D convolution."""
        stacked = self._stack(clips.permute(0, 2, 3, 4, 1))
        maps = stacked.flatten(0, 1).permute(0, 3, 1, 2)
        added = None if residual is None else frames_as_batch(residual)
        maps = self.convolve(maps, added, self.stride[1:], self.padding[1:])
        return batch_as_frames(maps, stacked.shape[1])

    def _stack(self, pixels: torch.Tensor) -> torch.Tensor:
        """Copies (clips, frames, height, width, channels) to (..., kernel frames * channels).

        Frames of the padding and spare channels are zero.
        """
        kernel, stride, padding = self.kernel_size[0], self.stride[0], self.padding[0]
        clips, frames, height, width, channels = pixels.shape
        outputs = (frames + 2 * padding - kernel) // stride + 1
        stacked = pixels.new_zeros((clips, outputs, height, width, self.weight.shape[1]))
        for tap in range(kernel):
            first = max(0, -((tap - padding) // stride))
            last = min(outputs - 1, (frames - 1 + padding - tap) // stride)
            start, end = (number * stride + tap - padding for number in (first, last))
            columns = slice(tap * channels, (tap + 1) * channels)
            stacked[:, first : last + 1, ..., columns] = pixels[:, start : end + 1 : stride]
        return stacked


class FramewisePool(nn.Module):
    """The maximum over windows of every frame, after that of frame pairs if the pool has them."""

    def __init__(self, pool: nn.MaxPool3d) -> None:
        super().__init__()
        self._pairs = triple(pool.kernel_size)[0] == 2
        sides = (pool.kernel_size, pool.stride, pool.padding)
        self._kernel, self._stride, self._padding = (triple(side)[1:] for side in sides)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Maps (clips, channels, frames, height, width) like the 3D pool."""
        if self._pairs:
            last = clips.shape[2] // 2 * 2
            clips = torch.maximum(clips[:, :, 0:last:2], clips[:, :, 1:last:2])
        maps = frames_as_batch(clips)
        pooled = F.max_pool2d(maps, self._kernel, self._stride, self._padding)
        return batch_as_frames(pooled, clips.shape[2])


def folded_convolution(conv: nn.Conv3d) -> FoldedConvolution | None:
    """The convolution on folded axes; None if its kernel is not of one of the three kinds."""
    if isinstance(conv.padding, str) or conv.groups != 1 or triple(conv.dilation) != (1, 1, 1):
        return None
    (frames, height, width), stride = triple(conv.kernel_size), triple(conv.stride)
    padding = triple(conv.padding)
    if frames == 1 and padding[0] == 0:
        return FramewiseConvolution(conv)
    if height == width == 1 and stride[1:] == (1, 1) and padding[1:] == (0, 0):
        return PixelwiseConvolution(conv)
    return StackedConvolution(conv) if conv.in_channels <= MOST_STACKED_CHANNELS else None


def folded_pool(pool: nn.MaxPool3d) -> FramewisePool | None:
    """The pool on folded axes; None if it spans time in another way than by pairs."""
    over_time = tuple(triple(side)[0] for side in (pool.kernel_size, pool.stride, pool.padding))
    usual = triple(pool.dilation) == (1, 1, 1) and not (pool.ceil_mode or pool.return_indices)
    return FramewisePool(pool) if usual and over_time in ((1, 1, 0), (2, 2, 0)) else None


def frames_as_batch(clips: torch.Tensor) -> torch.Tensor:
    """Views (clips, channels, frames, ...) as (clips * frames, channels, ...)."""
    return clips.transpose(1, 2).flatten(0, 1)


def batch_as_frames(maps: torch.Tensor, frames: int) -> torch.Tensor:
    """The inverse of `frames_as_batch`."""
    return torch.unflatten(maps, 0, (-1, frames)).transpose(1, 2)


def triple(side: int | Sequence[int]) -> tuple[int, int, int]:
    """A layer's size along time, height and width, which libraries give in several types."""
    time, height, width = (side, side, side) if isinstance(side, int) else side
    return int(time), int(height), int(width)
