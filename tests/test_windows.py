"""Annotated windows reach the videos of a run by name."""

from pathlib import Path

from c2fpl.pipeline.truth.windows import read_windows


def test_own_annotations_are_joined_by_path_and_videos_unknown_to_them_left_out(
    tmp_path: Path,
) -> None:
    path = tmp_path / "own.txt"
    path.write_text("gate/night.mp4 10 20 40 50\nyard/night.mp4 1 2\nquiet\n")
    windows = read_windows(path, ["gate/night", "quiet", "other"])
    assert windows == {"gate/night": ((10, 20), (40, 50)), "quiet": ()}


def test_annotations_of_a_data_set_are_joined_by_file_name(tmp_path: Path) -> None:
    path = tmp_path / "ucf.txt"
    path.write_text("Abuse028_x264.mp4  Abuse  165  240  -1  -1\n")
    names = ["Anomaly-Videos/Abuse/Abuse028_x264", "Normal_Videos_001_x264"]
    assert read_windows(path, names, "ucf-crime") == {names[0]: ((165, 240),)}


def test_a_file_name_that_two_videos_have_is_of_neither(tmp_path: Path) -> None:
    path = tmp_path / "own.txt"
    path.write_text("night 10 20\ngate/noon 3 4\n")
    names = ["gate/night", "yard/night", "gate/noon", "yard/noon"]
    assert read_windows(path, names) == {"gate/noon": ((3, 4),)}
