"""What labels, training and scores can be told, checked at birth. Imports no torch, no sklearn."""

import math
from dataclasses import dataclass, fields, replace
from typing import Literal

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


@dataclass(frozen=True, kw_only=True)
class LabelSettings:
    """The switches of the coarse and fine pseudo-labels (METHOD: C2FPL Algorithms 1 and 2).

    A switch left at None takes the value of its `method`.
    """

    method: Method = "paper"
    """`paper` as the paper says, `released` as the published notebook does, `refined` ours: it
    reads no other setting of labels."""
    eta: float = 1.0
    """Ratio of anomalous to normal videos at which the coarse split ends (notebook cell 15)."""
    beta: float = 0.2
    """Share of a video's segments inside its anomalous window (notebook cell 25)."""
    norm: Norm | None = None
    """The number that stands for a segment: mean over crops of the L2 norm, or of its square."""
    spread: Spread | None = None
    """Second number of a video beside the mean norm; both with ddof=1."""
    split: Split | None = None
    """Which videos leave the normal set each round: the mixture's smaller part, or the lowest 3 %
    of log-likelihood."""
    stop: Stop | None = None
    """`literal` splits while the ratio is at most eta (overshoots); `before` undoes the last step
    that passes eta."""
    window: Window | None = None
    """Window with the lowest mean p-value, or with the largest total variation of the p-value."""
    window_length: WindowLength | None = None
    """ceil(beta * m) or floor(beta * m) segments."""
    seed: int = 0
    """Random state of the mixtures (notebook: random_state=0)."""

    def __post_init__(self) -> None:
        if not self.eta > 0:
            raise ValueError(f"eta {self.eta} must be above 0; the paper uses 1.0")
        if not 0 < self.beta <= 1:
            raise ValueError(f"beta {self.beta} must be in (0, 1]; the paper uses 0.2")

    def dropped(self) -> tuple[str, ...]:
        """Names of the settings that were given and that the method does not read.

        The seed is none of them: it is given for the training as well.
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
        """The same settings with every None replaced by the value of the method.

        Source: METHOD sections 2, 3 and 8. `refined` has none of them: what is given is dropped
        (`dropped` tells), so that nothing is labelled again for it.
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
class TrainingSettings:
    """The detector and its optimisation (supplementary A; released mainv2.py and train.sh)."""

    attention: Attention = "residual"
    """H = FC*S + FC (residual), FC*S (multiplicative) or FC (none): supplementary A.1."""
    softmax: Softmax = "feature"
    """Axis of the attention's softmax: each vector's features, or the batch (supplementary A.2)."""
    epochs: int = 20
    """Each goes once through the segments (train.sh: 20), through few segments more often (the next
    setting); fixed in advance, the last one counts."""
    epoch_steps: int = 25
    """Fewest optimisation steps of an epoch: fewer than 3,200 segments (half an hour of video) are
    gone through several times in each, as 60 steps in all leave much to the seed (docs/methods.md).
    1 is one pass whatever the size (released)."""
    batch_size: int = 128
    """Segments a step, all crops of a segment together (released option.py)."""
    learning_rate: float = 0.01
    """SGD, momentum 0.9, Nesterov (released mainv2.py: the option --lr there is ignored)."""
    max_gradient_norm: float = 2.0
    """Longer gradients are shortened to this: a few segments whose features are a hundred times the
    others' send steps of norm 350, after which a detector is lost. Real C3D features reach 1.2 and
    their AUC is the same without; inf for none (released)."""
    weight_decay: float = 5e-4
    """L2 penalty (released mainv2.py)."""
    dropout: float = 0.6
    """After each hidden layer (supplementary A)."""
    matmul_precision: TrainingPrecision = "auto"
    """Arithmetic of the matrix products; weights and loss stay float32. auto is bf16 on a CPU with
    AVX512_BF16 or AMX (half the time; each seed's AUC the same to 0.001 on C3D features), else
    fp32."""
    seed: int = 0
    """Weights, shuffling and dropout all follow from it."""

    def __post_init__(self) -> None:
        for name in ("epochs", "epoch_steps", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name)} must be at least 1")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout {self.dropout} must be in [0, 1)")
        for name in ("learning_rate", "max_gradient_norm"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} {getattr(self, name)} must be above 0")
        for name in ("learning_rate", "weight_decay"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} {getattr(self, name)} must be a number of at least 0")

    def passes(self, segment_count: int) -> int:
        """How often an epoch goes through that many segments to make its steps."""
        steps_of_one = max(1, math.ceil(segment_count / self.batch_size))
        return math.ceil(self.epoch_steps / steps_of_one)


@dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """What is done to the detector's scores of one video, in this order (docs/methods.md)."""

    smoothing_segments: float = 0.0
    """Gaussian mean over neighbours in time: its standard deviation in segments (16 frames each);
    0 is off, 1 helps some sets and harms others by about a point."""
    calibration: float = 0.0
    """Share of the video's own level (log-odds of its median score) taken off; 0 is off, at 1 only
    what stands out within a video counts."""

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing_segments < math.inf:
            raise ValueError(
                f"smoothing segments {self.smoothing_segments} must be 0 (off) or more; 1 is mild"
            )
        if not 0 <= self.calibration <= 1:
            raise ValueError(f"calibration {self.calibration} must be in [0, 1]; 0 is off")
