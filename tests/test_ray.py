"""A Ray cluster of two nodes on this machine: tasks and nodes may die, files stay the same."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from c2fpl.errors import NoCluster
from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.pipeline.extraction.extract_features import extract_features
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.extraction.ray_cluster import share_out
from c2fpl.pipeline.extraction.ray_engine import extract_on_cluster
from c2fpl.pipeline.extraction.worker import ExtractionWork, Share
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import VideoFile, find_videos
from killing import results, strays, write_short_videos

ray = pytest.importorskip("ray", reason="the extra [ray] is not installed")
cluster_utils = pytest.importorskip("ray.cluster_utils")

FLOW = FeatureSettings(ExtractionSettings(backbone="flow", crops=1), DecodingSettings())
RAY = Execution(engine="ray", device="cpu", quiet=True, workers=1)
LOCAL = Execution(device="cpu", quiet=True, workers=1)
GOOD = 10


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A node with room for one task; tests add others and lose them."""
    with pytest.MonkeyPatch.context() as environment:
        # by default Ray gives its workers the lowest priority: on a busy machine they starve
        environment.setenv("RAY_worker_niceness", "0")
        made = cluster_utils.Cluster(
            initialize_head=True,
            head_node_args={"num_cpus": 2, "include_dashboard": False},
        )
        ray.init(address=made.address, log_to_driver=False)
        yield made
        ray.shutdown()
        made.shutdown()


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[VideoFile]:
    """Ten short videos and one that is none."""
    folder = write_short_videos(tmp_path_factory.mktemp("videos"), GOOD)
    (folder / "text.mp4").write_text("this is no video")
    return find_videos(str(folder))


@pytest.fixture(scope="module")
def local(videos: list[VideoFile], tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    """The folder of a local extraction."""
    files = RunFiles(tmp_path_factory.mktemp("local"))
    extract_features(files, videos, FLOW, LOCAL)
    return files


@dataclass
class Interrupted:
    """Progress that does something once n videos are done."""

    deeds: dict[int, Callable[[], None]] = field(default_factory=dict)
    done: int = 0

    def advance(self, count: int = 1) -> None:
        self.done += count
        for after in [after for after in self.deeds if after <= self.done]:
            self.deeds.pop(after)()


def kill_first_task(run_ended: threading.Event) -> int:
    """Kill the first task process seen while the run goes on; return how many were killed."""
    while not run_ended.wait(timeout=0.002):
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                if "ray::extract_group" in "".join(child.cmdline()):
                    child.kill()
                    return 1
    return 0


def extract_on(cluster_files: RunFiles, videos: list[VideoFile], shown: Interrupted) -> list[Share]:
    wanted = {video: FLOW.fingerprint(video.path, None) for video in videos}
    return extract_on_cluster(ExtractionWork(cluster_files, FLOW, RAY, wanted), shown)


def test_a_task_killed_and_a_node_lost_cost_no_video_and_no_byte(
    cluster: Any,
    videos: list[VideoFile],
    local: RunFiles,
    tmp_path: Path,
) -> None:
    files = RunFiles(tmp_path / "run")
    lost = cluster.add_node(num_cpus=2)

    def lose_a_node() -> None:
        cluster.remove_node(lost, allow_graceful=False)

    shown = Interrupted({5: lose_a_node})
    run_ended = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as beside:
        killed = beside.submit(kill_first_task, run_ended)
        try:
            shares = extract_on(files, videos, shown)
        finally:
            run_ended.set()
    assert killed.result() == 1
    assert not shown.deeds
    assert [failure.video for share in shares for failure in share.failures] == ["text"]
    assert shown.done == len(videos)
    assert results(files.root) == results(local.root)
    assert len(results(files.root)) == GOOD
    known = [share.encoder for share in shares if share.encoder is not None]
    assert {encoder["backbone"] for encoder in known} == {"flow"}


def test_a_ray_run_goes_on_where_a_local_one_ended_and_the_other_way_round(
    cluster: Any, videos: list[VideoFile], local: RunFiles, tmp_path: Path
) -> None:
    files = RunFiles(tmp_path / "run")
    assert extract_features(files, videos[:4], FLOW, LOCAL).kept == 0
    by_ray = extract_features(files, videos[:7], FLOW, RAY)
    assert by_ray.kept == 3
    assert len(by_ray.ready) == 6
    at_the_end = extract_features(files, videos, FLOW, LOCAL)
    assert at_the_end.kept == 6
    assert [failure.video for failure in at_the_end.failures] == ["text"]
    assert results(files.root) == results(local.root)
    assert strays(files.root) == []


def test_an_error_of_the_disk_ends_the_run_with_its_own_words(
    cluster: Any, videos: list[VideoFile], tmp_path: Path
) -> None:
    (tmp_path / "features").write_text("a file where a folder is wanted")
    with pytest.raises(OSError, match="features"):
        extract_on(RunFiles(tmp_path), videos[1:2], Interrupted())


def alive(**resources: float) -> dict[str, Any]:
    return {"Alive": True, "Resources": resources}


def test_a_task_takes_a_gpu_with_its_share_of_cpus_or_else_two_cpus() -> None:
    assert share_out([alive(CPU=5.0), alive(CPU=3.0)], "auto") == (3, {"num_cpus": 2}, "cpu")
    assert share_out([alive(CPU=1.0), alive(CPU=1.0)], "auto") == (2, {"num_cpus": 1}, "cpu")
    two_gpus, four = alive(CPU=8.0, GPU=2.0), alive(CPU=64.0, GPU=4.0)
    assert share_out([two_gpus], "auto") == (2, {"num_gpus": 1, "num_cpus": 4}, "cuda")
    assert share_out([two_gpus, four, alive(CPU=1.0)], "cuda") == (
        *(6, {"num_gpus": 1, "num_cpus": 4}, "cuda"),
    )
    few_cores = alive(CPU=2.0, GPU=4.0)
    assert share_out([few_cores], "auto") == (4, {"num_gpus": 1, "num_cpus": 1}, "cuda")
    assert share_out([alive(CPU=8.0, GPU=2.0)], "cpu") == (4, {"num_cpus": 2}, "cpu")
    dead = {**alive(CPU=8.0), "Alive": False}
    assert share_out([alive(CPU=2.0), dead], "cpu") == (1, {"num_cpus": 2}, "cpu")


def test_a_cluster_without_what_is_asked_for_is_refused() -> None:
    with pytest.raises(NoCluster, match="no GPU"):
        share_out([alive(CPU=2.0)], "cuda")
    with pytest.raises(NoCluster, match="ray start"):
        share_out([], "auto")
