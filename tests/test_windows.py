"""Annotated windows reach the videos of a run by name."""

from pathlib import Path

import numpy as np

from c2fpl.extractors.decoding.presentation_times import PresentationTimes, constant_times
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.windows import Windows, read_windows, windows_in_frames


def windows_of(path: Path, names: list[str], dataset: DatasetName = "own") -> dict[str, Windows]:
    """In frames of 10 a second."""
    read = read_windows(path, names, dataset)
    return windows_in_frames(read, dict.fromkeys(read, constant_times(1000, 10.0)))


def test_seconds_become_frames_of_each_videos_rate(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("video,start_s,end_s\na,1.5,2\nb,0,\n")
    read = read_windows(path, ["a", "b"])
    seconds = np.array([0.0, 1.0, 1.6, 1.9, 2.5])
    varying = PresentationTimes(5, 2.0, seconds=seconds)
    found = windows_in_frames(read, {"a": varying, "b": constant_times(90, 30.0)})
    assert found["a"] == ((2, 4),)
    assert found["b"] == ((0, 90),)


def test_own_annotations_are_joined_by_path_and_videos_unknown_to_them_left_out(
    tmp_path: Path,
) -> None:
    path = tmp_path / "own.txt"
    path.write_text("gate/night.mp4 10 20 40 50\nyard/night.mp4 1 2\nquiet\n")
    windows = windows_of(path, ["gate/night", "quiet", "other"])
    assert windows == {"gate/night": ((10, 20), (40, 50)), "quiet": ()}


def test_annotations_of_a_data_set_are_joined_by_file_name(tmp_path: Path) -> None:
    path = tmp_path / "ucf.txt"
    path.write_text("Abuse028_x264.mp4  Abuse  165  240  -1  -1\n")
    names = ["Anomaly-Videos/Abuse/Abuse028_x264", "Normal_Videos_001_x264"]
    assert windows_of(path, names, "ucf-crime") == {names[0]: ((165, 240),)}


def test_a_file_name_that_two_videos_have_is_of_neither(tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.write_text("night 10 20\ngate/noon 3 4\n")
    names = ["gate/night", "yard/night", "gate/noon", "yard/noon"]
    assert windows_of(path, names) == {"gate/noon": ((3, 4),)}
