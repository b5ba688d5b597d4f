"""Annotations of data sets in other formats than their own."""

import json
from pathlib import Path

import numpy as np
import pytest

from c2fpl.errors import BadAnnotation
from c2fpl.pipeline.truth.annotations import read_annotations
from c2fpl.pipeline.truth.datasets import DatasetName
from command_line import c2fpl, refused
from scored_folder import save


@pytest.mark.parametrize(
    ("dataset", "name", "start", "end"),
    [("ucf-crime", "Abuse028_x264", 5.5, 8.0), ("xd-violence", "x__#1_label_G-0-0", 5.5, 8.0)],
)
def test_a_data_set_is_read_from_hivau_as_from_its_own_file(
    tmp_path: Path, dataset: DatasetName, name: str, start: float, end: float
) -> None:
    entry = {"fps": 30.0, "n_frames": 1412, "label": [], "events": [[start, end]]}
    (tmp_path / "h.json").write_text(json.dumps({name: entry}))
    video = read_annotations(tmp_path / "h.json", dataset).videos[name]
    assert (video.intervals, video.frame_count) == (((165, 240),), 1412)
    (tmp_path / "h.json").write_text(json.dumps({name: {**entry, "events": []}}))
    with pytest.raises(BadAnnotation, match="is an anomalous video without intervals"):
        read_annotations(tmp_path / "h.json", dataset)


def test_vera_of_ucf_crime_is_read_with_its_altered_videos_named(tmp_path: Path) -> None:
    entry = {
        "video": "frames/Abuse/Abuse028_x264.mp4",
        "temporal_label": [165, 240],
        "length": 1412,
    }
    (tmp_path / "v.json").write_text(json.dumps([entry]))
    read = read_annotations(tmp_path / "v.json", "ucf-crime")
    assert read.videos["Abuse028_x264"].intervals == ((165, 240),)
    assert read.form.endswith("alters 14 videos: not comparable with published figures")


def test_seconds_take_the_rate_of_the_scored_video_or_the_one_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "scores", "a", np.arange(100) >= 50)
    (tmp_path / "own.csv").write_text("video,start_s,end_s\na,2,\n")
    given = ("evaluate", tmp_path / "scores", "--annotations", tmp_path / "own.csv")
    assert "a is annotated in seconds, but its frame rate is unknown" in refused(capsys, *given)
    assert c2fpl(*given, "--frame-rate", "25") == 0
    assert json.loads((tmp_path / "scores/metrics.json").read_text())["auc"] == 1.0
    (tmp_path / "features").mkdir()
    (tmp_path / "features/a.json").write_text('{"frame_rate": 12.5, "times": "rate"}')
    assert c2fpl(*given, "--frame-rate", "25") == 0
    found = json.loads((tmp_path / "scores/metrics.json").read_text())
    assert found["anomalous_frames"] == 75
