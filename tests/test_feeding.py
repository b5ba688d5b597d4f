"""How segments reach the training: each once, ahead but bounded, or already on the device."""

import threading
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from c2fpl.models.detection.detector import segment_scores
from c2fpl.models.detection.feeding import ResidentFeeder
from c2fpl.models.detection.training import train
from c2fpl.models.settings import TrainingSettings
from c2fpl.models.sources import ArraySource, locate
from separable_segments import separable, short, weights


def test_every_segment_is_seen_once_an_epoch_in_a_new_order() -> None:
    values, labels = separable(70)
    source = Recording([values])
    train(source, labels, short(epochs=3), device="cpu")
    epochs = np.split(np.array(source.seen), 3)
    assert all(sorted(epoch) == list(range(70)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_few_segments_are_gone_through_until_an_epoch_has_its_steps() -> None:
    values, labels = separable(70)
    source = Recording([values])
    settings = TrainingSettings(epochs=2, epoch_steps=7, batch_size=32)
    train(source, labels, settings, device="cpu")
    passes = np.split(np.array(source.seen), 6)  # 3 steps a pass: 3 passes of 70 an epoch
    assert all(sorted(one) == list(range(70)) for one in passes)
    assert len({tuple(one) for one in passes}) == 6


@given(segments=st.integers(1, 20_000), steps=st.integers(1, 80), batch=st.integers(1, 300))
def test_no_pass_more_is_made_than_the_steps_ask_for(segments: int, steps: int, batch: int) -> None:
    passes = TrainingSettings(epoch_steps=steps, batch_size=batch).passes(segments)
    of_one = -(-segments // batch)
    assert passes * of_one >= steps
    assert passes == 1 or (passes - 1) * of_one < steps


def test_a_set_of_a_benchmarks_size_is_gone_through_once_an_epoch() -> None:
    assert TrainingSettings().passes(3_200) == 1
    assert TrainingSettings().passes(304) == 9  # Ped2: three steps a pass


class Recording(ArraySource):
    """Remembers which segments were asked for; batches are asked for in their order here."""

    def __init__(self, videos: list[NDArray[np.float32]]) -> None:
        super().__init__(videos)
        self.seen: list[int] = []
        self._lock = threading.Lock()

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        with self._lock:
            self.seen.extend(indices.tolist())
        return super().gather(indices)


def test_read_ahead_is_bounded() -> None:
    source = Endless(10_000)
    tracemalloc.start()
    train(source, np.zeros(len(source)), TrainingSettings(epochs=1), device="cpu")
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    whole_bytes = len(source) * 4 * 64 * 4
    assert peak_bytes < whole_bytes / 5


class Endless:
    """Segments made when they are asked for, like those of a file."""

    crops, dim, dtype = 4, 64, np.dtype(np.float32)

    def __init__(self, segments: int) -> None:
        self._segments = segments

    def __len__(self) -> int:
        return self._segments

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.ones((len(indices), self.crops, self.dim), np.float32)


def test_an_error_of_the_source_reaches_the_caller_and_no_thread_stays() -> None:
    class Broken(Endless):
        def gather(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
            raise OSError("the disk is gone")

    before = threading.active_count()
    with pytest.raises(OSError, match="the disk is gone"):
        train(Broken(1000), np.zeros(1000), short(), device="cpu")
    assert threading.active_count() == before


def test_locate_finds_the_video_of_a_segment() -> None:
    videos, segments = locate(np.array([0, 2, 3, 4, 5]), np.array([3, 5, 6]))
    assert videos.tolist() == [0, 0, 1, 1, 2]
    assert segments.tolist() == [0, 2, 0, 1, 0]


def test_segments_already_on_the_device_train_the_same_detector() -> None:
    values, labels = separable(100)
    resident = ResidentFeeder(ArraySource([values]), torch.device("cpu"))
    streamed = train(ArraySource([values]), labels, short(), device="cpu")
    for _ in range(2):
        assert weights(train(resident, labels, short(), device="cpu")) == weights(streamed)


def test_halves_on_the_device_are_the_halves_of_the_source() -> None:
    values, _ = separable(50)
    source = ArraySource([values.astype(np.float16)])
    resident = ResidentFeeder(source, torch.device("cpu"))
    order = np.random.default_rng(0).permutation(50)
    (features, index), *_ = resident.batches([order])
    assert np.array_equal(features.numpy(), source.gather(order))
    assert np.array_equal(index.numpy(), order)


@pytest.mark.gpu
def test_the_gpu_learns_the_same_from_its_memory_and_from_a_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    values, labels = separable()
    resident = train(ArraySource([values]), labels, short(epochs=5), device="cuda")
    monkeypatch.setattr("c2fpl.models.detection.feeding._RESIDENT_SHARE", 0.0)
    streamed = train(ArraySource([values]), labels, short(epochs=5), device="cuda")
    np.testing.assert_allclose(
        segment_scores(resident, values), segment_scores(streamed, values), atol=1e-4
    )
