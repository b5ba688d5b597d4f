"""Lists of videos in the forms of the field: the names, whatever stands beside them."""

from pathlib import Path

import pytest

from c2fpl.errors import BadAnnotation, BadFile
from c2fpl.pipeline.truth.dataset_videos import read_name_list
from c2fpl.pipeline.videos.find import find_videos
from c2fpl.pipeline.videos.list_entries import read_entries

FORMS = {
    "official": "Abuse/Abuse001_x264.mp4\nTesting_Normal_Videos_Anomaly/Normal_Videos_003_x264.mp4",
    "official, old Windows": "Abuse\\Abuse001_x264.mp4\r\nNormal_Videos_003_x264.mp4\r\n",
    "RTFM": "G:\\UCF\\Abuse001_x264_i3d.npy\nG:\\UCF\\Normal_Videos_003_x264_i3d.npy\n",
    "VadCLIP": "path,label\n/a/Abuse001_x264__5.npy,Abuse\n/b/Normal_Videos_003_x264__5.npy,Normal",
    "UR-DMU": "Abuse/Abuse001_x264.mp4 2729 Abuse 1 2\nNormal_Videos_003_x264.mp4 9 Normal -1 -1",
    "bare names with columns": "Abuse001_x264  Abuse  165  240\nNormal_Videos_003_x264  Normal  -1",
    "MIST": "Abuse001_x264,1,-1\nNormal_Videos_003_x264,0,512",
    "seominseok": "Abuse/Abuse001_x264.mp4|1412|[165, 240]\nNormal_Videos_003_x264.mp4 1412 -1",
    "S3R header": "video-id\nAbuse001_x264\nNormal_Videos_003_x264",
    "table": "index;video;n_frames\n0;Abuse001_x264;1412\n1;Normal_Videos_003_x264;99",
    "tabs": "Name\tFrames\nAbuse001_x264.mp4\t1412\nNormal_Videos_003_x264.mp4\t99",
    "quoted": 'video,label\n"Abuse001_x264.mp4","a, b"\n"Normal_Videos_003_x264.mp4","c"',
    "comments": "# the list\n\nAbuse001_x264\n#Arson001_x264\nNormal_Videos_003_x264\n",
    "text features": "c3d/Abuse001_x264_C.txt\nc3d/Normal_Videos_003_x264_C.txt",
    "PEL4VAD crops": "".join(
        f"train/{name}_{crop}.npy 1.0\n"
        for name in ("Abuse001_x264", "Normal_Videos_003_x264")
        for crop in range(10)
    ),
    "XDVioDet crops": "".join(
        f"RGB/{name}__{crop}.npy\n"
        for name in ("Abuse001_x264", "Normal_Videos_003_x264")
        for crop in range(5)
    ),
}
JSON = {
    "names": '["Abuse/Abuse001_x264.mp4", "Normal_Videos_003_x264.mp4"]',
    "keys": '{"Abuse001_x264": {"labels": [0]}, "Normal_Videos_003_x264": {"labels": [0]}}',
    "database": '{"database": {"Abuse001_x264": {}, "Normal_Videos_003_x264": {}}}',
    "objects": '[{"n": 3, "video": "Abuse001_x264"}, {"video": "Normal_Videos_003_x264.mp4"}]',
    "lines": '{"video_id": "Abuse001_x264"}\n{"video_id": "Normal_Videos_003_x264"}\n',
}
NAMES = ("Abuse001_x264", "Normal_Videos_003_x264")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_list_gives_the_names(tmp_path: Path, form: str) -> None:
    (tmp_path / "list.txt").write_bytes(FORMS[form].encode("utf-8-sig"))
    assert read_name_list(tmp_path / "list.txt", "ucf-crime") == NAMES


@pytest.mark.parametrize("form", JSON)
def test_every_form_of_json_gives_the_names(tmp_path: Path, form: str) -> None:
    (tmp_path / "list.json").write_text(JSON[form])
    assert read_name_list(tmp_path / "list.json", "ucf-crime") == NAMES


@pytest.mark.parametrize("content", ["", "{", "3", "[3]", '{"train": ["a"], "test": ["b"]}'])
def test_json_without_a_list_of_names_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "list.json").write_text(content)
    with pytest.raises((BadFile, BadAnnotation), match=r"list\.json"):
        read_name_list(tmp_path / "list.json")


def test_paths_keep_their_blanks_and_commas(tmp_path: Path) -> None:
    lines = ("front door.mp4", "cam 1/Lobby, east.mp4", "cam 1/Lobby 2.mp4 12 0", "back door")
    (tmp_path / "list.txt").write_text("\n".join(lines))
    wanted = ["front door.mp4", "cam 1/Lobby, east.mp4", "cam 1/Lobby 2.mp4", "back door"]
    assert read_entries(tmp_path / "list.txt") == wanted


def test_names_of_another_data_set_are_reported_and_not_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "list.txt"
    path.write_text("Abuse001_x264.mp4\nREADME\n01_0014\n")
    assert read_name_list(path, "ucf-crime") == ("Abuse001_x264",)
    assert "left out, not names of ucf-crime: README, 01_0014" in caplog.text
    with pytest.raises(BadAnnotation, match="names no video of xd-violence"):
        read_name_list(path, "xd-violence")


def test_a_number_after_one_underscore_is_part_of_other_names(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("cam_1.mp4\ncam_2.mp4\n01_0014_0.npy\n01_0014_1.npy\n")
    assert read_name_list(tmp_path / "list.txt") == ("cam_1", "cam_2", "01_0014")


@pytest.mark.parametrize("form", ["VadCLIP", "seominseok", "table", "comments"])
def test_lists_of_videos_are_read_alike(tmp_path: Path, form: str) -> None:
    content = FORMS[form].replace("__5.npy", ".mp4")
    (tmp_path / "list.csv").write_text(content)
    found = find_videos(str(tmp_path / "list.csv"))
    assert {video.path.name.removesuffix(".mp4") for video in found} == set(NAMES)
