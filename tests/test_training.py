"""Training: what is learnt, by which steps, and always the same for a seed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn.functional import binary_cross_entropy

from c2fpl.errors import BadLabels, TrainingDiverged
from c2fpl.models.detection import training
from c2fpl.models.detection.detector import Detector, segment_scores
from c2fpl.models.detection.training import Epoch, train
from c2fpl.models.settings import Attention, Softmax, TrainingPrecision, TrainingSettings
from c2fpl.models.sources import ArraySource
from separable_segments import DIM, separable, short, weights


@pytest.mark.parametrize(
    ("attention", "softmax"),
    [("residual", "feature"), ("residual", "batch"), ("none", "feature")],
)
def test_a_detector_learns_what_the_labels_say(attention: Attention, softmax: Softmax) -> None:
    values, labels = separable()
    settings = TrainingSettings(
        attention=attention, softmax=softmax, epochs=8, epoch_steps=1, batch_size=32
    )
    detector = train(ArraySource([values]), labels, settings, device="cpu")
    scores = segment_scores(detector, values)
    auc = np.mean(scores[labels == 1][:, None] > scores[labels == 0])
    assert auc > 0.98


@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16"])
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(
    precision: TrainingPrecision,
) -> None:
    values, labels = separable(200)
    runs = [
        train(
            ArraySource([values]),
            labels,
            TrainingSettings(seed=seed, epochs=2, batch_size=32, matmul_precision=precision),
            device="cpu",
        )
        for seed in (5, 5, 6)
    ]
    assert weights(runs[0]) == weights(runs[1]) != weights(runs[2])


def test_training_neither_reads_nor_changes_the_global_random_states() -> None:
    values, labels = separable(100)
    first = train(ArraySource([values]), labels, short(), device="cpu")
    torch.manual_seed(1234)
    state = torch.get_rng_state()
    second = train(ArraySource([values]), labels, short(), device="cpu")
    assert torch.equal(torch.get_rng_state(), state)
    assert weights(first) == weights(second)


@pytest.mark.parametrize("max_gradient_norm", [np.inf, 0.05])
def test_one_step_is_nesterov_on_the_mean_of_the_crops(max_gradient_norm: float) -> None:
    values, labels = separable(20)
    settings = TrainingSettings(
        epochs=1,
        epoch_steps=1,
        batch_size=20,
        dropout=0,
        weight_decay=0.01,
        matmul_precision="fp32",
        max_gradient_norm=max_gradient_norm,
    )
    trained = train(ArraySource([values]), labels, settings, device="cpu")
    plain = Detector(DIM, settings)
    scores = plain(torch.from_numpy(values)).mean(dim=1)
    torch.autograd.backward(binary_cross_entropy(scores, torch.from_numpy(labels)))
    gradients = [one.grad for one in plain.parameters() if one.grad is not None]
    norm = float(torch.cat([one.flatten() for one in gradients]).norm())
    assert norm > 0.05
    shortened = min(1, max_gradient_norm / norm)
    for name, parameter in plain.named_parameters():
        assert parameter.grad is not None
        gradient = shortened * parameter.grad + 0.01 * parameter.detach()
        expected = parameter.detach() - 0.01 * (1 + 0.9) * gradient  # first Nesterov step
        torch.testing.assert_close(
            trained.get_parameter(name).detach(), expected, rtol=1e-4, atol=1e-6
        )


def test_dropout_is_on_in_every_epoch() -> None:
    values, labels = separable(64)
    losses: dict[float, list[float]] = {0.0: [], 0.6: []}
    for rate, seen in losses.items():
        settings = TrainingSettings(
            epochs=2, epoch_steps=1, batch_size=64, dropout=rate, learning_rate=1e-9
        )

        def look(epoch: Epoch, seen: list[float] = seen) -> None:
            seen.append(epoch.loss)
            segment_scores(epoch.detector, values)

        train(ArraySource([values]), labels, settings, device="cpu", after_epoch=look)
    assert losses[0.0][0] == pytest.approx(losses[0.0][1], rel=1e-5)
    assert abs(losses[0.6][0] - losses[0.6][1]) > 1e-3


def test_the_learning_rate_falls_after_epochs_15_and_25() -> None:
    values, labels = separable(32)
    epochs: list[Epoch] = []
    train(ArraySource([values]), labels, short(epochs=27), device="cpu", after_epoch=epochs.append)
    rates = [epoch.learning_rate for epoch in epochs]
    assert rates == pytest.approx([1e-2] * 15 + [1e-3] * 10 + [1e-4] * 2)
    assert [epoch.number for epoch in epochs] == list(range(1, 28))
    assert all(epoch.seconds > 0 for epoch in epochs)
    assert epochs[-1].loss < epochs[0].loss


def test_looking_at_the_detector_after_an_epoch_changes_nothing() -> None:
    values, labels = separable(100)

    def look(epoch: Epoch) -> None:
        segment_scores(epoch.detector, values)

    looked = train(ArraySource([values]), labels, short(), device="cpu", after_epoch=look)
    assert weights(looked) == weights(train(ArraySource([values]), labels, short(), device="cpu"))


def test_how_the_segments_are_cut_into_videos_changes_nothing() -> None:
    values, labels = separable(100)
    one = train(ArraySource([values]), labels, short(), device="cpu")
    three = train(
        ArraySource([values[:1], values[1:60], values[60:]]), labels, short(), device="cpu"
    )
    assert weights(one) == weights(three)


def test_features_far_beyond_the_usual_do_not_lengthen_a_step() -> None:
    """Steps of norm 229 and longer left detectors with a loss of 30 (bf16, x1000)."""
    values, labels = separable(40)
    usual = TrainingSettings()
    steps: dict[float, float] = {}
    for limit in (np.inf, usual.max_gradient_norm):
        settings = replace(
            usual, max_gradient_norm=limit, epochs=1, epoch_steps=1, dropout=0, weight_decay=0
        )
        trained = train(ArraySource([100 * values]), labels, settings, device="cpu")
        before = Detector(DIM, settings)
        moved = [
            (after - first).flatten()
            for after, first in zip(trained.parameters(), before.parameters(), strict=True)
        ]
        steps[limit] = float(torch.cat(moved).norm()) / (1.9 * usual.learning_rate)
    assert steps[usual.max_gradient_norm] <= usual.max_gradient_norm * 1.001
    assert steps[np.inf] > 10 * usual.max_gradient_norm


def test_soft_labels_are_learnt_as_they_are() -> None:
    values = np.ones((64, 1, DIM), np.float32)
    settings = TrainingSettings(
        epochs=60, epoch_steps=2, batch_size=32, dropout=0, learning_rate=0.1
    )
    detector = train(ArraySource([values]), np.full(64, 0.3), settings, device="cpu")
    assert segment_scores(detector, values)[0] == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(9), r"labels of shape \(9,\) for 10 segments"),
        (np.full(10, 1.5), r"outside \[0, 1\]"),
        (np.full(10, np.nan), r"outside \[0, 1\]"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: NDArray[np.float64], message: str) -> None:
    with pytest.raises(BadLabels, match=message):
        train(ArraySource([np.zeros((10, 1, DIM), np.float32)]), labels, short(), device="cpu")


def test_a_loss_that_is_no_number_stops_the_training() -> None:
    values, labels = separable(40)
    values[3] = np.nan
    with pytest.raises(TrainingDiverged, match="loss of epoch 1 is nan; every feature must be"):
        train(ArraySource([values]), labels, short(), device="cpu")


def test_a_small_batch_is_trained_on_one_thread_and_a_large_one_on_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values, labels = separable(70)
    usual = torch.get_num_threads()
    found: list[int] = []

    def note(_: object = None) -> None:
        found.append(torch.get_num_threads())

    torch.set_num_threads(3)
    try:
        for per_thread in (training.VALUES_PER_THREAD, values.size // 2, 1):
            monkeypatch.setattr(training, "VALUES_PER_THREAD", per_thread)
            train(
                *(ArraySource([values]), labels, replace(short(epochs=1), batch_size=10**6)),
                device="cpu",
                after_epoch=note,
            )
            note()
    finally:
        torch.set_num_threads(usual)
    assert found == [1, 3, 2, 3, 3, 3]
