import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures
from c2fpl.models.sources import ArraySource
from c2fpl.pipeline.features import segment_store
from c2fpl.pipeline.features.array_blocks import stored_features
from c2fpl.pipeline.features.segment_store import SegmentStore

COUNTS = (3, 1, 7, 2)


def saved(folder: Path, dtype: str = "float32") -> tuple[list[Path], list[NDArray[np.float32]]]:
    rng = np.random.default_rng(0)
    videos = [rng.standard_normal((count, 2, 5)).astype(dtype) for count in COUNTS]
    paths = [folder / f"video {number}.npy" for number in range(len(videos))]
    for path, video in zip(paths, videos, strict=True):
        np.save(path, video)
    return paths, videos


def store_of(paths: list[Path]) -> SegmentStore:
    return SegmentStore([stored_features(str(path), path) for path in paths])


def open_files() -> set[str]:
    return {link.name for link in Path("/proc/self/fd").iterdir() if "video" in str(target(link))}


def target(link: Path) -> Path:
    return link.readlink() if link.is_symlink() else link


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_store_gives_what_the_arrays_hold(tmp_path: Path, dtype: str) -> None:
    paths, videos = saved(tmp_path, dtype)
    store = store_of(paths)
    indices = np.random.default_rng(1).integers(0, sum(COUNTS), 40)
    expected = np.concatenate(videos)[indices].astype(np.float32)
    assert np.array_equal(store.gather(indices), expected)
    assert np.array_equal(ArraySource(videos).gather(indices), expected)
    assert (len(store), store.crops, store.dim, store.dtype.name) == (13, 2, 5, dtype)


def test_no_more_files_are_open_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_store, "_MOST_OPEN_FILES", 2)
    paths, videos = saved(tmp_path)
    before = open_files()
    store = store_of(paths)
    assert np.array_equal(store.gather(np.arange(13)), np.concatenate(videos))
    assert len(open_files() - before) == 2
    del store
    assert not open_files() - before


def test_threads_read_whole_rows_while_files_come_and_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment_store, "_MOST_OPEN_FILES", 1)
    paths, videos = saved(tmp_path)
    store, every = store_of(paths), np.concatenate(videos)
    orders = [np.random.default_rng(seed).permutation(13) for seed in range(200)]
    with ThreadPoolExecutor(8) as pool:
        for order, read in zip(orders, pool.map(store.gather, orders), strict=True):
            assert np.array_equal(read, every[order])


def test_two_axes_are_one_crop(tmp_path: Path) -> None:
    values = np.arange(15, dtype=np.float32).reshape(3, 5)
    np.save(tmp_path / "a.npy", values)
    store = store_of([tmp_path / "a.npy"])
    np.testing.assert_array_equal(store.gather(np.array([2, 0])), values[[2, 0], np.newaxis])


def test_a_pickled_file_is_refused_and_never_run(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(BadFeatures, match=r"a\.npy holds pickled objects"):
        stored_features("a", tmp_path / "a.npy")


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(5, np.float32),
        np.zeros((0, 2, 5), np.float32),
        np.zeros((2, 2, 5), np.float64),
        np.zeros((2, 2, 5), ">f4"),
        np.asfortranarray(np.zeros((2, 2, 5), np.float32)),
    ],
)
def test_other_arrays_are_refused_with_what_they_hold(
    tmp_path: Path, array: NDArray[np.float32]
) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(BadFeatures, match=r"a\.npy holds .* of shape .* extract or"):
        store_of([tmp_path / "a.npy"])


def test_a_file_that_is_no_array_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_text("no array")
    with pytest.raises(BadFeatures, match=r"a\.npy is not a \.npy file"):
        store_of([tmp_path / "a.npy"])


def test_a_file_cut_short_is_refused_before_and_during_the_reading(tmp_path: Path) -> None:
    paths, _ = saved(tmp_path)
    store = store_of(paths)
    whole_bytes = paths[2].stat().st_size
    os.truncate(paths[2], whole_bytes - 4)
    with pytest.raises(
        BadFeatures, match=r"claims shape \(7, 2, 5\) of float32, 280 bytes, but holds 276"
    ):
        store_of(paths)
    with pytest.raises(OSError, match="changed during training"):
        store.gather(np.arange(13))


def test_files_of_different_forms_are_refused_by_name(tmp_path: Path) -> None:
    paths, _ = saved(tmp_path)
    np.save(paths[1], np.zeros((2, 2, 6), np.float32))
    with pytest.raises(BadFeatures, match=r"video 1\.npy': \(2, 6, 'float32'\)"):
        store_of(paths)
    with pytest.raises(BadFeatures, match="found none"):
        store_of([])


def test_array_source_refuses_mixed_videos() -> None:
    with pytest.raises(BadFeatures, match=r"must all be \(segments, crops, dim\)"):
        ArraySource([np.zeros((2, 2, 5)), np.zeros((2, 2, 6))])
