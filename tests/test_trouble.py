"""Full disk, read-only folder, no permission, vanished device: one line, nothing half done."""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from c2fpl.extractors.encoding.flow_encoder import FlowEncoder
from command_line import c2fpl, refused
from feature_folders import drawn, save_rtfm
from killing import damaged, results, strays, write_short_videos

SETTINGS = (
    *("--backbone", "flow", "--crops", "1", "--device", "cpu"),
    *("--epochs", "1", "--epoch-steps", "1"),
    "--quiet",
)
KIBIBYTE = 1024


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_short_videos(tmp_path_factory.mktemp("trouble") / "videos", 5)


@pytest.fixture(scope="module")
def whole(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("whole")
    assert c2fpl("run", videos, "-o", output, *SETTINGS) == 0
    return output


@contextmanager
def largest_file(size_bytes: int) -> Iterator[None]:
    """No file may grow beyond so many bytes, as under a quota."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A small file system of its own; skips where this user may not mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a small tmpfs needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def finish_and_compare(videos: Path, output: Path, whole: Path) -> None:
    assert damaged(output) == []
    assert strays(output) == []
    assert c2fpl("run", videos, "-o", output, *SETTINGS) == 0
    assert results(output) == results(whole)


def test_a_quota_leaves_no_half_detector(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    detector = tmp_path / "detector.pt"
    labels = ("--labels", whole / "labels", "-o", detector)
    arguments = ("train", whole / "features", *labels, *SETTINGS[-5:])
    with largest_file(KIBIBYTE):
        line = refused(capsys, *arguments)
    assert "File too large" in line
    assert "free some space, then run the same command" in line
    assert list(tmp_path.iterdir()) == []
    assert c2fpl(*arguments) == 0
    assert detector.read_bytes() == (whole / "detector.pt").read_bytes()


def test_a_full_disk_ends_the_run_in_one_line_and_a_resumed_run_completes_it(
    videos: Path, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, "size=48k"):
        assert c2fpl("run", videos, "-o", disk / "run", *SETTINGS) == 2
        line = capsys.readouterr().err.splitlines()[-1]  # a note on the labels may come first
        assert "No space left on device" in line
        assert "free some space" in line
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        finish_and_compare(videos, disk / "run", whole)


def test_a_read_only_folder_is_one_line(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with mounted(tmp_path / "disk", "ro"):
        line = refused(capsys, "run", videos, "-o", tmp_path / "disk", *SETTINGS)
    assert "Read-only file system" in line
    assert "give another -o" in line


def test_a_folder_without_permission_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    features, output = tmp_path / "features", tmp_path / "run"
    save_rtfm(features, drawn(10))
    output.mkdir(mode=0o555)
    nobody = 65534
    is_root = os.geteuid() == 0
    if is_root:  # permission bits do not bind root
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        os.seteuid(nobody)
    try:
        line = refused(capsys, "label", features, "-o", output, "--quiet")
    finally:
        if is_root:
            os.seteuid(0)
    assert "Permission denied" in line
    assert "writable for this user" in line


def test_a_file_where_the_folder_should_be_is_one_line(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    line = refused(capsys, "run", videos, "-o", tmp_path / "file" / "run", *SETTINGS)
    assert "Not a directory" in line


def test_a_video_that_vanishes_costs_itself(
    videos: Path, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = [*sorted(videos.iterdir()), tmp_path / "gone.mp4"]
    (tmp_path / "list.txt").write_text("\n".join(map(str, listed)))
    assert c2fpl("run", tmp_path / "list.txt", "-o", tmp_path / "run", *SETTINGS) == 1
    assert "gone,extract,No such file" in (tmp_path / "run" / "failed.csv").read_text()
    scores = {path.name: path.read_bytes() for path in (tmp_path / "run").rglob("scores/**/*.npy")}
    assert scores == {path.name: path.read_bytes() for path in whole.glob("scores/*.npy")}


@pytest.mark.usefixtures("without_plots")
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: device-side assert triggered\nCUDA kernel errors might be"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
    ],
    ids=["vanished", "too small"],
)
def test_a_device_that_fails_midway_is_one_line_and_a_resumed_run_completes_it(
    videos: Path,
    whole: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: RuntimeError,
) -> None:
    calls = []
    encode = FlowEncoder.encode

    def fails_at_the_third_call(
        encoder: FlowEncoder, segments: list[NDArray[np.uint8]]
    ) -> NDArray[np.float32]:
        calls.append(len(segments))
        if len(calls) == 3:
            raise error
        return encode(encoder, segments)

    monkeypatch.setattr(FlowEncoder, "encode", fails_at_the_third_call)
    line = refused(capsys, "run", videos, "-o", tmp_path, *SETTINGS)
    assert "the device failed (CUDA" in line
    assert "run the same command again to continue" in line
    finish_and_compare(videos, tmp_path, whole)
