"""Comfort: dry runs, estimates, versions, completion, TensorBoard; nothing of it changes a run."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.models.settings import TrainingSettings
from c2fpl.pipeline.cli import main as cli
from c2fpl.pipeline.cli.app import app
from c2fpl.pipeline.demo_videos import HEIGHT, DemoVideo, write_videos
from c2fpl.pipeline.extraction import estimate
from c2fpl.pipeline.extraction.estimate import Speed, measure_speed, seconds_to_encode
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.settings import Execution
from command_line import c2fpl

pytestmark = pytest.mark.usefixtures("without_plots")
FLOW = ("--backbone", "flow", "--crops", "1", "--device", "cpu", "--quiet")
PAPER = ("--method", "paper")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three videos of 60, 61 and 62 frames."""
    folder = tmp_path_factory.mktemp("scene") / "videos"
    brawls = (None, None, (20, 40))
    plans = [DemoVideo(f"v{i}", 60 + i, brawl, 0, i) for i, brawl in enumerate(brawls)]
    write_videos(plans, folder)
    return folder


@pytest.fixture(scope="module")
def finished(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over them, its training written for TensorBoard."""
    run = tmp_path_factory.mktemp("run")
    assert c2fpl("run", videos, "-o", run, *FLOW, *PAPER, "--epochs", 2, "--tensorboard") == 0
    return run


def test_a_dry_run_names_what_is_left_and_writes_nothing(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (videos / "broken.mp4").write_text("this is no video")
    out = tmp_path / "run"
    assert c2fpl("run", videos, "-o", out, *FLOW, "--dry-run") == 0
    (videos / "broken.mp4").unlink()
    said = capsys.readouterr().out
    assert said.count("to do") == 3
    assert "will fail" in said
    assert "12 of 12 segments to extract with flow, 1 crop, on cpu: about" in said
    assert "training, 500 passes over them: about" in said
    assert not out.exists()


def test_a_dry_run_knows_what_is_done(
    videos: Path,
    finished: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    speed = Speed(0.4, 0.3, 0.001, "cpu", on_gpu=False, processes=1, workers=1)
    monkeypatch.setattr(estimate, "measure_speed", lambda *_: speed)
    assert c2fpl("extract", videos, "-o", finished / "features", *FLOW, "--dry-run") == 0
    said = capsys.readouterr().out
    assert said.count("done") == 3
    assert "0 of 12 segments" in said
    assert "training" not in said
    assert c2fpl("run", videos, "-o", finished, *FLOW[:-1], *PAPER, "--beta", 0.4, "--dry-run") == 0
    assert "0 of 12 segments" in capsys.readouterr().out
    assert c2fpl("run", videos, "-o", finished, *FLOW, "--tail", "drop", "--dry-run") == 0
    assert "9 of 9 segments" in capsys.readouterr().out
    assert c2fpl("run", videos, "-o", finished, *FLOW, "--fps", 30, "--dry-run") == 0
    assert "15 of 15 segments" in capsys.readouterr().out  # 72, 73 and 74 frames


def test_inspect_says_how_long_a_run_will_take(
    videos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert c2fpl("inspect", videos, *FLOW) == 0
    said = capsys.readouterr().out
    assert "12 of 12 segments to extract with flow, 1 crop, on cpu: about" in said
    assert "estimated from a measurement of two seconds" in said


def test_the_probe_measures_each_stage(videos: Path) -> None:
    settings = FeatureSettings(ExtractionSettings(backbone="flow", crops=1), DecodingSettings())
    speed = measure_speed(
        sorted(videos.iterdir()), settings, Execution(device="cpu"), TrainingSettings()
    )
    assert speed is not None
    assert min(speed.encode_s, speed.decode_s, speed.train_s) > 0


class SlowToStart:
    """An encoder with its own clock, whose first call takes a hundred times as long."""

    segments_per_batch, threads = 8, 1

    def __init__(self) -> None:
        self.now_s, self.calls = 0.0, 0

    def encode(self, segments: Sequence[object]) -> None:
        self.calls += 1
        self.now_s += (0.01 if self.calls > 1 else 1.0) * len(segments)

    def perf_counter(self) -> float:
        return self.now_s


def test_on_a_gpu_the_start_is_not_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for warm_up_always in (True, False):
        encoder: Any = SlowToStart()
        monkeypatch.setattr(estimate, "time", encoder)
        found.append(
            seconds_to_encode(encoder, [np.zeros(1, np.uint8)], warm_up_always=warm_up_always)
        )
    assert found == [pytest.approx(0.01), pytest.approx(1.0)]


class Resizing:
    """An encoder that resizes frames itself, as that of a GPU does."""

    short_side_pixels, resizes_frames = 256, True

    def pin(self, memory: object) -> Callable[[], None]:
        return lambda: None

    def take(self, frames: NDArray[np.uint8], resize: object) -> tuple[int, bool]:
        return frames.shape[1], resize is not None


def test_decoding_is_measured_without_the_resize_where_a_gpu_resizes(videos: Path) -> None:
    settings = FeatureSettings(ExtractionSettings(), DecodingSettings())
    encoder: Any = Resizing()
    segments, seconds = estimate.decoded_segments([videos / "v0.mp4"], settings, encoder)
    assert segments == [(HEIGHT, True)] * len(segments) != []
    assert seconds > 0


def test_on_a_gpu_the_slower_stage_counts_and_on_a_cpu_their_sum() -> None:
    gpu = Speed(0.4, 0.3, 0.001, "cuda", on_gpu=True, processes=2, workers=1)
    assert gpu.extraction_s(100) == pytest.approx(100 * 0.4 / 2)
    cpu = Speed(0.0, 0.3, 0.001, "cpu", on_gpu=False, processes=1, workers=1)
    assert cpu.extraction_s(100) == pytest.approx(30)
    assert cpu.training_s(100, passes=20) == pytest.approx(2)


def test_tensorboard_gets_the_loss_of_every_pass(finished: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    events = accumulator.EventAccumulator(str(finished / "tensorboard")).Reload()
    assert set(events.Tags()["scalars"]) == {
        *("train/loss", "train/learning_rate", "train/seconds")
    }
    losses = events.Scalars("train/loss")
    assert [each.step for each in losses] == [1, 2]
    assert 0 < losses[1].value < losses[0].value


def test_without_the_extra_tensorboard_is_refused_with_its_cure(
    videos: Path,
    finished: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    arguments = ("--labels", finished / "labels", "-o", tmp_path / "d.pt", "--device", "cpu")
    assert c2fpl("train", finished / "features", *arguments, "--tensorboard") == 2
    assert "pip install 'c2fpl[tensorboard]'" in capsys.readouterr().err
    assert not (tmp_path / "d.pt").exists()


def test_version_names_what_can_change_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    app("--version", result_action="return_value")
    lines = capsys.readouterr().out.splitlines()
    names = {line.split()[0] for line in lines}
    assert {"c2fpl", "torch", "cuda", "gpus", "decord", "av", "numpy"} <= names
    assert all(len(line.split()) >= 2 for line in lines)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_know_commands_and_options(
    shell: Literal["bash", "zsh", "fish"],
) -> None:
    cli.load_commands()
    script = app.generate_completion(shell=shell)
    for word in ("inspect", "backbone", "mc3-18", "dry-run"):
        assert word in script
