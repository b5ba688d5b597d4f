from dataclasses import asdict

import numpy as np
import pytest
from numpy.typing import NDArray

import plain_labels
from c2fpl.errors import BadFeatures
from c2fpl.models.labels.summaries import describe, segment_norms
from c2fpl.models.settings import LabelSettings, OwnVideoLabels


def features(segments: int, crops: int = 10, dim: int = 2048, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return rng.gamma(0.3, 1.0, (segments, crops, dim)).astype(np.float32)


@pytest.mark.parametrize("segments", [1, 2, 63, 64, 65, 200])
def test_squared_norms_are_the_notebooks_to_the_bit(segments: int) -> None:
    values = features(segments)
    assert np.array_equal(segment_norms(values, "squared"), plain_labels.released_norms(values))
    assert segment_norms(values, "squared").dtype == np.float32


@pytest.mark.parametrize(("crops", "dim"), [(1, 192), (5, 1024), (10, 1), (1, 1)])
def test_squared_norms_are_the_notebooks_for_any_crops_and_dim(crops: int, dim: int) -> None:
    values = features(130, crops, dim)
    assert np.array_equal(segment_norms(values, "squared"), plain_labels.released_norms(values))


def test_l2_norms_are_the_plain_ones() -> None:
    values = features(70, 3, 50)
    np.testing.assert_allclose(
        segment_norms(values, "l2"), plain_labels.paper_norms(values), rtol=1e-6
    )


def test_norms_of_a_countable_case() -> None:
    values = np.array([[[3.0, 4.0], [0.0, 0.0]]], dtype=np.float32)
    assert segment_norms(values, "l2").tolist() == [2.5]
    assert segment_norms(values, "squared").tolist() == [12.5]


def test_float16_features_are_added_in_float32() -> None:
    values = np.full((2, 1, 4096), 8.0, dtype=np.float16)  # 262,144: beyond float16
    assert segment_norms(values, "squared").tolist() == [262144.0, 262144.0]


def test_norms_do_not_depend_on_memory_layout() -> None:
    values = features(20, 10, 64)
    crops_first = np.asfortranarray(values)
    assert np.array_equal(segment_norms(crops_first, "squared"), segment_norms(values, "squared"))


def test_mean_and_sample_spread() -> None:
    norms = np.array([1.0, 2.0, 6.0], dtype=np.float32)
    assert describe(norms, "std").tolist() == [3.0, pytest.approx(7**0.5)]
    assert describe(norms, "variance").tolist() == [3.0, 7.0]
    assert describe(norms, "variance").dtype == np.float32


def test_one_segment_has_no_spread() -> None:
    assert describe(np.array([5.0], dtype=np.float32), "std").tolist() == [5.0, 0.0]
    assert describe(np.array([5.0], dtype=np.float32), "variance").tolist() == [5.0, 0.0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_a_value_that_is_not_finite_names_its_segment(bad: float) -> None:
    values = features(5, 2, 8)
    values[3, 1, 2] = bad
    with pytest.raises(BadFeatures, match=r"segment 3 has a norm of .*must be finite"):
        segment_norms(values, "squared")


@pytest.mark.parametrize("shape", [(0, 10, 8), (4, 0, 8), (4, 8), (4,)])
def test_other_axes_are_refused_with_what_was_seen(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadFeatures, match=r"are not \(segments, crops, dim\)"):
        segment_norms(np.zeros(shape, dtype=np.float32), "l2")


def test_each_method_has_its_switches() -> None:
    paper, released = LabelSettings().resolved(), LabelSettings(method="released").resolved()
    switches = ("norm", "spread", "split", "stop", "window", "window_length")
    assert [getattr(paper, name) for name in switches] == [
        "l2", "std", "smaller-part", "literal", "lowest-mean-p", "ceil",
    ]  # fmt: skip
    assert [getattr(released, name) for name in switches] == [
        "squared", "variance", "low-likelihood", "literal", "largest-variation", "floor",
    ]  # fmt: skip


def test_refined_drops_the_switches_of_the_other_methods() -> None:
    given = LabelSettings(
        method="refined", seed=3, eta=0.5, beta=0.1, norm="l2", window="lowest-mean-p"
    )
    assert given.resolved() == LabelSettings(method="refined")
    assert given.dropped() == ("eta", "beta", "norm", "window")
    assert LabelSettings(method="refined").dropped() == ()
    assert LabelSettings(method="released", eta=0.5).dropped() == ()


def test_a_switch_that_is_set_stays() -> None:
    settings = LabelSettings(method="released", norm="l2", stop="before").resolved()
    assert (settings.norm, settings.stop, settings.spread) == ("l2", "before", "variance")
    assert settings.resolved() == settings


def test_own_videos_are_labelled_by_refined_and_benchmarks_by_paper() -> None:
    assert OwnVideoLabels().method == "refined"
    assert asdict(OwnVideoLabels(method="paper").resolved()) == asdict(LabelSettings().resolved())
    assert LabelSettings().method == "paper"
