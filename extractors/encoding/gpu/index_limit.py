"""The largest batch whose tensors cuDNN can index: it has no kernel for larger ones."""

import copy
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import fx
from torch.utils._python_dispatch import TorchDispatchMode

MOST_ELEMENTS = 2**31 - 1
"""Elements of a tensor that a signed integer of 32 bits can count."""


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
