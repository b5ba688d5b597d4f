"""Numbers at the end of file names: crops, or clips of one camera; what is open is said."""

from pathlib import Path

import numpy as np
import pytest

from c2fpl import label_segments
from c2fpl.errors import BadFeatures
from c2fpl.pipeline.features.published import open_features
from c2fpl.pipeline.settings import ReadingSettings
from feature_folders import DIM, drawn, save


def clips(folder: Path, form: str, names: tuple[str, ...] = ("cam1", "cam2")) -> None:
    for name in names:
        for number in range(10):
            path = folder / form.format(name=name, number=number)
            save(path, np.full((4, DIM), number + 1, np.float32))


def test_numbered_clips_of_cameras_are_videos_and_it_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clips(tmp_path, "{name}_{number}.npy")
    assert len(open_features(tmp_path).names) == 20
    assert "20 files are read as 20 videos" in caplog.text
    named = open_features(tmp_path, ReadingSettings(layout="crop-files"))
    assert named.names == ("cam1", "cam2")
    assert named.shape("cam1") == (4, 10, DIM)


def test_two_underscores_number_crops_and_it_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clips(tmp_path, "{name}__{number}.npy")
    assert open_features(tmp_path).names == ("cam1", "cam2")
    assert "read as the crops of 2 videos" in caplog.text
    assert len(open_features(tmp_path, ReadingSettings(layout="video-files")).names) == 20


@pytest.mark.parametrize("form", ["{name}_{number}.npy", "{name}__{number}.npy"])
def test_names_of_a_data_set_leave_nothing_open(
    tmp_path: Path, form: str, caplog: pytest.LogCaptureFixture
) -> None:
    clips(tmp_path, form, ("01_0014", "01_001"))
    assert open_features(tmp_path).names == ("01_001", "01_0014")
    assert not caplog.messages
    (tmp_path / form.format(name="01_001", number=9)).unlink()
    with pytest.raises(BadFeatures, match="01_001 has files for crops"):
        open_features(tmp_path)


def test_streams_of_video_features_are_told_apart(tmp_path: Path) -> None:
    for stream in ("rgb", "flow"):
        save(tmp_path / f"Abuse001_x264_{stream}.npy", np.ones((4, DIM), np.float32))
    with pytest.raises(BadFeatures, match="streams _rgb and _flow"):
        open_features(tmp_path)
    (tmp_path / "Abuse001_x264_flow.npy").unlink()
    assert open_features(tmp_path).names == ("Abuse001_x264",)
    save(tmp_path / "door_rgb.npy", np.ones((4, DIM), np.float32))
    assert "door_rgb" in open_features(tmp_path).names


def test_python_functions_find_the_axes_as_the_command_line_does() -> None:
    videos = list(drawn(10).values())
    wanted = label_segments(videos).labels
    found = label_segments([video.swapaxes(0, 1) for video in videos]).labels
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_array_equal(one, other)
    for wrong in (np.ones((3, 7, DIM), np.float32), np.ones((512, 40), np.float32)):
        with pytest.raises(BadFeatures):
            label_segments([wrong, wrong])
