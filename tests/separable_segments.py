"""Segments whose labels can be learnt, settings that train in no time, a detector's weights."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from c2fpl.models.detection.detector import Detector
from c2fpl.models.settings import TrainingSettings

DIM: Final = 12


def separable(segments: int = 600) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rng = np.random.default_rng(0)
    labels = (rng.random(segments) < 0.3).astype(np.float32)
    values = rng.gamma(1, 1, (segments, 2, DIM)).astype(np.float32)
    values[labels == 1, :, :4] += 2
    return values, labels


def weights(detector: Detector) -> bytes:
    return b"".join(value.numpy().tobytes() for value in detector.state_dict().values())


def short(seed: int = 0, epochs: int = 2) -> TrainingSettings:
    return TrainingSettings(seed=seed, epochs=epochs, epoch_steps=1, batch_size=32)
