"""One precision for all features of a run, on whichever devices it runs or continues."""

import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from c2fpl.errors import BadSettings
from c2fpl.extractors.encoding import encoder
from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings, Precision
from c2fpl.pipeline.extraction import extract_features as step
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.extraction.worker import ExtractionWork, ExtractionWorker, Share
from c2fpl.pipeline.files.run_files import RunFiles, save_json
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import VideoFile

I3D = FeatureSettings(ExtractionSettings(), DecodingSettings())
CPU, GPU = Execution(device="cpu", quiet=True), Execution(device="cuda", quiet=True)


@pytest.fixture(autouse=True)
def cpu_with_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "has_native_bf16", lambda: True)


@pytest.fixture(name="videos")
def videos_fixture(tmp_path: Path) -> list[VideoFile]:
    found = [VideoFile(name, tmp_path / f"{name}.mp4") for name in ("a", "b", "c")]
    for video in found:
        video.path.write_text(video.name)
    return found


def finish(files: RunFiles, video: VideoFile, precision: Precision) -> None:
    """Write what an extraction in this precision leaves behind."""
    files.features.mkdir(exist_ok=True)
    np.save(files.features / f"{video.name}.npy", np.zeros((1, 10, 2048), np.float16))
    computed = replace(I3D, auto_precision=precision)
    record = {
        "settings": I3D.as_json(),
        "precision": precision,
        "fingerprint": computed.fingerprint(video.path, None),
    }
    save_json(files.features / f"{video.name}.json", record)


def work_of(
    files: RunFiles, videos: list[VideoFile], execution: Execution
) -> tuple[str, list[str]]:
    """The precision of a run and the names of the videos that it extracts."""
    work = step.still_to_do(files, videos, I3D, execution)
    return work.settings.precision, [video.name for video in work.todo]


@pytest.mark.parametrize(
    ("device", "precision"),
    [("cpu", "bf16"), ("cuda", "fp16"), ("cuda:0,cuda:1", "fp16"), ("cuda:0,cpu", "bf16")],
)
def test_a_new_run_has_the_fastest_precision_that_all_its_devices_support(
    device: str, precision: str, videos: list[VideoFile], tmp_path: Path
) -> None:
    execution = Execution(device=device)
    assert work_of(RunFiles(tmp_path), videos, execution) == (precision, ["a", "b", "c"])


def test_the_fingerprint_holds_the_precision_and_not_how_it_was_chosen(tmp_path: Path) -> None:
    video = tmp_path / "a.mp4"
    video.write_text("a")
    chosen = [replace(I3D, auto_precision=name) for name in ("fp32", "bf16", "fp16")]
    assert len({each.fingerprint(video, None) for each in chosen}) == 3
    asked = replace(I3D, extraction=replace(I3D.extraction, precision="bf16"))
    assert asked.fingerprint(video, None) == chosen[1].fingerprint(video, None)


def test_a_run_that_moves_to_a_gpu_continues_in_its_precision(
    videos: list[VideoFile], tmp_path: Path
) -> None:
    files = RunFiles(tmp_path)
    finish(files, videos[0], "bf16")
    assert work_of(files, videos, GPU) == ("bf16", ["b", "c"])
    overwriting = replace(GPU, overwrite=True)
    assert work_of(files, videos, overwriting) == ("fp16", ["a", "b", "c"])


def test_features_of_a_gpu_are_complete_without_one_and_cannot_be_continued_without_one(
    videos: list[VideoFile], tmp_path: Path
) -> None:
    files = RunFiles(tmp_path)
    for video in videos[:2]:
        finish(files, video, "fp16")
    assert step.extract_features(files, videos[:2], I3D, CPU).kept == 2
    with pytest.raises(
        BadSettings, match=r"precision fp16, which this cpu does not support; .*bf16"
    ):
        step.extract_features(files, videos, I3D, CPU)


def test_of_two_precisions_the_rarer_is_extracted_again(
    videos: list[VideoFile],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = RunFiles(tmp_path)
    extracted: list[str] = []

    def run(work: ExtractionWork, _: object) -> list[Share]:
        extracted.extend(video.name for video in work.wanted)
        return []

    monkeypatch.setattr(step, "_run_engine", run)
    precisions: tuple[Precision, ...] = ("bf16", "fp16", "bf16")
    for video, precision in zip(videos, precisions, strict=True):
        finish(files, video, precision)
    with caplog.at_level(logging.INFO):
        step.extract_features(files, videos, I3D, CPU)
    assert extracted == ["b"]
    assert "features: precision changed, extracting 1 video again" in caplog.text


def test_flow_has_no_precision_to_choose(videos: list[VideoFile], tmp_path: Path) -> None:
    flow = FeatureSettings(ExtractionSettings(backbone="flow"), DecodingSettings())
    assert step.still_to_do(RunFiles(tmp_path), videos, flow, GPU).settings == flow


def test_the_encoder_computes_in_the_precision_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def make(extraction: ExtractionSettings, **_: Any) -> SimpleNamespace:
        asked.append(extraction.precision)
        return SimpleNamespace(short_side_pixels=32, threads=1, segments_per_batch=1)

    monkeypatch.setattr(encoder, "make_encoder", make)
    with ExtractionWorker(RunFiles(tmp_path), replace(I3D, auto_precision="fp32"), CPU):
        assert asked == ["fp32"]
