"""Inspecting: what decodes, a problem where nothing does, a remark where something is odd."""

import subprocess
import sys
from pathlib import Path

import pytest

from c2fpl.extractors.settings import DecodingSettings
from c2fpl.pipeline.extraction.inspect_videos import Inspection, inspect_videos, inspection_table
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import find_videos
from synthetic import Synthetic

FALLBACK = "container matroska has no frame count to check decord against"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Videos for decord and for PyAV, one with its end cut off, one that is a text."""
    folder = tmp_path_factory.mktemp("inspect")
    Synthetic("exact.mp4", frames=20).write(folder)
    Synthetic("other.mkv", frames=20).write(folder)
    whole = Synthetic("cut.avi", frames=100, gop=1).write(folder)
    whole.write_bytes(whole.read_bytes()[:-12_000])
    (folder / "text.mp4").write_text("no video\n" * 100)
    return folder


def inspected(folder: Path, decoding: DecodingSettings) -> dict[str, Inspection]:
    found = inspect_videos(find_videos(str(folder)), decoding, Execution(workers=1, quiet=True))
    assert [item.video.name for item in found] == ["cut", "exact", "other", "text"]
    return {item.video.name: item for item in found}


def test_a_problem_is_why_a_video_fails_and_a_remark_is_of_one_that_decodes(folder: Path) -> None:
    found = inspected(folder, DecodingSettings(max_lost=1))
    assert (found["exact"].problem, found["exact"].remark) == ("", "")
    assert (found["other"].problem, found["other"].remark) == ("", FALLBACK)
    assert found["text"].problem.startswith("not a readable video")
    assert found["text"].remark == ""


def test_lost_frames_are_a_remark_until_they_are_too_many(folder: Path) -> None:
    taken = inspected(folder, DecodingSettings(max_lost=1))["cut"]
    assert taken.report is not None
    lost = taken.report.num_frames_lost
    assert lost > 0
    assert taken.problem == ""
    assert taken.remark.startswith(f"{lost} frames lost; ")
    refused = inspected(folder, DecodingSettings(max_lost=0))["cut"]
    assert f"{lost} of 100 frames are lost" in refused.problem
    assert refused.remark == ""


def test_pyav_asked_for_is_no_remark(folder: Path) -> None:
    assert inspected(folder, DecodingSettings(decoder="pyav"))["other"].remark == ""


@pytest.mark.decord
def test_the_table_has_a_column_for_each(folder: Path) -> None:
    table = inspection_table(list(inspected(folder, DecodingSettings(max_lost=1)).values()))
    cells = {str(column.header): [str(cell) for cell in column.cells] for column in table.columns}
    assert [bool(cell) for cell in cells["problem"]] == [False, False, False, True]
    assert cells["remark"][1:] == ["", FALLBACK, ""]
    assert cells["decoder"][1:] == ["decord", "pyav", "-"]
    assert cells["in header"][2:] == ["-", "-"]


@pytest.mark.parametrize("closed", [(0,), (0, 1, 2)], ids=str)
def test_videos_decode_in_a_process_whose_standard_streams_are_closed(
    tmp_path: Path, closed: tuple[int, ...]
) -> None:
    Synthetic("a.mp4", frames=20).write(tmp_path)
    code = (
        f"import os\nfor stream in {closed}: os.close(stream)\n"
        "from c2fpl.pipeline.cli.main import main\n"
        "from c2fpl.pipeline.extraction import estimate\n"
        "estimate.measure_speed = lambda *_: None\n"  # takes seconds
        f"main(['inspect', {str(tmp_path)!r}, '--backbone', 'flow', '--quiet'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
