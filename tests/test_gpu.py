"""On a real GPU, with random weights and made videos alone: `C2FPL_MUST_RUN=gpu pytest -m gpu`."""

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from c2fpl.extractors.backbones.catalogue import backbone_named
from c2fpl.extractors.encoding.encoder import build_quietly, make_encoder
from c2fpl.extractors.encoding.held_frames import SegmentEncoder
from c2fpl.extractors.settings import BackboneName, ExtractionSettings, Precision
from c2fpl.pipeline.files.run_files import load_json
from command_line import c2fpl, refused
from killing import write_short_videos
from plain import relative_error, with_lively_norms
from tiny import Features, Frames, segments_of

pytestmark = pytest.mark.gpu

NETWORKS = [("i3d", False), ("i3d-nonlocal-net", False), ("i3d-nonlocal-net", True)]
"""Backbones, without and with non-local blocks."""
ROOM_BYTES = 3 * 2**29
"""Memory beside the weights in which a batch of 16 segments does not fit."""


@pytest.fixture
def gpu() -> Iterator[str]:
    """The name of the GPU; the test skips where there is none."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    yield "cuda"
    gc.collect()
    torch.cuda.empty_cache()


@pytest.fixture(scope="module", name="weights")
def weights_fixture(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Makes a file of random weights of a backbone, the same every time."""
    folder = tmp_path_factory.mktemp("weights")

    @cache
    def made(backbone: BackboneName, blocks: bool = False) -> Path:
        torch.manual_seed(0)
        network = build_quietly(backbone_named(backbone, nonlocal_blocks=blocks))
        path = folder / f"{backbone}-{blocks}.pt"
        torch.save(with_lively_norms(network, seed=0).state_dict(), path)
        return path

    return made


def encoder_of(
    weights: Any,
    device: str,
    backbone: BackboneName = "i3d-nonlocal-net",
    blocks: bool = False,
    *,
    precision: Precision = "auto",
    batch_size: int | None = 2,
) -> SegmentEncoder:
    settings = ExtractionSettings(
        backbone=backbone,
        weights=weights(backbone, blocks),
        nonlocal_blocks=blocks,
        precision=precision,
        crops=5,
    )
    return make_encoder(settings, device=device, batch_size=batch_size)


def smooth_segments(count: int) -> list[Frames]:
    """Segments with the spectrum of pictures: noise of 28 pixels, enlarged."""
    noise = torch.from_numpy(np.stack(segments_of(count, sizes=((28, 37),))))
    frames = noise.flatten(0, 1).permute(0, 3, 1, 2).float()
    large = torch.nn.functional.interpolate(frames, size=(256, 341), mode="bilinear")
    return list(large.permute(0, 2, 3, 1).byte().numpy().reshape(count, 16, 256, 341, 3))


@pytest.mark.parametrize(("backbone", "blocks"), NETWORKS)
def test_the_gpu_computes_what_the_cpu_does_in_float32(
    backbone: BackboneName, blocks: bool, gpu: str, weights: Any
) -> None:
    segments = smooth_segments(1)
    on_cpu = encoder_of(weights, "cpu", backbone, blocks, precision="fp32").encode(segments)
    bounds: dict[Precision, float] = {"fp32": 1e-3, "auto": 0.02}
    for precision, bound in bounds.items():
        found = encoder_of(weights, gpu, backbone, blocks, precision=precision).encode(segments)
        assert max(map(relative_error, found[0], on_cpu[0])) < bound


def test_a_measured_batch_changes_no_feature(gpu: str, weights: Any) -> None:
    segments = smooth_segments(5)
    measured = encoder_of(weights, gpu, batch_size=None)
    one_by_one = encoder_of(weights, gpu, batch_size=1)
    assert relative_error(measured.encode(segments), one_by_one.encode(segments)) < 2e-3
    assert measured.encode([]).shape == (0, 5, 2048)


def test_the_same_segments_have_the_same_bytes_from_any_thread(gpu: str, weights: Any) -> None:
    segments = smooth_segments(3)
    encoder = encoder_of(weights, gpu)
    first = encoder.encode(segments)
    with ThreadPoolExecutor(encoder.threads) as pool:
        others: list[Features] = list(pool.map(encoder.encode, [segments] * 6))
    assert all(np.array_equal(first, other) for other in others)
    assert np.isfinite(first).all()


def test_memory_that_runs_out_halves_the_batch_and_changes_no_feature(
    gpu: str, weights: Any, caplog: pytest.LogCaptureFixture
) -> None:
    segments = smooth_segments(16)
    wanted = encoder_of(weights, gpu, batch_size=2).encode(segments)
    gc.collect()
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(gpu).total_memory
    torch.cuda.set_per_process_memory_fraction(ROOM_BYTES / total)
    try:
        encoder = encoder_of(weights, gpu, batch_size=16)
        found = encoder.encode(segments)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert "out of GPU memory: continuing with" in caplog.text
    assert encoder.segments_per_batch < 16
    assert relative_error(found, wanted) < 2e-3


def test_a_second_gpu_computes_the_same(gpu: str, weights: Any) -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("one CUDA device here")
    segments = smooth_segments(2)
    on_first, on_second = (encoder_of(weights, f"{gpu}:{index}") for index in (0, 1))
    assert relative_error(on_second.encode(segments), on_first.encode(segments)) < 2e-3
    assert torch.cuda.memory_allocated(1) > 0


@pytest.mark.parametrize("devices", ["cuda", "cuda:0,cuda:1"])
def test_a_run_on_gpus_is_whole_and_is_kept(
    devices: str, gpu: str, weights: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if devices.count("cuda") > torch.cuda.device_count():
        pytest.skip("one CUDA device here")
    videos, run = write_short_videos(tmp_path / "videos", 4), tmp_path / "run"
    network = ("--backbone", "i3d-nonlocal-net", "--weights", weights("i3d-nonlocal-net"))
    arguments = ("run", videos, "-o", run, *network, "--device", devices.replace("cuda", gpu))
    training = ("--method", "paper", "--epochs", "1", "--epoch-steps", "1", "--crops", "1")
    assert c2fpl(*arguments, *training) == 0
    records = [load_json(path) for path in sorted((run / "features").glob("*.json"))]
    assert {record["precision"] for record in records} == {"fp16" if gpu == "cuda" else "bf16"}
    assert len(list((run / "scores").glob("v*.npy"))) == 4
    capsys.readouterr()
    assert c2fpl(*arguments, *training) == 0
    assert "features with these settings exist already for 4 of 4 videos" in capsys.readouterr().err


def test_a_gpu_that_is_not_there_is_refused(
    gpu: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = write_short_videos(tmp_path / "videos", 1)
    count = torch.cuda.device_count()
    said = refused(capsys, "extract", videos, "-o", tmp_path / "f", "--device", f"cuda:{count}")
    assert f"no cuda:{count}: {count} CUDA devices here" in said
