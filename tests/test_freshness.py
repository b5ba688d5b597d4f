"""Features belong to one video: another file under its name is noticed, a copy is not."""

import os
import shutil
from pathlib import Path

import pytest

from c2fpl.errors import BadFeatures
from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.pipeline.extraction import extract_features as step
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.extraction.freshness import BLOCK_BYTES, BLOCKS, source_digest
from c2fpl.pipeline.features.extracted import ExtractedFeatures
from c2fpl.pipeline.files.run_files import RunFiles, load_json, save_json
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import find_videos
from synthetic import Synthetic

FLOW = FeatureSettings(ExtractionSettings(backbone="flow", crops=1), DecodingSettings())


STABILISED = FeatureSettings(
    ExtractionSettings(backbone="flow-stabilised", crops=1), DecodingSettings()
)


def extracted_again(files: RunFiles, videos: Path, settings: FeatureSettings = FLOW) -> int:
    """How many videos are extracted by a step over all."""
    report = step.extract_features(
        files, find_videos(str(videos)), settings, Execution(device="cpu", quiet=True)
    )
    assert not report.failures
    return len(report.ready) - report.kept


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos and their features; every test works on a copy."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "videos").mkdir()
    for name in ("a.avi", "b.avi"):
        Synthetic(name, frames=20, width=64, height=48).write(folder / "videos")
    assert extracted_again(RunFiles(folder / "run"), folder / "videos") == 2
    return folder


@pytest.fixture
def copied(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "copy", copy_function=shutil.copyfile)
    return tmp_path / "copy"


def overwrite(video: Path) -> None:
    """Other bytes of the same size; date as before."""
    before = video.stat()
    data = bytearray(video.read_bytes())
    middle = slice(len(data) // 4, len(data) // 4 * 3)
    data[middle] = bytes(255 - byte for byte in data[middle])
    video.write_bytes(data)
    os.utime(video, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert video.stat().st_size == before.st_size


def test_a_copy_is_not_extracted_again(copied: Path) -> None:
    files = RunFiles(copied / "run")
    assert extracted_again(files, copied / "videos") == 0
    shutil.move(copied / "videos", copied / "elsewhere")
    assert extracted_again(files, copied / "elsewhere") == 0


def test_features_with_and_without_the_motion_of_the_camera_are_told_apart(copied: Path) -> None:
    files, videos = RunFiles(copied / "run"), copied / "videos"
    assert extracted_again(files, videos / "a.avi", STABILISED) == 1
    with pytest.raises(BadFeatures, match=r"backbone flow-stabilised .* with flow \(") as refused:
        ExtractedFeatures(files.features)
    assert "must agree" in str(refused.value)
    ExtractedFeatures(files.features, ("a",))  # each alone is a set
    assert extracted_again(files, videos, STABILISED) == 1
    records = ExtractedFeatures(files.features).records.values()
    assert {record["settings"]["backbone"] for record in records} == {"flow-stabilised"}
    assert extracted_again(files, videos, STABILISED) == 0


def test_features_of_other_weights_are_no_set(copied: Path) -> None:
    files = RunFiles(copied / "run")
    path = files.features / "b.json"
    save_json(path, {**load_json(path), "weights_sha256": "1" * 64})
    with pytest.raises(BadFeatures, match=r"weights 1111.*must agree"):
        ExtractedFeatures(files.features)


def test_a_file_overwritten_in_its_size_is_extracted_again(copied: Path) -> None:
    before = load_json(copied / "run" / "features" / "a.json")["fingerprint"]
    overwrite(copied / "videos" / "a.avi")
    (wanted,) = step.still_to_do(
        RunFiles(copied / "run"), find_videos(str(copied / "videos")), FLOW, Execution()
    ).todo
    assert wanted.name == "a"
    assert FLOW.fingerprint(wanted.path, None) != before  # so labels and scores are made anew


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES, BLOCKS * BLOCK_BYTES, 10**6])
def test_both_ends_count_and_any_size_has_a_digest(tmp_path: Path, size: int) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(size))
    digests = {source_digest(path)}
    for place in {0, size - 1} if size else set():
        data = bytearray(size)
        data[place] = 1
        path.write_bytes(data)
        digests.add(source_digest(path))
    assert len(digests) == 1 + min(size, 2)


def test_a_small_file_counts_to_the_last_byte(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(BLOCK_BYTES * 3))
    digests = {source_digest(path)}
    for place in range(0, BLOCK_BYTES * 3, 1000):
        data = bytearray(BLOCK_BYTES * 3)
        data[place] = 1
        path.write_bytes(data)
        digests.add(source_digest(path))
    assert len(digests) == 14


def test_what_cannot_be_read_has_no_digest_and_does_not_wait(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("gone", "pipe", "."):
        assert source_digest(tmp_path / name) == ""
