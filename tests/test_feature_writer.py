"""Arrays that grow on disk: equal to what was given, and visible only when whole."""

import errno
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.pipeline.extraction.feature_writer import FeatureWriter, GrowingArray


def rows(count: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, 2, 5)).astype(np.float32)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_rows_given_in_parts_come_back_as_one_array(tmp_path: Path, dtype: str) -> None:
    whole = rows(7)
    with FeatureWriter(lambda key: tmp_path / f"{key}.npy", dtype) as writer:
        for part in np.split(whole, [2, 3]):
            writer.append("x", part)
        writer.publish("x", GrowingArray.publish)
    stored = np.load(tmp_path / "x.npy")
    assert stored.dtype == dtype
    np.testing.assert_array_equal(stored, whole.astype(dtype))


def test_videos_may_be_mixed_and_one_thrown_away(tmp_path: Path) -> None:
    with FeatureWriter(lambda key: tmp_path / f"{key}.npy", "float32") as writer:
        writer.append("a", rows(2, 1))
        writer.append("b", rows(3, 2))
        writer.append("a", rows(1, 3))
        writer.discard("b")
        writer.append("b", rows(1, 4))
        writer.publish("a", GrowingArray.publish)
        writer.publish("b", GrowingArray.publish)
    np.testing.assert_array_equal(
        np.load(tmp_path / "a.npy"), np.concatenate([rows(2, 1), rows(1, 3)])
    )
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), rows(1, 4))


def test_an_unfinished_video_leaves_nothing(tmp_path: Path) -> None:
    with FeatureWriter(lambda key: tmp_path / f"{key}.npy", "float32") as writer:
        writer.append("a", rows(2))
    assert list(tmp_path.iterdir()) == []


def test_values_beyond_float16_are_seen(tmp_path: Path) -> None:
    seen = []

    def look(array: GrowingArray) -> None:
        seen.append(array.finite)
        array.discard()

    with FeatureWriter(lambda key: tmp_path / f"{key}.npy", "float16") as writer:
        writer.append("a", np.full((1, 1, 1), 1e6, np.float32))
        writer.publish("a", look)
    assert seen == [False]


def test_an_error_of_the_disk_reaches_the_caller(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where a folder is wanted")
    with (
        pytest.raises(OSError, match="blocked"),
        FeatureWriter(lambda key: tmp_path / "blocked" / f"{key}.npy", "float32") as writer,
    ):
        writer.append("a", rows(1))


@pytest.mark.parametrize("failing", ["append", "publish"])
def test_nothing_is_published_after_a_failed_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """The disk is full for one write alone: the rows of that write are missing."""
    done: list[str] = []
    working = getattr(GrowingArray, failing)
    fails = iter([OSError(errno.ENOSPC, "No space left on device")])

    def write(array: GrowingArray, *values: NDArray[np.float32]) -> None:
        for error in fails:
            raise error
        working(array, *values)

    def publish(array: GrowingArray) -> None:
        array.publish()
        done.append("published")

    monkeypatch.setattr(GrowingArray, failing, write)
    started = threading.Event()
    with (
        pytest.raises(OSError, match="No space left"),
        FeatureWriter(lambda key: tmp_path / f"{key}.npy", "float32") as writer,
    ):
        writer._thread.submit(started.wait)  # all writes wait, so none can be refused early
        for _ in range(2):
            writer.append("a", rows(1))
        writer.publish("a", publish)
        writer.append("b", rows(1))
        writer.publish("b", publish)
        started.set()
    assert done == []
    assert list(tmp_path.iterdir()) == []
