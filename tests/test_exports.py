"""Exports: the same numbers as the run's own files, in other forms."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from c2fpl.errors import MissingPackage
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.report.events import write_events
from c2fpl.pipeline.report.exports import (
    unicode_name,
    write_detections,
    write_label_studio,
    write_parquet,
)
from c2fpl.pipeline.settings import EventSettings
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
