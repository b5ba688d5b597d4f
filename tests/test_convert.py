"""`c2fpl convert`: every published layout becomes plain arrays; halving is asked for, not done."""

from pathlib import Path

import numpy as np
import pytest

from command_line import c2fpl
from feature_folders import drawn, save_double_underscore


@pytest.mark.parametrize(("dtype", "stored"), [("keep", "float32"), ("float16", "float16")])
def test_crop_files_become_one_array_a_video(tmp_path: Path, dtype: str, stored: str) -> None:
    values = drawn(5)
    save_double_underscore(tmp_path / "published", values)
    assert c2fpl("convert", tmp_path / "published", "-o", tmp_path / "out", "--dtype", dtype) == 0
    for name, video in values.items():
        found = np.load(tmp_path / "out" / f"{name}.npy")
        assert found.dtype == stored
        np.testing.assert_array_equal(found, video.astype(stored))
