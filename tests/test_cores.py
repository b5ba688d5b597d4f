"""Processes on one machine share its cores instead of each taking all of them."""

from contextlib import nullcontext
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from c2fpl.extractors.cores import default_workers
from c2fpl.extractors.encoding.encoder import make_encoder
from c2fpl.extractors.settings import BackboneName, DecodingSettings, ExtractionSettings
from c2fpl.pipeline.extraction import device_processes, ray_engine, worker
from c2fpl.pipeline.extraction.device_processes import cores_of_each, extract_on_devices
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.extraction.worker import ExtractionWork, ExtractionWorker, Share
from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import VideoFile

FLOW = FeatureSettings(ExtractionSettings(backbone="flow", crops=1), DecodingSettings())


def test_each_process_has_an_equal_part_and_at_least_one_core() -> None:
    assert cores_of_each(("cpu",) * 3, 16) == 5
    assert cores_of_each(("cuda:0", "cuda:1"), 16) == 8
    assert cores_of_each(("cpu",) * 4, 2) == 1


def test_an_encoder_has_the_threads_that_it_is_given() -> None:
    assert make_encoder(FLOW.extraction, device="cpu", threads=3).threads == 3


def test_decoders_are_half_the_cores_and_at_most_eight() -> None:
    assert [default_workers(cores) for cores in (1, 2, 6, 64)] == [1, 1, 3, 8]


def test_beside_a_gpu_all_cores_but_two_decode() -> None:
    assert [default_workers(cores, on_gpu=True) for cores in (1, 2, 4, 16)] == [1, 1, 2, 14]


@pytest.mark.parametrize(
    ("backbone", "device", "decoders"),
    [("i3d", "cuda", 14), ("i3d", "cpu", 8), ("flow", "cuda", 8), ("flow", "cpu", 8)],
)
def test_a_worker_has_the_decoders_of_its_device(
    backbone: BackboneName, device: str, decoders: int, tmp_path: Path, on_gpu_machine: list[int]
) -> None:
    settings = FeatureSettings(ExtractionSettings(backbone=backbone), DecodingSettings())
    for execution in (Execution(device=device), Execution(device=device, workers=3)):
        with ExtractionWorker(RunFiles(tmp_path), settings, execution, cores=16):
            pass
    assert on_gpu_machine == [decoders, 3]


@pytest.fixture
def on_gpu_machine(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A machine with a stand-in for a GPU; collects the numbers of decoders of its workers."""
    found: list[int] = []

    def decoders(*_: object, workers: int, **__: object) -> Any:
        found.append(workers)
        return nullcontext()

    encoder = SimpleNamespace(short_side_pixels=32, threads=1, segments_per_batch=1)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr("c2fpl.extractors.encoding.encoder.make_encoder", lambda *_, **__: encoder)
    monkeypatch.setattr("c2fpl.extractors.decoder_pool.DecoderPool", decoders)
    return found


def test_a_worker_gives_its_cores_to_its_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int | None] = []

    def make(*settings: object, threads: int | None, **others: Any) -> SimpleNamespace:
        asked.append(threads)
        return SimpleNamespace(short_side_pixels=32, threads=threads, segments_per_batch=1)

    monkeypatch.setattr("c2fpl.extractors.encoding.encoder.make_encoder", make)
    with ExtractionWorker(RunFiles(tmp_path), FLOW, Execution(device="cpu"), cores=3):
        assert asked == [3]


class FakeProcess:
    """Instead of a device's process: keeps what it was given, and is done at once."""

    cores: dict[str, list[int | None]]

    def __init__(self, work: ExtractionWork) -> None:
        self.cores.setdefault(work.execution.device, []).append(work.cores)
        self.connection, other = Pipe(duplex=False)
        other.close()

    def receive(self, _: object) -> Share:
        return Share(())

    def end(self) -> None:
        self.connection.close()


def test_each_process_of_several_devices_is_told_its_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeProcess.cores = {}
    monkeypatch.setattr(device_processes, "OneDevice", FakeProcess)
    monkeypatch.setattr(device_processes, "usable_cores", lambda: 9)
    wanted = {VideoFile(str(number), tmp_path / str(number)): "" for number in range(3)}
    for video in wanted:
        video.path.write_bytes(b"x")  # videos are dealt by their bytes
    with progress("", 0, "", quiet=True) as silent:
        execution = Execution(device="cpu,cpu,cuda")
        extract_on_devices(ExtractionWork(RunFiles(tmp_path), FLOW, execution, wanted), silent)
    assert FakeProcess.cores == {"cpu": [3, 3], "cuda": [3]}


def test_a_group_of_a_cluster_holds_its_encoder_to_its_cpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int | None] = []

    class Worker(nullcontext[Any]):
        def __init__(self, *_: object, cores: int | None) -> None:
            asked.append(cores)
            super().__init__(SimpleNamespace(extract=lambda *_: Share((), {}, {})))

    monkeypatch.setattr(worker, "ExtractionWorker", Worker)
    work = ExtractionWork(RunFiles(tmp_path), FLOW, Execution(device="cpu"), {}, 2)
    assert ray_engine.extract_group(work) == Share((), {}, {})
    assert asked == [2]
