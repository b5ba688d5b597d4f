"""Annotation files of every form found on disks, whole and broken."""

from pathlib import Path

import numpy as np
import pytest

from c2fpl.errors import BadAnnotation, BadFile, UnknownVideo
from c2fpl.pipeline.truth.annotations import annotation_of, read_annotations, required_names
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.forms.masks import read_mask
from c2fpl.pipeline.truth.frame_runs import runs_of_ones

UCF_FORMS = {
    "official": "Arson011_x264.mp4  Arson  150  420  680  1267  \nNormal_Videos_003_x264.mp4"
    "  Normal  -1  -1  -1  -1  \n",
    "crlf": "Arson011_x264.mp4  Arson  150  420  680  1267  \r\nNormal_Videos_003_x264.mp4  Normal"
    "  -1  -1  -1  -1  \r\n",
    "no suffix, no final newline": "Arson011_x264 Arson 150 420 680 1267\n"
    "Normal_Videos_003_x264 Normal -1 -1 -1 -1",
    "frame count before the class": "Arson/Arson011_x264.mp4 1266 Arson 150 420 680 1267\n"
    "Testing_Normal_Videos_Anomaly/Normal_Videos_003_x264.mp4 2820 Normal -1 -1 -1 -1\n",
    "tabs, frame count at the end": "Arson011_x264.mp4\tArson\t150\t420\t680\t1267\t1266\n"
    "Normal_Videos_003_x264.mp4\tNormal\t-1\t-1\t-1\t-1\t2820\n",
    "path n s e": "Arson/Arson011_x264.mp4 1266 150 420 680 1267\n"
    "Normal_Videos_event/Normal_Videos_003_x264.mp4 2820 -1\n",
    "bars": "Arson/Arson011_x264.mp4|1266|[150, 420, 680, 1267]\n"
    "Normal/Normal_Videos_003_x264.mp4|2820|[-1, -1]\n",
    "backslashes and byte order mark": "\ufeffG:\\UCF\\Arson011_x264.mp4 Arson 150 420 680 1267\n"
    "G:\\UCF\\Normal_Videos_003_x264.mp4 Normal -1 -1 -1 -1\n",
}


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "annotations.txt"
    path.write_bytes(text.encode())
    return path


def refusal(tmp_path: Path, text: str, dataset: DatasetName) -> str:
    with pytest.raises(BadAnnotation) as caught:
        read_annotations(written(tmp_path, text), dataset)
    message = str(caught.value)
    assert "annotations.txt" in message and "\n" not in message
    return message


@pytest.mark.parametrize("form", UCF_FORMS)
def test_every_form_of_the_ucf_file_says_the_same(tmp_path: Path, form: str) -> None:
    read = read_annotations(written(tmp_path, UCF_FORMS[form]), "ucf-crime")
    assert list(read.videos) == ["Arson011_x264", "Normal_Videos_003_x264"]
    assert read.videos["Arson011_x264"].intervals == ((150, 420), (680, 1267))
    assert read.videos["Arson011_x264"].classes == ("Arson",)
    assert read.videos["Normal_Videos_003_x264"].intervals == ()
    assert read.convention == "as written"


def test_the_frame_count_of_a_row_is_kept(tmp_path: Path) -> None:
    for form in ("frame count before the class", "tabs, frame count at the end", "bars"):
        read = read_annotations(written(tmp_path, UCF_FORMS[form]), "ucf-crime")
        assert read.videos["Arson011_x264"].frame_count == 1266


def test_xd_rows_keep_mp4_and_names_keep_their_dots(tmp_path: Path) -> None:
    text = (
        "v=U6MC8JJJZSY__#1_label_G-0-0.mp4 150 779\n"
        "Thelma...Louise.1991__#0-1-2_0-3-4_label_B2-G-0 1 2 3 4"
    )
    videos = read_annotations(written(tmp_path, text), "xd-violence").videos
    assert videos["v=U6MC8JJJZSY__#1_label_G-0-0"].intervals == ((150, 779),)
    louise = videos["Thelma...Louise.1991__#0-1-2_0-3-4_label_B2-G-0"]
    assert louise.classes == ("Shooting", "Explosion")


def test_own_rows_are_name_start_end_and_a_name_alone_is_normal(tmp_path: Path) -> None:
    text = "cam1/Test001.avi 60 180\ncam2/Test001.avi 0 5 7 9\nquiet\nmy video\t3\t4\n"
    read = read_annotations(written(tmp_path, text), "own")
    assert {name: video.intervals for name, video in read.videos.items()} == {
        "cam1/Test001": ((60, 180),),
        "cam2/Test001": ((0, 5), (7, 9)),
        "quiet": (),
        "my video": ((3, 4),),
    }
    assert read.convention == "0-based, end exclusive"
    assert read.videos["quiet"].classes == ("Normal",)


@pytest.mark.parametrize(
    ("numbers", "complaint"),
    [
        ("5 3", "'5 3' ends before it starts"),
        ("-7 3", "'-7' is outside 0 to 1000000000"),
        ("1 2000000000", "'2000000000' is outside"),
        ("1 99999999999999999999999", "is neither a number nor a time"),
        ("1 nan", "'1 nan' is half an interval"),
        ("\u0661 \u0662", "is neither a number nor a time"),
        ("1_0 20", "'1_0' is neither a number nor a time"),
        ("1 2 3", "'1 2 3' is an odd number of positions"),
        ("-1 5", "'-1 5' is half an interval"),
    ],
)
def test_absurd_numbers_are_refused_with_line_and_value(
    tmp_path: Path, numbers: str, complaint: str
) -> None:
    message = refusal(tmp_path, f"fine 1 2\nvideo {numbers}\n", "own")
    assert "line 2" in message and complaint in message


def test_a_doubled_row_is_refused_with_both_lines(tmp_path: Path) -> None:
    message = refusal(tmp_path, "a 1 2\nb 1 2\na.mp4 1 2\n", "own")
    assert "line 3: 'a' is already on line 1" in message


def test_an_empty_file_a_binary_file_and_no_file_are_refused(tmp_path: Path) -> None:
    assert "has no rows" in refusal(tmp_path, "\r\n \n", "own")
    (tmp_path / "annotations.txt").write_bytes(b"\x93NUMPY\x01\x00\xff\xfe")
    with pytest.raises(BadAnnotation, match="is not a text file"):
        read_annotations(tmp_path / "annotations.txt", "own")
    with pytest.raises(BadAnnotation, match="cannot be read"):
        read_annotations(tmp_path / "none.txt", "ucf-crime")


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("Abuse028_x264.mp4 Arson 1 2 -1 -1", "'Arson' is not the class of the name, Abuse"),
        ("Abuse028_x264.mp4 Abuse -1 -1 -1 -1", "is an anomalous video without intervals"),
        ("Normal_Videos_003_x264 Normal 1 2 -1 -1", "is a normal video with intervals"),
        ("holiday.mp4 Abuse 1 2 -1 -1", "'holiday' is not a UCF-Crime name"),
        ("Abuse028_x264.mp4", "has no intervals"),
        ("frames/Abuse/Abuse028_x264.mp4 1412 1 165 240", "looks like a UMIL list"),
    ],
)
def test_ucf_rows_that_contradict_themselves_are_refused(
    tmp_path: Path, row: str, complaint: str
) -> None:
    assert complaint in refusal(tmp_path, row, "ucf-crime")


def test_xd_rows_that_contradict_their_name_are_refused(tmp_path: Path) -> None:
    assert "is a normal video with" in refusal(tmp_path, "x__#1_label_A 1 2", "xd-violence")
    assert "an anomalous video without" in refusal(tmp_path, "x__#1_label_G-0-0", "xd-violence")
    assert "is not an XD-Violence name" in refusal(tmp_path, "x__#1_label_Z 1 2", "xd-violence")


def test_masks_become_runs_and_know_their_length(tmp_path: Path) -> None:
    np.save(tmp_path / "01_0014.npy", np.array([0, 1, 1, 0, 1], np.uint8))
    video = read_annotations(tmp_path, "shanghaitech").videos["01_0014"]
    assert video.intervals == ((1, 3), (4, 5))
    assert video.frame_count == 5
    assert runs_of_ones(np.ones(3, np.uint8)) == ((0, 3),)
    assert runs_of_ones(np.zeros(3, np.uint8)) == ()


def test_masks_that_are_not_zero_and_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "01_0014.npy"
    np.save(path, np.array([0.0, np.nan]))
    with pytest.raises(BadAnnotation, match="frame 1: nan is neither 0 nor 1"):
        read_mask(path)
    np.save(path, np.zeros((2, 2)))
    with pytest.raises(BadAnnotation, match="one value per frame"):
        read_mask(path)
    np.save(path, np.array([None, 1]), allow_pickle=True)
    with pytest.raises(BadFile, match="pickled objects"):
        read_mask(path)
    with pytest.raises(BadAnnotation, match="is not a folder"):
        read_annotations(path, "shanghaitech")


def test_normal_videos_of_xd_and_shanghaitech_are_known_by_name_only(tmp_path: Path) -> None:
    xd = read_annotations(written(tmp_path, "x__#1_label_G-0-0 1 2"), "xd-violence")
    normal = annotation_of("y__#1_label_A", xd, "xd-violence")
    assert normal is not None and normal.intervals == ()
    assert annotation_of("y__#1_label_G", xd, "xd-violence") is None
    with pytest.raises(UnknownVideo, match="'y' is not an XD-Violence name"):
        annotation_of("y", xd, "xd-violence")


def test_real_ucf_variants_agree(shared_data: Path) -> None:
    folder = shared_data / "annotations" / "ucf-crime"
    names = (
        "Temporal_Anomaly_Annotation.crlf.txt",
        "Temporal_Anomaly_Annotation.vadclip_noext.txt",
        "Test_Annotation.ekosman.txt",
        "UCF_Annotation.urdmu.txt",
    )
    official = read_annotations(
        folder / "Temporal_Anomaly_Annotation_for_Testing_Videos.txt", "ucf-crime"
    ).videos
    said = {name: video.intervals for name, video in official.items()}
    assert len(said) == 290
    assert sum(len(intervals) == 2 for intervals in said.values()) == 16
    for name in names:
        videos = read_annotations(folder / name, "ucf-crime").videos
        assert {name: video.intervals for name, video in videos.items()} == said


def test_real_xd_variants_agree(shared_data: Path) -> None:
    folder = shared_data / "annotations" / "xd-violence"
    official = read_annotations(folder / "annotations.txt", "xd-violence").videos
    assert len(official) == 500
    assert sum(len(video.intervals) for video in official.values()) == 1238
    other = read_annotations(folder / "XD_Annotation.urdmu_noext.txt", "xd-violence").videos
    assert official == other


def test_real_masks_and_test_list(shared_data: Path) -> None:
    folder = shared_data / "annotations" / "shanghaitech" / "test_frame_mask"
    read = read_annotations(folder, "shanghaitech")
    assert len(read.videos) == 107
    assert sum(video.frame_count or 0 for video in read.videos.values()) == 40791
    positives = sum(end - start for v in read.videos.values() for start, end in v.intervals)
    assert positives == 17326
    assert len(required_names(read, "shanghaitech")) == 199


def test_real_ped2_rows_are_read(shared_data: Path) -> None:
    read = read_annotations(shared_data / "ped2" / "annotations.txt", "own")
    assert read.videos["Test002"].intervals == ((94, 180),)
    assert len(read.videos) == 12
