"""Trains a detector on segments and their pseudo-labels (docs/method.md, training)."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy
from torch.nn.utils import clip_grad_norm_

from c2fpl.errors import BadLabels, TrainingDiverged
from c2fpl.models.detection.detector import Detector
from c2fpl.models.detection.feeding import Feeder, ResidentFeeder, StreamedFeeder, feeder_for
from c2fpl.models.settings import TrainingPrecision, TrainingSettings
from c2fpl.models.sources import SegmentSource
from c2fpl.processor import has_native_bf16

MOMENTUM = 0.9  # released mainv2.py, with Nesterov
MILESTONES = (15, 25)  # epochs after which the learning rate falls (released mainv2.py)
DECAY = 0.1
VALUES_PER_THREAD = 500_000
"""Feature values of a batch that are worth one more thread. A usual batch of ten crops has 1,280
times the length of a feature: one thread up to a length of 780, five threads at 2,048. With less
work each, threads mostly wait: on a busy machine two took four times as long as one."""


@dataclass(frozen=True)
class Epoch:
    """Results of one epoch."""

    number: int
    """1 to `TrainingSettings.epochs`."""
    loss: float
    """Mean binary cross-entropy over the segments, with dropout."""
    learning_rate: float
    """Learning rate during this epoch."""
    seconds: float
    """Wall time."""
    detector: Detector
    """The detector after this epoch. Training continues to change it: copy it to keep it."""


def train(
    source: SegmentSource | StreamedFeeder | ResidentFeeder,
    labels: ArrayLike,
    settings: TrainingSettings,
    *,
    device: torch.device | str,
    after_epoch: Callable[[Epoch], None] | None = None,
) -> Detector:
    """Trains a new detector and returns its state after the last epoch, in eval mode.

    On the CPU, the same seed and thread count give the same bytes; small batches always use one
    thread. The global random state is neither read nor changed.

    Args:
        source: the segments, or their feeder on `device`: `feeding.feeder_for`, called once to
            train several detectors.
        labels: (segments,) in [0, 1], hard or soft.
        settings: attention, optimisation, seed.
        device: device to train on; the detector stays there.
        after_epoch: called after each epoch.

    Raises:
        BadLabels: not one label per segment, or a label outside [0, 1].
        TrainingDiverged: the loss became infinite or not a number.
    """
    device = torch.device(device)
    targets = _checked(labels, len(source)).to(device)
    if not isinstance(source, StreamedFeeder | ResidentFeeder):
        source = feeder_for(source, device)
    orders = np.random.default_rng(settings.seed)
    detector = Detector(source.dim, settings).to(device)
    detector.draw_dropout_from(torch.Generator(device).manual_seed(int(orders.integers(2**62))))
    batch_size = min(settings.batch_size, len(targets))
    with _threads_for(batch_size * source.crops * source.dim):
        for epoch in _epochs(detector, source, targets, orders):
            if after_epoch is not None:
                after_epoch(epoch)
    detector.draw_dropout_from(None)
    return detector.eval()


@contextmanager
def _threads_for(values: int) -> Iterator[None]:
    """Uses at most as many CPU threads as a batch of this many feature values is worth."""
    usual = torch.get_num_threads()
    torch.set_num_threads(max(1, min(usual, values // VALUES_PER_THREAD)))
    try:
        yield
    finally:
        torch.set_num_threads(usual)


def _epochs(
    detector: Detector, feeder: Feeder, targets: Tensor, orders: np.random.Generator
) -> Iterator[Epoch]:
    """Trains the detector, and yields after each epoch."""
    settings = detector.settings
    optimiser = _optimiser(detector, settings)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, list(MILESTONES), gamma=DECAY)
    for number in range(1, settings.epochs + 1):
        started = time.perf_counter()
        learning_rate = float(schedule.get_last_lr()[0])
        batches = _batches(orders, len(targets), settings)
        loss = _one_epoch(detector, optimiser, feeder, targets, batches)
        schedule.step()
        if not math.isfinite(loss):
            raise TrainingDiverged(
                f"the loss of epoch {number} is {loss}; every feature must be finite and the "
                f"learning rate {settings.learning_rate:g} not too high: try a tenth of it"
            )
        yield Epoch(number, loss, learning_rate, time.perf_counter() - started, detector)


def _optimiser(detector: Detector, settings: TrainingSettings) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        detector.parameters(),
        lr=settings.learning_rate,
        momentum=MOMENTUM,
        nesterov=True,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def _checked(labels: ArrayLike, segment_count: int) -> Tensor:
    targets = torch.from_numpy(np.array(labels, dtype=np.float32))
    if targets.shape != (segment_count,) or segment_count == 0:
        raise BadLabels(
            f"labels of shape {tuple(targets.shape)} for {segment_count} segments; label the same "
            "features that you train on"
        )
    if not bool(((targets >= 0) & (targets <= 1)).all()):
        raise BadLabels("a label is outside [0, 1]; label the features again")
    return targets


def _batches(
    orders: np.random.Generator, segment_count: int, settings: TrainingSettings
) -> list[NDArray[np.int64]]:
    """Segment numbers (segments,) of each step of an epoch, every pass in a new order."""
    ends = range(settings.batch_size, segment_count, settings.batch_size)
    return [
        batch
        for _ in range(settings.passes(segment_count))
        for batch in np.split(orders.permutation(segment_count), ends)
    ]


def _one_epoch(
    detector: Detector,
    optimiser: torch.optim.Optimizer,
    feeder: Feeder,
    targets: Tensor,
    batches: list[NDArray[np.int64]],
) -> float:
    """Trains for one epoch and returns the mean loss; its sum stays on the device until the end.

    The loss of a segment compares its label with the mean score of its crops.
    """
    detector.train()
    precision = training_precision(detector.settings.matmul_precision, targets.device)
    total = torch.zeros((), dtype=torch.float64, device=targets.device)
    for features, batch in feeder.batches(batches):
        loss = _loss(detector, features, targets[batch], precision)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        clip_grad_norm_(detector.parameters(), detector.settings.max_gradient_norm)
        optimiser.step()
        total += loss.detach() * len(batch)
    return float(total) / sum(map(len, batches))


def training_precision(asked: TrainingPrecision, device: torch.device) -> TrainingPrecision:
    """Resolves `auto` to bf16 on a CPU with bf16 hardware, else to fp32."""
    if asked != "auto":
        return asked
    return "bf16" if device.type == "cpu" and has_native_bf16() else "fp32"


def _loss(
    detector: Detector, features: Tensor, targets: Tensor, precision: TrainingPrecision
) -> Tensor:
    """Binary cross-entropy of the mean score over crops; sums are always float32.

    `features` are (segments, crops, dim), `targets` (segments,).
    """
    half = precision == "bf16"
    with torch.autocast(features.device.type, dtype=torch.bfloat16, enabled=half):
        logits = detector.logits(features)
    scores = logits.float().sigmoid().mean(dim=1)
    # binary_cross_entropy aborts on NaN (on a GPU, the whole device), so NaN is added after it.
    return binary_cross_entropy(scores.nan_to_num(0.5), targets) + 0 * scores.sum()
