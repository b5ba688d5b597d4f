"""Batches on a GPU, with the CPU in its place: spans of segments, and memory that runs out."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import nn

from c2fpl.extractors.encoding.cpu_encoder import clip_indices
from c2fpl.extractors.encoding.cuda_encoder import BatchedNetwork, ClipCutter, fastest_clip_count
from c2fpl.extractors.encoding.network import fast_form
from c2fpl.extractors.settings import Crops
from tiny import TINY, Frames, cpu_encoder, segments_of, tiny_network, with_copied_weights


@pytest.fixture(scope="module", name="tiny_network")
def tiny_network_fixture() -> nn.Module:
    return tiny_network()


class ForgetfulNetwork(nn.Module):
    """Runs out of memory above so many clips, as a GPU does."""

    def __init__(self, network: nn.Module, *, room: int) -> None:
        super().__init__()
        self.network = network
        self.room = room
        self.batches: list[int] = []

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(clips))
        if len(clips) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        features: torch.Tensor = self.network(clips)
        return features


def cutter_of(segments: Sequence[Frames], crops: Crops = 10) -> ClipCutter:
    return ClipCutter(
        [torch.from_numpy(frames[clip_indices(TINY)]) for frames in segments],
        TINY,
        crops,
        torch.float32,
    )


@pytest.mark.parametrize("clips", [1, 7, 10, 64])
def test_batches_that_span_segments_give_the_features_of_each(
    clips: int, tiny_network: nn.Module
) -> None:
    segments = segments_of(3, sizes=((20, 27), (31, 20)))
    fast = fast_form(with_copied_weights(tiny_network), TINY, torch.float32)
    network = ForgetfulNetwork(fast, room=64)
    found = BatchedNetwork(network, clips=clips)(cutter_of(segments))
    expected = cpu_encoder(tiny_network).encode(segments).reshape(30, 12)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)
    assert set(network.batches) == {clips}


def test_out_of_memory_halves_the_batch_says_so_and_goes_on(
    tiny_network: nn.Module, caplog: pytest.LogCaptureFixture
) -> None:
    segments = segments_of(2)
    fast = fast_form(with_copied_weights(tiny_network), TINY, torch.float32)
    network = BatchedNetwork(ForgetfulNetwork(fast, room=5), clips=16)
    found = network(cutter_of(segments))
    expected = cpu_encoder(tiny_network).encode(segments).reshape(20, 12)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-6)
    assert network.clips == 4
    assert [record.getMessage() for record in caplog.records] == [
        "out of GPU memory: continuing with 8 clips at a time",
        "out of GPU memory: continuing with 4 clips at a time",
    ]


def test_one_clip_that_does_not_fit_is_an_error(tiny_network: nn.Module) -> None:
    network = BatchedNetwork(ForgetfulNetwork(tiny_network, room=0), clips=2)
    with pytest.raises(torch.OutOfMemoryError):
        network(cutter_of(segments_of(1)))


def test_the_measured_batch_is_the_smallest_that_is_as_fast_a_clip() -> None:
    seconds = {8: 0.8, 16: 0.9, 32: 1.6, 64: 3.19, 128: 6.0, 256: 12.0}
    assert fastest_clip_count(seconds.__getitem__) == 32  # 64 is 0.3 % faster a clip


def test_the_measured_batch_fits_in_memory() -> None:
    def seconds(clips: int) -> float:
        if clips > 64:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return 1.0

    assert fastest_clip_count(seconds) == 64
