"""The network that scores segments (supplementary A)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from c2fpl.errors import BadDetector
from c2fpl.models.settings import Attention, Softmax, TrainingSettings

HIDDEN = (512, 32)  # neurons of the two hidden layers (supplementary A)


class SeededDropout(nn.Module):
    """Dropout with its own random generator instead of the global state.

    One 64-bit draw decides four values, so the rate is rounded to a multiple of 2**-16. On a CPU
    this is five times as fast as torch's dropout, which took a fifth of a bf16 step.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.kept = round((1 - rate) * 2**16)
        self.generator: torch.Generator | None = None
        """On the device of the values; None uses torch's global generator."""

    def forward(self, hidden: Tensor) -> Tensor:
        """In training, sets values of any shape to 0 at the given rate and scales up the rest."""
        if not self.training or self.kept == 2**16:
            return hidden
        draws = torch.empty(-(-hidden.numel() // 4), dtype=torch.int64, device=hidden.device)
        draws.random_(-(2**63), None, generator=self.generator)
        quarters = draws.view(torch.int16)[: hidden.numel()].view(hidden.shape)
        mask = (quarters < self.kept - 2**15).to(hidden.dtype)
        return hidden * mask.mul_(2**16 / self.kept)


class AttendedLayer(nn.Module):
    """A fully connected layer with parallel self-attention, then ReLU and dropout.

    H = FC * S + FC (residual), H = FC * S (multiplicative) or H = FC (none), with
    S = softmax(Linear(b)). The attention precedes ReLU and dropout; the paper leaves this open
    (docs/method.md, detector). The softmax runs over out_dim (`feature`) or, for each crop, over
    the segments of the batch (`batch`).
    """

    def __init__(self, in_dim: int, out_dim: int, settings: TrainingSettings) -> None:
        super().__init__()
        self.linear = _linear(in_dim, out_dim)
        self.attention = _linear(in_dim, out_dim) if settings.attention != "none" else None
        self.form: Attention = settings.attention
        self.softmax_axis = softmax_axis(settings.softmax)
        self.dropout = SeededDropout(settings.dropout)

    def forward(self, batch: Tensor) -> Tensor:
        """Maps (batch, crops, in_dim) to (batch, crops, out_dim), at least 0."""
        hidden = self.linear(batch)
        if self.attention is not None:
            attended = hidden * torch.softmax(self.attention(batch), dim=self.softmax_axis)
            hidden = attended + hidden if self.form == "residual" else attended
        scored: Tensor = self.dropout(torch.relu(hidden))
        return scored


def softmax_axis(softmax: Softmax) -> int:
    """Axis of (batch, crops, dim) along which the attention weights sum to 1."""
    return -1 if softmax == "feature" else 0


class Detector(nn.Module):
    """Layers dim-512-32-1, two of them attended, and a sigmoid: 2,131,041 parameters at dim 2048.

    Weights are Xavier uniform, biases 0. Only `settings.seed` decides the weights; the
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
        """Maps (batch, crops, dim) float32 features to (batch, crops) scores in [0, 1]."""
        scores: Tensor = self.logits(batch).sigmoid()
        return scores

    def draw_dropout_from(self, generator: torch.Generator | None) -> None:
        """Sets the random generator of dropout, which must be on the detector's device."""
        self.first.dropout.generator = generator
        self.second.dropout.generator = generator

    def logits(self, batch: Tensor) -> Tensor:
        """Maps (batch, crops, dim) float32 features to (batch, crops) values before the sigmoid."""
        logits: Tensor = self.last(self.second(self.first(batch)))
        return logits.squeeze(-1)


def _linear(in_dim: int, out_dim: int) -> nn.Linear:
    """A linear layer with uninitialised weights, so that the global random state is not used."""
    return nn.Linear(in_dim, out_dim, device="meta").to_empty(device="cpu")


def segment_scores(detector: Detector, values: NDArray[Any]) -> NDArray[np.float32]:
    """Scores the segments of one video in memory.

    Args:
        detector: on any device; dropout is off during the call.
        values: (segments, crops, dim) float16 or float32 features.

    Returns:
        (segments,) float32 in [0, 1]: the mean score over crops.

    Raises:
        BadDetector: the features have another dimension.
    """
    scores: NDArray[np.float32] = chunk_scores([detector], [values], len(values))[0]
    return scores


def chunk_scores(
    detectors: Sequence[Detector], chunks: Iterable[NDArray[Any]], segment_count: int
) -> NDArray[np.float32]:
    """Scores one video with several detectors, reading it in chunks of any length.

    The video is cut again into blocks of nearly equal length with at most `batch_size` segments, so
    that the result does not depend on the chunks. With the softmax over the batch, each block is a
    batch of consecutive segments.

    Args:
        detectors: at least one, all with one dim and batch size; dropout is off during the call.
        chunks: (segments, crops, dim) float16 or float32 each, in order of time.
        segment_count: segments of all chunks together.

    Returns:
        (detectors, segments) float32 in [0, 1].

    Raises:
        BadDetector: the features have another dimension.
        BadDetector: the chunks do not have `segment_count` segments.
    """
    scores = [
        np.stack([_block_scores(detector, block) for detector in detectors])
        for block in _blocks(detectors[0], chunks, segment_count)
    ]
    return np.concatenate(scores, axis=1)


@torch.inference_mode()
def _block_scores(detector: Detector, block: NDArray[Any]) -> NDArray[np.float32]:
    """Float32 (segments,) scores of a block of features (segments, crops, dim)."""
    was_training = detector.training
    detector.eval()
    features = torch.from_numpy(block).to(detector.last.weight.device).float()
    scores: NDArray[np.float32] = detector(features).mean(dim=1).cpu().numpy()
    detector.train(was_training)
    return scores


def _blocks(
    detector: Detector, chunks: Iterable[NDArray[Any]], segment_count: int
) -> Iterator[NDArray[Any]]:
    """Cuts chunks (segments, crops, dim) into as few blocks of nearly equal length as possible."""
    block_count = -(-segment_count // detector.settings.batch_size)
    ends = [segment_count * (k + 1) // block_count for k in range(block_count)]
    waiting: list[NDArray[Any]] = []
    seen = given = 0
    for chunk in chunks:
        if chunk.ndim != 3 or chunk.shape[2] != detector.dim:
            raise BadDetector(
                f"features of shape {chunk.shape} for a detector of dim {detector.dim}; give "
                "(segments, crops, dim) features of the backbone that it was trained on"
            )
        waiting.append(chunk)
        seen += len(chunk)
        while ends and seen >= ends[0]:
            held = np.concatenate(waiting)
            length = ends.pop(0) - given
            yield held[:length]
            waiting, given = [held[length:]], given + length
    if ends or seen != segment_count:
        raise BadDetector(f"read {seen} of {segment_count} segments; extract the video again")
