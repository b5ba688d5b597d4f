"""`c2fpl convert`: every published layout becomes plain arrays; halving is asked for, not done."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from c2fpl.pipeline import cli


def convert(*arguments: Any) -> Any:
    with pytest.raises(SystemExit) as exit_info:
        cli.main(["convert", *map(str, arguments)])
    return exit_info.value.code


@pytest.fixture
def crop_files(tmp_path: Path) -> Any:
    """Two videos as XD-Violence has them: five files (segments, 1024) each."""
    values = np.random.default_rng(0).normal(size=(2, 7, 5, 1024)).astype(np.float32)
    folder = tmp_path / "published"
    folder.mkdir()
    for name, video in zip("ab", values, strict=True):
        for crop in range(5):
            np.save(folder / f"{name}__{crop}.npy", video[:, crop])
    return folder, values


@pytest.mark.parametrize(("dtype", "stored"), [("keep", "float32"), ("float16", "float16")])
def test_crop_files_become_one_array_a_video(
    crop_files: Any, tmp_path: Path, dtype: Any, stored: Any
) -> None:
    folder, values = crop_files
    assert convert(folder, "-o", tmp_path / "out", "--dtype", dtype) == 0
    for name, video in zip("ab", values, strict=True):
        found = np.load(tmp_path / "out" / f"{name}.npy")
        assert found.dtype == stored
        np.testing.assert_array_equal(found, video.astype(stored))
