"""Label, training and score settings, validated on construction. Imports no torch, no sklearn."""

import math
from dataclasses import dataclass, fields, replace
from typing import Literal

from c2fpl.errors import BadSettings
from c2fpl.field_checks import check_fields

Method = Literal["paper", "released", "refined"]
Norm = Literal["l2", "squared"]
Spread = Literal["std", "variance"]
Split = Literal["smaller-part", "low-likelihood"]
Stop = Literal["literal", "before"]
Window = Literal["lowest-mean-p", "largest-variation"]
WindowLength = Literal["ceil", "floor"]
Attention = Literal["residual", "multiplicative", "none"]
Softmax = Literal["feature", "batch"]
TrainingPrecision = Literal["auto", "fp32", "bf16"]
DetectorInput = Literal["auto", "absolute", "relative"]


@dataclass(frozen=True, kw_only=True)
class LabelSettings:
    """Settings of the coarse and fine pseudo-labels (paper, Algorithms 1 and 2; docs/method.md).

    A setting of None takes the value of the `method`.
    """

    method: Method = "paper"
    """paper follows the paper, released the authors' notebook, refined is our method
    (docs/methods.md); it ignores all other label settings."""
    eta: float = 1.0
    """Ratio of anomalous to normal videos at which the coarse split stops (notebook, cell 15)."""
    beta: float = 0.2
    """Fraction of a video's segments in its anomalous window (notebook, cell 25)."""
    norm: Norm | None = None
    """Magnitude of a segment: L2 norm of its features or the square of it, averaged over crops.
    paper uses l2, released squared."""
    spread: Spread | None = None
    """Spread of a video's magnitudes, used with their mean by the coarse split: standard
    deviation or variance, with ddof=1. paper uses std, released variance."""
    split: Split | None = None
    """Videos that leave the normal set in each round: the smaller component of the mixture, or the
    3 % with the lowest log-likelihood. paper uses smaller-part, released low-likelihood."""
    stop: Stop | None = None
    """literal splits while the ratio is at most eta, so the result can exceed eta; before undoes
    the round that exceeds it. Both methods use literal."""
    window: Window | None = None
    """Anomalous window: the one with the lowest mean density of its magnitudes, or with the largest
    total variation of the density. paper uses lowest-mean-p, released largest-variation."""
    window_length: WindowLength | None = None
    """Window length for m segments: beta m rounded up (ceil) or down (floor). paper uses ceil,
    released floor."""
    seed: int = 0
    """Random seed of the mixtures (notebook: random_state=0). `run` and `benchmark` train with it
    as well."""

    def __post_init__(self) -> None:
        check_fields(self)
        if not self.eta > 0:
            raise BadSettings(f"eta {self.eta} must be above 0; the paper uses 1.0")
        if not 0 < self.beta <= 1:
            raise BadSettings(f"beta {self.beta} must be in (0, 1]; the paper uses 0.2")

    def dropped(self) -> tuple[str, ...]:
        """Names of the given settings that the method ignores.

        The seed is not among them, because training uses it as well.
        """
        if self.method != "refined":
            return ()
        own = ("method", "seed")
        return tuple(
            each.name
            for each in fields(self)
            if each.name not in own and getattr(self, each.name) != each.default
        )

    def resolved(self) -> "LabelSettings":
        """The same settings with every None replaced by the value of the method (docs/method.md).

        `refined` ignores all of them (see `dropped`). They are reset to their defaults so that
        changing them does not trigger new labels.
        """
        if self.method == "refined":
            return LabelSettings(method="refined")
        released = self.method == "released"
        return replace(
            self,
            norm=self.norm or ("squared" if released else "l2"),
            spread=self.spread or ("variance" if released else "std"),
            split=self.split or ("low-likelihood" if released else "smaller-part"),
            stop=self.stop or "literal",
            window=self.window or ("largest-variation" if released else "lowest-mean-p"),
            window_length=self.window_length or ("floor" if released else "ceil"),
        )


@dataclass(frozen=True, kw_only=True)
class OwnVideoLabels(LabelSettings):
    """Labels of own videos, where no published figure is to be reproduced."""

    method: Method = "refined"
    """paper and released reproduce C2FPL: the paper's text, and the released code. refined is this
    project's method and the default for own videos; it reads no other setting of labels."""


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Detector and optimiser settings (supplementary A; released mainv2.py and train.sh)."""

    attention: Attention = "residual"
    """Output of an attention layer: S x FC + FC (residual), S x FC (multiplicative) or FC (none),
    where S is the attention (supplementary A.1)."""
    softmax: Softmax = "feature"
    """Axis of the attention's softmax: the features of each vector, or the batch (supplementary
    A.2)."""
    epochs: int = 20
    """Number of epochs (train.sh: 20). The detector of the last epoch is kept; there is no early
    stopping."""
    epoch_steps: int = 25
    """Minimum optimisation steps per epoch. With fewer than 3,200 segments (half an hour of video)
    an epoch makes several passes over them, because with few steps the result depends on the seed
    (docs/methods.md). 1 always makes one pass, as the released code does."""
    batch_size: int = 128
    """Segments per optimisation step, each with all its crops (released option.py)."""
    learning_rate: float = 0.01
    """Learning rate of SGD with Nesterov momentum 0.9 (released mainv2.py, which ignores its own
    option --lr)."""
    max_gradient_norm: float = 2.0
    """Clip gradients to this norm. A few segments with very large features can otherwise ruin a
    detector in one step; gradients of C3D features reach 1.2 and are not affected. inf turns
    clipping off, as in the released code."""
    weight_decay: float = 5e-4
    """Weight decay (L2 penalty) of the optimiser (released mainv2.py)."""
    detector_input: DetectorInput = "auto"
    """What the detector reads: the features (absolute), or how far each feature is from its median
    in the video (relative), for videos of many scenes. auto is what `refined` found for the data,
    and absolute for the other methods."""
    dropout: float = 0.6
    """Dropout rate after each hidden layer (supplementary A)."""
    matmul_precision: TrainingPrecision = "auto"
    """Arithmetic of matrix products; weights and loss stay float32. auto is bf16 on a CPU with
    AVX512_BF16 or AMX, else fp32. bf16 halves the time; on C3D features the AUC of each seed stays
    the same to 0.001."""
    seed: int = 0
    """Random seed of the initial weights, shuffling and dropout."""

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("epochs", "epoch_steps", "batch_size"):
            if getattr(self, name) < 1:
                raise BadSettings(f"{name} {getattr(self, name)} must be at least 1")
        if not 0 <= self.dropout < 1:
            raise BadSettings(f"dropout {self.dropout} must be in [0, 1)")
        for name in ("learning_rate", "max_gradient_norm"):
            if not getattr(self, name) > 0:
                raise BadSettings(f"{name} {getattr(self, name)} must be above 0")
        for name in ("learning_rate", "weight_decay"):
            if not 0 <= getattr(self, name) < math.inf:
                raise BadSettings(f"{name} {getattr(self, name)} must be a number of at least 0")

    def passes(self, segment_count: int) -> int:
        """Passes over `segment_count` segments that an epoch needs for its minimum of steps."""
        steps_of_one = max(1, math.ceil(segment_count / self.batch_size))
        return math.ceil(self.epoch_steps / steps_of_one)


@dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """Post-processing of the detector's scores of one video, in this order (docs/methods.md)."""

    smoothing_segments: float = 0.0
    """Standard deviation of Gaussian smoothing over time, in segments (16 frames each). 0 turns it
    off; 1 changes the AUC by about a point, up on some data sets and down on others."""
    calibration: float = 0.0
    """Fraction of the video's own level (log-odds of its median score) to subtract. 0 turns it off;
    with 1, scores only show what stands out within a video."""

    def __post_init__(self) -> None:
        check_fields(self)
        if not 0 <= self.smoothing_segments < math.inf:
            raise BadSettings(
                f"smoothing segments {self.smoothing_segments} must be at least 0; 0 turns it off"
            )
        if not 0 <= self.calibration <= 1:
            raise BadSettings(f"calibration {self.calibration} must be in [0, 1]; 0 turns it off")
