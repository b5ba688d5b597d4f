"""Processes on one machine share its cores instead of each taking all of them."""

from contextlib import nullcontext
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from c2fpl.extractors.cores import default_workers
from c2fpl.extractors.encoding.encoder import make_encoder
from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.pipeline.extraction import device_processes, ray_engine
from c2fpl.pipeline.extraction.device_processes import cores_of, extract_on_devices
from c2fpl.pipeline.extraction.worker import (
    ExtractionWorker,
    FeatureSettings,
    Share,
)
from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import VideoFile

FLOW = FeatureSettings(ExtractionSettings(backbone="flow", crops=1), DecodingSettings())


def test_a_cpu_process_has_an_equal_part_and_at_least_one_core() -> None:
    assert cores_of("cpu", ("cpu",) * 3, 16) == 5
    assert cores_of("cpu", ("cpu", "cuda:0"), 16) == 8
    assert cores_of("cpu", ("cpu",) * 4, 2) == 1
    assert cores_of("cuda:0", ("cuda:0", "cuda:1"), 16) is None


def test_an_encoder_has_the_threads_that_it_is_given() -> None:
    assert make_encoder(FLOW.extraction, device="cpu", threads=3).threads == 3


def test_decoders_are_half_the_cores_and_at_most_eight() -> None:
    assert [default_workers(cores) for cores in (1, 2, 6, 64)] == [1, 1, 3, 8]


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

    def __init__(
        self, _: RunFiles, __: FeatureSettings, execution: Execution, *___: Any, cores: int | None
    ) -> None:
        self.cores.setdefault(execution.device, []).append(cores)
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
    monkeypatch.setattr(device_processes, "DeviceProcess", FakeProcess)
    monkeypatch.setattr(device_processes, "usable_cores", lambda: 9)
    wanted = {VideoFile(str(number), tmp_path / str(number)): "" for number in range(3)}
    for video in wanted:
        video.path.write_bytes(b"x")  # videos are dealt by their bytes
    with progress("", 0, "", quiet=True) as silent:
        extract_on_devices(
            RunFiles(tmp_path), FLOW, Execution(device="cpu,cpu,cuda"), wanted, silent
        )
    assert FakeProcess.cores == {"cpu": [3, 3], "cuda": [None]}


def test_a_group_of_a_cluster_holds_its_encoder_to_its_cpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int | None] = []

    class Worker(nullcontext[Any]):
        def __init__(self, *_: object, cores: int | None) -> None:
            asked.append(cores)
            quiet = {"seconds": dict, "provenance": dict, "extract": lambda *_: []}
            super().__init__(SimpleNamespace(**quiet))

    monkeypatch.setattr(ray_engine, "ExtractionWorker", Worker)
    task = ray_engine.GroupTask(RunFiles(tmp_path), FLOW, Execution(device="cpu"), 2)
    assert ray_engine.extract_group(task, {}) == Share((), {}, {})
    assert asked == [2]
