"""The network that scores segments (supplementary A). Knows no labels and no files."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from c2fpl.models.settings import Attention, Softmax, TrainingSettings

HIDDEN = (512, 32)  # supplementary A: neurons of the two hidden layers


class WrongDim(ValueError):
    """Features made by another backbone than the one that the detector was trained on."""


class WrongLength(ValueError):
    """More or fewer segments came than the video was said to have."""


class SeededDropout(nn.Module):
    """Dropout whose randomness is a generator of its own: the global states play no part.

    One 64-bit draw decides four values, each with a probability that is a multiple of 2**-16; on a
    CPU that is five times as fast as torch's dropout, which was a fifth of a bf16 step.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.kept = round((1 - rate) * 2**16)
        self.generator: torch.Generator | None = None
        """On the device of the values; None is torch's global one."""

    def forward(self, hidden: Tensor) -> Tensor:
        """Any shape; zeros in training with the given rate, the rest scaled up to the same mean."""
        if not self.training or self.kept == 2**16:
            return hidden
        draws = torch.empty(-(-hidden.numel() // 4), dtype=torch.int64, device=hidden.device)
        draws.random_(-(2**63), None, generator=self.generator)
        quarters = draws.view(torch.int16)[: hidden.numel()].view(hidden.shape)
        mask = (quarters < self.kept - 2**15).to(hidden.dtype)
        return hidden * mask.mul_(2**16 / self.kept)


class AttendedLayer(nn.Module):
    """A fully connected layer with a parallel self-attention layer, then ReLU and dropout.

    H = FC * S + FC (residual), H = FC * S (multiplicative) or H = FC (none), with
    S = softmax(Linear(b)). The attention stands before ReLU and dropout (METHOD 4: the figure of
    the paper is not readable, the independent re-run has it there).

    Shape: (batch, crops, in_dim) to (batch, crops, out_dim). The softmax runs over out_dim
    (`feature`) or, for each crop, over the segments of the batch (`batch`).
    """

    def __init__(self, in_dim: int, out_dim: int, settings: TrainingSettings) -> None:
        super().__init__()
        self.linear = _linear(in_dim, out_dim)
        self.attention = _linear(in_dim, out_dim) if settings.attention != "none" else None
        self.form: Attention = settings.attention
        self.softmax_axis = softmax_axis(settings.softmax)
        self.dropout = SeededDropout(settings.dropout)

    def forward(self, batch: Tensor) -> Tensor:
        """(batch, crops, in_dim) to (batch, crops, out_dim), at least 0."""
        hidden = self.linear(batch)
        if self.attention is not None:
            attended = hidden * torch.softmax(self.attention(batch), dim=self.softmax_axis)
            hidden = attended + hidden if self.form == "residual" else attended
        scored: Tensor = self.dropout(torch.relu(hidden))
        return scored


def softmax_axis(softmax: Softmax) -> int:
    """Axis of (batch, crops, dim) that the attention's weights sum to one along."""
    return -1 if softmax == "feature" else 0


class Detector(nn.Module):
    """FC dim-512-32-1 with two attended layers and a sigmoid: 2,131,041 parameters at dim 2048.

    Weights are Xavier uniform and biases zero (METHOD 4), drawn from `settings.seed` alone; the
    global random state is neither read nor changed.
    """

    def __init__(self, dim: int, settings: TrainingSettings) -> None:
        super().__init__()
        self.dim = dim
        self.settings = settings
        self.first = AttendedLayer(dim, HIDDEN[0], settings)
        self.second = AttendedLayer(*HIDDEN, settings)
        self.last = _linear(HIDDEN[1], 1)
        generator = torch.Generator().manual_seed(settings.seed)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight, generator=generator)
                nn.init.zeros_(layer.bias)

    def forward(self, batch: Tensor) -> Tensor:
        """(batch, crops, dim) float32 features to (batch, crops) scores in [0, 1]."""
        scores: Tensor = self.logits(batch).sigmoid()
        return scores

    def draw_dropout_from(self, generator: torch.Generator | None) -> None:
        """Sets where dropout takes its randomness: a generator on the detector's device."""
        self.first.dropout.generator = generator
        self.second.dropout.generator = generator

    def logits(self, batch: Tensor) -> Tensor:
        """(batch, crops, dim) float32 features to (batch, crops) values before the sigmoid."""
        logits: Tensor = self.last(self.second(self.first(batch)))
        return logits.squeeze(-1)


def _linear(in_dim: int, out_dim: int) -> nn.Linear:
    """A linear layer without weights yet: they come from the seed, not from the global state."""
    return nn.Linear(in_dim, out_dim, device="meta").to_empty(device="cpu")


def segment_scores(detector: Detector, values: NDArray[Any]) -> NDArray[np.float32]:
    """One score for each segment of one video whose features are at hand: `chunk_scores` of it.

    Args:
        detector: on any device; its dropout is off during the call.
        values: (segments, crops, dim) float16 or float32 features of the whole video.

    Returns:
        (segments,) float32 in [0, 1]: the mean over its crops of the detector's scores.

    Raises:
        WrongDim: features of another dimension.
    """
    scores: NDArray[np.float32] = chunk_scores([detector], [values], len(values))[0]
    return scores


def chunk_scores(
    detectors: Sequence[Detector], chunks: Iterable[NDArray[Any]], segment_count: int
) -> NDArray[np.float32]:
    """Scores of one video that comes in chunks of any length, in order, by several detectors.

    The video goes through in blocks of nearly equal length, at most `batch_size` segments each,
    so that no bit depends on the chunks. With the softmax over the batch each block is a batch:
    neighbours in time, as many as the attention saw at once in training.

    Args:
        detectors: at least one, of one dim and batch size; their dropout is off during the call.
        chunks: (segments, crops, dim) float16 or float32 each.
        segment_count: of all chunks together.

    Returns:
        (detectors, segments) float32 in [0, 1].

    Raises:
        WrongDim: features of another dimension.
        WrongLength: more or fewer segments than `segment_count`.
    """
    scores = [
        np.stack([_block_scores(detector, block) for detector in detectors])
        for block in _blocks(detectors[0], chunks, segment_count)
    ]
    return np.concatenate(scores, axis=1)


@torch.inference_mode()
def _block_scores(detector: Detector, block: NDArray[Any]) -> NDArray[np.float32]:
    was_training = detector.training
    detector.eval()
    features = torch.from_numpy(block).to(detector.last.weight.device).float()
    scores: NDArray[np.float32] = detector(features).mean(dim=1).cpu().numpy()
    detector.train(was_training)
    return scores


def _blocks(
    detector: Detector, chunks: Iterable[NDArray[Any]], segment_count: int
) -> Iterator[NDArray[Any]]:
    """The segments of all chunks, cut anew into as few blocks of nearly equal length as can be."""
    block_count = -(-segment_count // detector.settings.batch_size)
    ends = [segment_count * (k + 1) // block_count for k in range(block_count)]
    waiting: list[NDArray[Any]] = []
    seen = given = 0
    for chunk in chunks:
        if chunk.ndim != 3 or chunk.shape[2] != detector.dim:
            raise WrongDim(
                f"features of shape {chunk.shape} for a detector of dim {detector.dim}; it takes "
                "(segments, crops, dim) of the backbone that it was trained on"
            )
        waiting.append(chunk)
        seen += len(chunk)
        while ends and seen >= ends[0]:
            held = np.concatenate(waiting)
            length = ends.pop(0) - given
            yield held[:length]
            waiting, given = [held[length:]], given + length
    if ends or seen != segment_count:
        raise WrongLength(f"{seen} segments came of a video of {segment_count}; extract it again")
