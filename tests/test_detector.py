import numpy as np
import pytest
import torch

from c2fpl.errors import BadDetector
from c2fpl.models.detection.detector import Detector, SeededDropout, chunk_scores, segment_scores
from c2fpl.models.settings import Attention, Softmax, TrainingSettings

FORMS: list[tuple[Attention, Softmax]] = [
    ("residual", "feature"),
    ("residual", "batch"),
    ("multiplicative", "feature"),
    ("multiplicative", "batch"),
    ("none", "feature"),
]


def settings(attention: Attention = "residual", softmax: Softmax = "feature") -> TrainingSettings:
    return TrainingSettings(attention=attention, softmax=softmax)


def parameter_count(detector: Detector) -> int:
    return sum(parameter.numel() for parameter in detector.parameters())


def test_parameter_counts_are_the_published_ones() -> None:
    assert parameter_count(Detector(2048, settings())) == 2_131_041
    assert parameter_count(Detector(2048, settings("none"))) == 1_065_537


@pytest.mark.parametrize(("attention", "softmax"), FORMS)
def test_the_forward_pass_is_the_formula_of_the_supplementary(
    attention: Attention, softmax: Softmax
) -> None:
    detector = Detector(6, settings(attention, softmax)).eval()
    batch = torch.randn(4, 3, 6, generator=torch.Generator().manual_seed(1))
    weights = {name: value.double() for name, value in detector.state_dict().items()}
    hidden = batch.double()
    for layer in ("first", "second"):
        fc = hidden @ weights[f"{layer}.linear.weight"].T + weights[f"{layer}.linear.bias"]
        if attention != "none":
            s = hidden @ weights[f"{layer}.attention.weight"].T + weights[f"{layer}.attention.bias"]
            s = s.exp() / s.exp().sum(dim=2 if softmax == "feature" else 0, keepdim=True)
            fc = fc * s + fc if attention == "residual" else fc * s
        hidden = fc.clamp(min=0)
    logits = hidden @ weights["last.weight"].T + weights["last.bias"]
    expected = 1 / (1 + (-logits[..., 0]).exp())
    torch.testing.assert_close(detector(batch).double(), expected, atol=1e-6, rtol=1e-5)


def test_weights_are_xavier_uniform_and_biases_zero() -> None:
    detector = Detector(2048, settings())
    for layer, fan in ((detector.first.linear, 2048 + 512), (detector.last, 32 + 1)):
        bound = (6 / fan) ** 0.5
        assert float(layer.weight.detach().abs().max()) <= bound
        assert float(layer.weight.detach().abs().max()) > 0.8 * bound
        assert not layer.bias.detach().any()
    spread = float(detector.first.linear.weight.detach().std())
    assert spread == pytest.approx((2 / 2560) ** 0.5, rel=0.01)


def test_weights_follow_from_the_seed_and_from_nothing_else() -> None:
    state = torch.get_rng_state()
    first = Detector(8, TrainingSettings(seed=3))
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(99)
    same, other = Detector(8, TrainingSettings(seed=3)), Detector(8, TrainingSettings(seed=4))
    assert torch.equal(first.first.linear.weight, same.first.linear.weight)
    assert not torch.equal(first.first.linear.weight, other.first.linear.weight)


def test_dropout_stands_after_each_hidden_layer() -> None:
    detector = Detector(8, TrainingSettings(dropout=0.6))
    hidden = detector.first(torch.ones(1000, 1, 8))
    never_zero = detector.first.eval()(torch.ones(1, 1, 8))[0, 0] > 0
    assert float((hidden[..., never_zero] == 0).float().mean()) == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.6])
def test_dropout_keeps_the_mean_and_scales_what_it_keeps(rate: float) -> None:
    dropout = SeededDropout(rate)
    dropout.generator = torch.Generator().manual_seed(0)
    dropped = dropout(torch.ones(999, 301))
    assert float(dropped.mean()) == pytest.approx(1, abs=0.01)
    assert sorted(dropped.unique().tolist())[-1] == pytest.approx(1 / (1 - rate), rel=1e-4)
    assert float((dropped == 0).float().mean()) == pytest.approx(rate, abs=0.005)


def test_dropout_follows_from_its_generator_alone_and_differs_each_time() -> None:
    first, second = SeededDropout(0.5), SeededDropout(0.5)
    for dropout in (first, second):
        dropout.generator = torch.Generator().manual_seed(7)
    once = first(torch.ones(40, 5))
    assert torch.equal(once, second(torch.ones(40, 5)))
    assert not torch.equal(once, first(torch.ones(40, 5)))


@pytest.mark.parametrize(("attention", "softmax"), FORMS)
def test_segment_scores_are_means_over_crops_in_the_unit_interval(
    attention: Attention, softmax: Softmax
) -> None:
    values = np.random.default_rng(0).gamma(1, 1, (70, 10, 8)).astype(np.float32)
    detector = Detector(8, settings(attention, softmax))
    scores = segment_scores(detector, values)
    with torch.inference_mode():
        expected = detector.eval()(torch.from_numpy(values)).mean(dim=1).numpy()
    assert scores.dtype == np.float32
    assert scores.shape == (70,)
    assert (scores >= 0).all() and (scores <= 1).all()
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


def test_a_batch_softmax_runs_over_blocks_of_neighbours_of_nearly_equal_length() -> None:
    values = np.random.default_rng(0).gamma(1, 1, (130, 2, 8)).astype(np.float32)
    detector = Detector(8, settings("residual", "batch"))
    scores = segment_scores(detector, values)
    halves = [segment_scores(detector, half) for half in (values[:65], values[65:])]
    assert np.array_equal(scores, np.concatenate(halves))


@pytest.mark.parametrize("softmax", ["feature", "batch"])
@pytest.mark.parametrize("lengths", [[1] * 300, [300], [128, 128, 44], [7, 293], [0, 299, 1]])
def test_scores_do_not_depend_on_the_chunks_that_a_video_comes_in(
    softmax: Softmax, lengths: list[int]
) -> None:
    values = np.random.default_rng(0).gamma(1, 1, (300, 2, 8)).astype(np.float16)
    detector = Detector(8, settings("residual", softmax))
    chunks = np.split(values, np.cumsum(lengths)[:-1])
    assert np.array_equal(
        chunk_scores([detector], chunks, 300)[0], segment_scores(detector, values)
    )


def test_several_detectors_score_one_pass_of_chunks() -> None:
    values = np.random.default_rng(0).gamma(1, 1, (200, 2, 8)).astype(np.float32)
    detectors = [Detector(8, TrainingSettings(seed=seed)) for seed in (0, 1)]
    scores = chunk_scores(detectors, iter([values[:50], values[50:]]), 200)
    assert scores.shape == (2, 200)
    assert all(
        np.array_equal(row, segment_scores(detector, values))
        for row, detector in zip(scores, detectors, strict=True)
    )


@pytest.mark.parametrize("count", [299, 301, 100])
def test_a_video_with_more_or_fewer_segments_than_announced_is_refused(count: int) -> None:
    detector = Detector(8, settings())
    with pytest.raises(BadDetector, match=f"read 300 of {count} segments"):
        chunk_scores([detector], [np.zeros((300, 2, 8), np.float32)], count)


def test_feature_scores_do_not_depend_on_the_neighbours() -> None:
    values = np.random.default_rng(0).gamma(1, 1, (300, 2, 8)).astype(np.float32)
    detector = Detector(8, settings())
    alone = [segment_scores(detector, values[k : k + 1])[0] for k in range(300)]
    np.testing.assert_allclose(segment_scores(detector, values), alone, rtol=1e-6)


def test_scoring_reads_float16_and_leaves_the_mode_as_it_was() -> None:
    values = np.random.default_rng(0).gamma(1, 1, (5, 2, 8)).astype(np.float16)
    detector = Detector(8, settings()).train()
    scores = segment_scores(detector, values)
    assert detector.training
    assert np.array_equal(scores, segment_scores(detector, values.astype(np.float32)))


def test_features_of_another_backbone_are_refused() -> None:
    with pytest.raises(BadDetector, match=r"shape \(3, 2, 9\) for a detector of dim 8"):
        segment_scores(Detector(8, settings()), np.zeros((3, 2, 9), np.float32))
