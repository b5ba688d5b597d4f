"""Writing mp4: any size and any times give a playable file, or none."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.errors import BadVideo
from c2fpl.pipeline.report.mp4 import Mp4Writer
from run_folder import (
    Shown,
    frames_of,
)


def written(path: Path, pictures: Iterable[NDArray[np.uint8]], *times: float) -> list[Shown]:
    with Mp4Writer(path) as mp4:
        for picture, time_s in zip(pictures, times, strict=True):
            mp4.add(picture, time_s)
    return frames_of(path)


def plain(height: int, width: int, level: int = 120) -> NDArray[np.uint8]:
    return np.full((height, width, 3), level, dtype=np.uint8)


def test_odd_sizes_lose_their_last_row_and_column(tmp_path: Path) -> None:
    frames = written(tmp_path / "odd.mp4", [plain(33, 51)] * 4, 5, 5.1, 5.2, 5.3)
    assert [frame.picture.shape for frame in frames] == [(32, 50, 3)] * 4
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3])


def test_a_picture_of_another_size_is_fitted_to_the_first(tmp_path: Path) -> None:
    larger = plain(96, 160)
    larger[48:] = 240
    first, second = written(tmp_path / "a.mp4", [plain(32, 64), larger], 0, 1)
    assert first.picture.shape == second.picture.shape == (32, 64, 3)
    assert second.picture[:14].mean() == pytest.approx(120, abs=4)
    assert second.picture[18:].mean() == pytest.approx(240, abs=4)


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (8, 8), (15, 100)])
def test_tiny_pictures_are_enlarged(size: tuple[int, int], tmp_path: Path) -> None:
    frames = written(tmp_path / "tiny.mp4", [plain(*size)] * 2, 0, 1)
    assert len(frames) == 2
    assert min(frames[0].picture.shape[:2]) >= 16


def test_times_that_do_not_rise_are_made_to(tmp_path: Path) -> None:
    frames = written(tmp_path / "a.mp4", [plain(32, 32)] * 5, 3, 3, 3, 2.9, 3.5)
    times = [frame.time_s for frame in frames]
    assert all(a < b for a, b in pairwise(times))
    assert times[-1] == pytest.approx(0.5)


def test_pixels_keep_their_aspect(tmp_path: Path) -> None:
    path = tmp_path / "wide.mp4"
    with Mp4Writer(path) as mp4:
        mp4.add(plain(64, 64), 0, Fraction(16, 11))
    with av.open(str(path)) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(16, 11)


def test_nothing_to_write_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadVideo, match="no frames for"), Mp4Writer(tmp_path / "none.mp4"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_error_midway_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(KeyError), Mp4Writer(tmp_path / "none.mp4") as mp4:
        mp4.add(plain(32, 32), 0)
        raise KeyError
    assert list(tmp_path.iterdir()) == []
