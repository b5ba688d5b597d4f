import numpy as np
import pytest

from c2fpl.models.float16 import as_float32

EVERY_HALF = np.arange(2**16, dtype=np.uint16).view(np.float16)


def test_every_finite_half_becomes_the_same_number() -> None:
    finite = EVERY_HALF[np.isfinite(EVERY_HALF)].reshape(2, -1)
    widened = as_float32(finite)
    assert widened.dtype == np.float32
    assert np.array_equal(widened.view(np.uint32), finite.astype(np.float32).view(np.uint32))


def test_infinite_and_missing_numbers_stay_what_they_are() -> None:
    assert np.array_equal(as_float32(EVERY_HALF), EVERY_HALF.astype(np.float32), equal_nan=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_other_floats_are_converted_as_numpy_does(dtype: str) -> None:
    values = np.random.default_rng(0).standard_normal((3, 4, 5)).astype(dtype).transpose(2, 0, 1)
    assert np.array_equal(as_float32(values), values.astype(np.float32))
    assert as_float32(values).flags.c_contiguous


def test_the_values_given_are_not_changed() -> None:
    values = np.array([[1.5, -2.0]], dtype=np.float16)
    as_float32(values)
    assert values.tolist() == [[1.5, -2.0]]


def test_views_of_any_layout_are_read_in_their_order() -> None:
    values = EVERY_HALF[: 6 * 4].reshape(6, 4).T
    assert np.array_equal(as_float32(values), values.astype(np.float32))
