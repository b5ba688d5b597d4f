"""Segments and their pseudo-labels to a trained detector (METHOD 4). Knows no files."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn.functional import binary_cross_entropy
from torch.nn.utils import clip_grad_norm_

from c2fpl.models.detection.detector import Detector
from c2fpl.models.detection.feeding import Feeder, ResidentFeeder, StreamedFeeder, feeder_for
from c2fpl.models.settings import TrainingPrecision, TrainingSettings
from c2fpl.models.sources import SegmentSource

MOMENTUM = 0.9  # released mainv2.py, with Nesterov
MILESTONES = (15, 25)  # epochs after which the learning rate falls (released mainv2.py)
DECAY = 0.1


class BadLabels(ValueError):
    """Labels that do not belong to the segments."""


class TrainingDiverged(RuntimeError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class Epoch:
    """What one pass over the segments did."""

    number: int
    """From 1 to `TrainingSettings.epochs`."""
    loss: float
    """Mean binary cross entropy over the segments, dropout on."""
    learning_rate: float
    """In force during this epoch."""
    seconds: float
    """Wall time of the pass."""
    detector: Detector
    """As it stands after the pass; still being trained, so to be looked at and not kept."""


def train(
    source: SegmentSource | StreamedFeeder | ResidentFeeder,
    labels: ArrayLike,
    settings: TrainingSettings,
    *,
    device: torch.device | str,
    after_epoch: Callable[[Epoch], None] | None = None,
) -> Detector:
    """Trains a new detector for all epochs and returns the last state of it, in eval mode.

    Each epoch goes `settings.passes` times through all segments, each time in a new order, all
    crops of a segment together; the loss is the binary cross entropy between the label and the mean
    of the crops' scores. Weights, order and dropout follow from `settings.seed` alone: on the CPU
    the same seed and thread count give the same bytes. The global random states are neither read
    nor changed.

    Segments are read ahead by threads in bounded memory. On a GPU whose free memory holds the
    whole source in its stored form they are uploaded once instead; who trains several detectors
    on the same segments makes the `feeding.feeder_for` themselves and passes it to each.

    Args:
        source: the segments, or what feeds them to `device` already.
        labels: (segments,) in [0, 1], hard or soft.
        settings: attention, optimisation, seed.
        device: where the detector is trained and stays.
        after_epoch: called after each epoch.

    Raises:
        BadLabels: another number of labels than segments, or a label outside [0, 1].
        TrainingDiverged: the loss became infinite or not a number.
    """
    device = torch.device(device)
    targets = _checked(labels, len(source)).to(device)
    if isinstance(source, StreamedFeeder | ResidentFeeder):
        feeder: Feeder = source
    else:
        feeder = feeder_for(source, device)
    orders = np.random.default_rng(settings.seed)
    detector = Detector(feeder.dim, settings).to(device)
    detector.draw_dropout_from(torch.Generator(device).manual_seed(int(orders.integers(2**62))))
    optimiser = _optimiser(detector, settings)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, list(MILESTONES), gamma=DECAY)
    for number in range(1, settings.epochs + 1):
        started = time.perf_counter()
        learning_rate = float(schedule.get_last_lr()[0])
        loss = _one_epoch(
            detector, optimiser, feeder, targets, _batches(orders, len(source), settings)
        )
        schedule.step()
        if not math.isfinite(loss):
            raise TrainingDiverged(
                f"the loss of epoch {number} is {loss}; every feature must be finite and the "
                f"learning rate {settings.learning_rate:g} not too high: try a tenth of it"
            )
        if after_epoch is not None:
            seconds = time.perf_counter() - started
            after_epoch(Epoch(number, loss, learning_rate, seconds, detector))
    detector.draw_dropout_from(None)
    return detector.eval()


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
            "features that are trained on"
        )
    if not bool(((targets >= 0) & (targets <= 1)).all()):
        raise BadLabels("a label is outside [0, 1]; label the features again")
    return targets


def _batches(
    orders: np.random.Generator, segment_count: int, settings: TrainingSettings
) -> list[NDArray[np.int64]]:
    """Numbers of the segments of each step of an epoch: every pass in a new order."""
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
    """Mean loss over the segments; the sum stays on the device until the end."""
    detector.train()
    precision = choose_precision(detector.settings.matmul_precision, targets.device)
    total = torch.zeros((), dtype=torch.float64, device=targets.device)
    for features, batch in feeder.batches(batches):
        loss = _loss(detector, features, targets[batch], precision)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        clip_grad_norm_(detector.parameters(), detector.settings.max_gradient_norm)
        optimiser.step()
        total += loss.detach() * len(batch)
    return float(total) / sum(map(len, batches))


def choose_precision(asked: TrainingPrecision, device: torch.device) -> TrainingPrecision:
    """`auto` is bf16 on a CPU that multiplies it natively, else fp32 (see TrainingSettings)."""
    if asked != "auto":
        return asked
    return "bf16" if device.type == "cpu" and has_native_bf16() else "fp32"


def has_native_bf16() -> bool:
    """Whether this CPU multiplies bf16 in hardware."""
    if not hasattr(torch.cpu, "get_capabilities"):  # torch 2.6
        return bool(torch.cpu._is_avx512_bf16_supported())
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _loss(
    detector: Detector, features: Tensor, targets: Tensor, precision: TrainingPrecision
) -> Tensor:
    """Binary cross entropy of the mean over crops; the sums are float32 in either precision."""
    half = precision == "bf16"
    with torch.autocast(features.device.type, dtype=torch.bfloat16, enabled=half):
        logits = detector.logits(features)
    scores = logits.float().sigmoid().mean(dim=1)
    # A NaN would stop torch's function (on a GPU, the device): it goes into the loss beside it.
    return binary_cross_entropy(scores.nan_to_num(0.5), targets) + 0 * scores.sum()
