"""Exports: the same numbers as the run's own files, in other forms."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from c2fpl.errors import BadScores, MissingPackage
from c2fpl.pipeline.exports.annotations import write_cvat, write_detections, write_label_studio
from c2fpl.pipeline.exports.score_table import write_parquet
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.wording import unicode_name
from c2fpl.pipeline.report.events import write_events
from c2fpl.pipeline.settings import EventSettings
from c2fpl.pipeline.steps.score_index import save_index
from c2fpl.pipeline.truth.forms.xmls import xml_records
from run_folder import HOSTILE, add_video, scores_with, small_run


def test_the_parquet_table_holds_every_score_of_every_video(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    files = small_run(tmp_path)
    table = parquet.read_table(write_parquet(files)).to_pydict()
    names = np.array(table["video"])
    assert sorted(set(names)) == sorted([HOSTILE, "gate/night", "quiet"])
    night = names == "gate/night"
    assert np.array_equal(np.array(table["score"])[night], np.load(files.scores / "gate/night.npy"))
    assert np.array_equal(np.array(table["frame"])[night], np.arange(240))
    assert np.array(table["time_s"])[night][80] == 8.0
    assert parquet.ParquetFile(files.parquet).num_row_groups == 3


def test_without_pyarrow_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    files = RunFiles(tmp_path)
    add_video(files, tmp_path, "a", scores_with(5), with_file=False)
    with pytest.raises(MissingPackage, match=r"pip install 'c2fpl\[parquet\]'"):
        write_parquet(files)


def test_a_name_that_is_no_unicode_becomes_one() -> None:
    assert unicode_name(os.fsdecode(b"cam\xff")) == "cam\\xff"
    assert unicode_name("\u52a8") == "\u52a8"


def test_detections_list_every_video_with_its_events_in_seconds(tmp_path: Path) -> None:
    files = small_run(tmp_path)
    write_events(files, EventSettings())
    stored = json.loads(write_detections(files).read_text("utf-8"))
    assert stored["results"] == {
        HOSTILE: [{"label": "anomaly", "score": 0.8, "segment": [5.0, 7.0]}],
        "gate/night": [{"label": "anomaly", "score": 0.9, "segment": [8.0, 12.0]}],
        "quiet": [],
    }
    assert stored["version"].startswith("c2fpl ")
    assert stored["external_data"]["used"] is False


def test_label_studio_gets_a_task_a_video_with_frames_from_1_and_ends_included(
    tmp_path: Path,
) -> None:
    files = small_run(tmp_path)
    write_events(files, EventSettings())
    tasks = json.loads(write_label_studio(files).read_text("utf-8"))
    assert [task["data"]["video"] for task in tasks] == sorted([HOSTILE, "gate/night", "quiet"])
    spans = {
        task["data"]["video"]: [
            (span["start"], span["end"], result["value"]["timelinelabels"], result["score"])
            for result in task["predictions"][0]["result"]
            for span in result["value"]["ranges"]
        ]
        for task in tasks
    }
    assert spans["quiet"] == []
    assert spans["gate/night"] == [(81, 120, ["anomaly"], 0.9)]  # frames 80 to 119 from 0
    assert all(task["predictions"][0]["model_version"].startswith("c2fpl ") for task in tasks)


def test_cvat_gets_a_file_a_video_that_reads_back_as_the_same_frames(tmp_path: Path) -> None:
    files = small_run(tmp_path)
    write_events(files, EventSettings())
    folder = write_cvat(files)
    assert spans_in(folder / "gate/night.xml") == ("gate/night", 240, [("80", "120")])
    assert spans_in(folder / f"{HOSTILE}.xml") == (HOSTILE, 200, [("50", "70")])
    assert spans_in(folder / "quiet.xml") == ("quiet", 160, [])
    track = ElementTree.parse(folder / "gate/night.xml").getroot().findall("track")[0]
    assert track.get("label") == "anomaly"
    assert {box.get("xbr") for box in track} == {"96"}
    assert {box.get("ybr") for box in track} == {"64"}
    assert {box.findtext("attribute[@name='score']") for box in track} == {"0.900000"}


@pytest.mark.parametrize(
    ("start", "end"), [(0, 40), (30, 70), (69, 70), (0, 70), (0, 1), (35, 36)], ids=str
)
def test_an_event_anywhere_is_within_the_frames_that_cvat_has(
    tmp_path: Path, start: int, end: int
) -> None:
    files = RunFiles(tmp_path)
    add_video(files, tmp_path, "a", scores_with(70, [(start, end, 0.9)]), with_file=False)
    write_events(files, EventSettings(threshold=0.5, min_length_s=0))
    path = write_cvat(files) / "a.xml"
    assert spans_in(path) == ("a", 70, [(str(start), str(end))])
    frames = [int(box.get("frame", "")) for box in ElementTree.parse(path).iter("box")]
    assert frames == sorted(set(frames))
    assert max(frames) < 70


def spans_in(path: Path) -> tuple[str, int | None, list[tuple[str, str]]]:
    """Name, frame count and [start, end) of the tracks, as the reader of annotations has them."""
    (video, *tracks), form = xml_records(path, path.read_text("utf-8"))
    assert form == "CVAT"
    return video.name, video.frame_count, [span for track in tracks for span in track.spans]


def test_scores_without_features_know_the_size_of_the_pictures(tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "scores", "scores")
    add_video(files, tmp_path, "a", scores_with(50, [(10, 40, 0.9)]), with_file=False)
    row = {"video": "a", "fingerprint": "f", "detector": "d", "frame_rate": 10}
    save_index(files.scores, [row])
    write_events(files, EventSettings())
    (files.features / "a.json").unlink()
    with pytest.raises(BadScores, match="'a': the size of its picture"):
        write_cvat(files)
    save_index(files.scores, [{**row, "width_pixels": 320, "height_pixels": 240}])
    assert ElementTree.parse(write_cvat(files) / "a.xml").find("track/box[@xbr='320']") is not None


def test_a_name_that_xml_cannot_hold_is_written_escaped(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    add_video(files, tmp_path, "a\x01\ufffe\nb", scores_with(50), with_file=False)
    write_events(files, EventSettings())
    root = ElementTree.parse(write_cvat(files) / "a\x01\ufffe\nb.xml").getroot()
    assert root.findtext("meta/source") == "a\\x01\\xfffe\nb"


@pytest.mark.parametrize("write", [write_cvat, write_label_studio])
def test_resampled_frames_are_refused_where_frames_of_the_file_are_counted(
    tmp_path: Path, write: Callable[[RunFiles], Path]
) -> None:
    files = RunFiles(tmp_path)
    add_video(files, tmp_path, "a", scores_with(50), with_file=False)
    write_events(files, EventSettings())
    record = files.features / "a.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"settings": {"fps": "30"}}))
    with pytest.raises(BadScores, match="'a' was scored at 30 frames per second"):
        write(files)
    assert write_detections(files).exists()
