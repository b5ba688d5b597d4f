"""Annotations of own videos in the forms that people have: read, or refused with the cure."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from c2fpl.errors import BadAnnotation
from c2fpl.extractors.decoding.presentation_times import constant_times
from c2fpl.pipeline.truth.annotations import read_annotations
from c2fpl.pipeline.truth.forms.records import AnnotationSettings
from c2fpl.pipeline.truth.video_annotation import Annotations
from command_line import c2fpl
from scored_folder import save

TEN = ((10, 20),)
FRAMES = {
    "commas": "a.mp4, 10, 20\nb\n",
    "commas without blanks": "a.mp4,10,20\nb.mp4,-1,-1\n",
    "semicolons": "a.mp4;10;20\nb;;\n",
    "hyphen": "a.mp4 10-20\nb.mp4\n",
    "en dash": "a.mp4 10 \u2013 20\nb.mp4\n",
    "dots and brackets": "a.mp4 [10..20]\nb.mp4 []\n",
    "class first": "a.mp4 Fighting 10 20\nb.mp4 Normal\n",
    "class last": "a.mp4,10,20,Fighting\nb.mp4,-1,-1,Normal\n",
    "comment": "# made by hand\na 10 20\n\nb\n",
    "table": "video,start_frame,end_frame\na.mp4,10,20\nb.mp4,,\n",
    "table, other names": "File Name\tFrame Start\tFrame End\na.mp4\t10\t20\nb.mp4\t-1\t-1\n",
    "table, camel case": "videoName,startFrame,endFrame\na,10,20\nb,,\n",
    "table with blanks": "video start end\na 10 20\nb -1 -1\n",
    "table, 0 and 1": "video,start,end,label\na.mp4,10,20,1\na.mp4,30,40,0\nb.mp4,0,9,0\n",
    "table, cells of intervals": 'video,intervals\na.mp4,"[[10, 20]]"\nb.mp4,[]\n',
    "table, frames a second": "video;start_s;end_s;fps\na;0,4;0,8;25\nb;;;25\n",
}
SECONDS = {
    "fractions": "a.mp4 1.5 2\nb\n",
    "comma decimals": "a.mp4 1,5 2,0\nb\n",
    "clock": "a.mp4 00:00:01.5 00:00:02\nb\n",
    "minutes": "a.mp4 0:01.5-0:02\nb\n",
    "subtitles": "a.mp4 00:00:01,500 --> 00:00:02,000\nb\n",
    "units": "a.mp4 1.5s 2000ms\nb\n",
    "table": "video,start_s,end_s\na.mp4,1.5,2\nb.mp4,,\n",
    "table of whole seconds and a clock": "name,begin,end\na,0:01.5,0:02\nb,,\n",
    "milliseconds": "file,start_ms,end_ms\na.mp4,1500,2000\nb.mp4,,\n",
    "Excel": "\ufeffVideo;Start (s);End (s);Class\r\na.mp4;1,5;2,0;Fight\r\nb.mp4;;;Normal\r\n",
    "ELAN's table": "Media File;Begin Time - hh:mm:ss.ms;End Time - hh:mm:ss.ms\n"
    "a.mp4;00:00:01.500;00:00:02.000\nb.mp4;;\n",
}
CVAT = """<annotations><meta><task><size>60</size><source>a.mp4</source></task></meta>
<track id="0" label="fight"><box frame="10" outside="0"/><box frame="20" outside="1"/></track>
</annotations>"""
ELAN = """<ANNOTATION_DOCUMENT><HEADER><MEDIA_DESCRIPTOR MEDIA_URL="file:///x/a.mp4"/></HEADER>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="1" TIME_VALUE="1500"/>
<TIME_SLOT TIME_SLOT_ID="2" TIME_VALUE="2000"/></TIME_ORDER><TIER><ANNOTATION>
<ALIGNABLE_ANNOTATION ANNOTATION_ID="a" TIME_SLOT_REF1="1" TIME_SLOT_REF2="2">
<ANNOTATION_VALUE>fight</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
</ANNOTATION_DOCUMENT>"""
TOOLS: dict[str, object] = {
    "HIVAU-70k.json": {
        "a": {"fps": 10.0, "n_frames": 60, "label": ["Fight"], "events": [[1.0, 2.0]]},
        "b": {"fps": 10.0, "n_frames": 60, "label": ["Normal"], "events": []},
    },
    "HIVAU-70k of XD-Violence.json": {
        "a": {"fps": 7.0, "n_frames": 60, "label": [], "events": [], "events(frame)": [[10, 20]]}
    },
    "VERA.json": [
        {"video": "frames/a.mp4", "temporal_label": [10, 20], "length": 60, "label": "1"},
        {"video": "frames/b.mp4", "temporal_label": [-1], "length": 60, "label": "0"},
    ],
    "S3R.json": {"a": {"num_frames": 60, "labels": [0] * 10 + [1] * 10 + [0] * 40}},
    "Label Studio.json": [
        {
            "data": {"video": "/data/upload/3/0123abcd-a.mp4"},
            "annotations": [
                {
                    "result": [
                        {
                            "value": {
                                "ranges": [{"start": 11, "end": 20}],
                                "timelinelabels": ["Fight"],
                            }
                        }
                    ]
                }
            ],
        }
    ],
    "CVAT.xml": CVAT,
}


def read(
    folder: Path,
    text: str | bytes,
    name: str = "own.csv",
    how: AnnotationSettings = AnnotationSettings(),
) -> Annotations:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_annotations(path, "own", how)


@pytest.mark.parametrize("form", FRAMES)
def test_frames_are_read_from_every_form_of_text(tmp_path: Path, form: str) -> None:
    found = read(tmp_path, FRAMES[form]).videos
    assert {name: video.intervals for name, video in found.items()} == {"a": TEN, "b": ()}
    assert found["b"].classes == ("Normal",)


@pytest.mark.parametrize("form", SECONDS)
def test_seconds_are_read_from_every_form_of_text(tmp_path: Path, form: str) -> None:
    found = read(tmp_path, SECONDS[form])
    assert {name: video.seconds for name, video in found.videos.items()} == {
        "a": ((1.5, 2.0),),
        "b": (),
    }
    times = constant_times(300, 30.0)
    assert found.videos["a"].in_frames(times).intervals == ((45, 60),)
    assert ", seconds" in found.form


@pytest.mark.parametrize("name", TOOLS)
def test_frames_are_read_from_the_files_of_tools_and_data_sets(tmp_path: Path, name: str) -> None:
    content = TOOLS[name]
    text = content if isinstance(content, str) else json.dumps(content)
    found = {key.split("/")[-1]: video for key, video in read(tmp_path, text, name).videos.items()}
    assert found["a"].intervals == TEN


def test_seconds_are_read_from_tools(tmp_path: Path) -> None:
    via = {
        "file": {"1": {"fname": "a.mp4"}},
        "view": {"1": {"fid_list": ["1"]}},
        "metadata": {"m": {"vid": "1", "z": [1.5, 2.0], "av": {"1": "fight"}}},
    }
    ours = {"database": {"a": {"annotations": [{"segment": [1.5, 2.0], "label": "fight"}]}}}
    texts = {"x.eaf": ELAN, "via.json": json.dumps(via), "net.json": json.dumps(ours)}
    for name, text in texts.items():
        video = read(tmp_path, text, name).videos["a"]
        assert (video.seconds, video.classes) == (((1.5, 2.0),), ("fight",)), name


def test_several_rows_of_a_table_are_one_video_and_an_empty_end_is_the_end(tmp_path: Path) -> None:
    text = "video,start_frame,end_frame,class\na,10,20,Fight\na,30,40,Theft\na,50,,Theft\n"
    video = read(tmp_path, text).videos["a"]
    assert video.classes == ("Fight", "Theft")
    save(tmp_path / "scores", "a", np.linspace(0, 1, 60))
    assert video.intervals[:2] == ((10, 20), (30, 40))
    given = ("--annotations", tmp_path / "own.csv", "--output", tmp_path / "m")
    assert c2fpl("evaluate", tmp_path / "scores", *given) == 0
    metrics = json.loads((tmp_path / "m").read_text())
    assert metrics["anomalous_frames"] == 30
    assert "own.csv read as a table of video, start_frame, end_frame, class" in metrics["notes"][0]


def test_names_may_hold_blanks_where_something_ends_them(tmp_path: Path) -> None:
    text = 'cam 1/my day.mp4 10 20\n"my night" 3 4\nold one\t5\t6\n'
    assert list(read(tmp_path, text).videos) == ["cam 1/my day", "my night", "old one"]


def test_the_first_frame_and_the_end_may_be_given(tmp_path: Path) -> None:
    matlab = AnnotationSettings(annotation_first_frame=1, annotation_end="inclusive")
    found = read(tmp_path, "a 11 20\n", how=matlab)
    assert found.videos["a"].intervals == TEN
    assert found.form.endswith("frames from 1, end inclusive")
    with pytest.raises(BadAnnotation, match="'0' is before the first frame, 1"):
        read(tmp_path, "a 0 20\n", how=matlab)


def test_other_encodings_are_read(tmp_path: Path) -> None:
    text = "video;start_frame;end_frame\ncam\u00e9ra;10;20\n"
    for encoding in ("utf-16", "cp1252", "utf-8-sig"):
        assert list(read(tmp_path, text.encode(encoding)).videos) == ["cam\u00e9ra"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("video,start,end\na,12.0,15.0\n", "line 2: '12.0' may be in frames or in seconds"),
        ("a 0:10 0:20\nb 30 45\n", "line 2: '30' is a plain number, but other positions are times"),
        ("a 10 20x\n", "line 1: '20x' is neither a number nor a time"),
        ("a 00:00:10:12 00:00:20:00\n", "is a time code with frames"),
        ("video,label\na,1\n", "no columns for start and end"),
        ("video,frame,label\na,0,1\n", "no columns for start and end"),
        ("a Fighting\n", "'Fighting' is a class without an interval"),
        ("video,start_s,end_s,fps\na,1,2,fast\n", "line 2: 'fast' is not a frame rate"),
        ("video,start_s,end_s\n,1,2\n", "line 2: column 'video' is empty"),
        ("a end 5\n", "is half an interval"),
        ('{"a": ', "is not valid JSON"),
        ('{"a": 1}', "is JSON of an unknown format"),
        ("<html></html>", "is XML of an unknown format"),
        (
            '<annotations><track><box frame="x"/></track></annotations>',
            "looks like CVAT, but an item is missing",
        ),
        ('<!DOCTYPE x [<!ENTITY a "b">]><annotations/>', "defines entities"),
        ('[{"temporal_label": [1, 2]}]', "looks like VERA, but an entry is incomplete"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(BadAnnotation) as caught:
        read(tmp_path, text, "own.txt")
    assert complaint in str(caught.value)
    assert "own.txt" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_ambiguity_is_settled_by_the_option(tmp_path: Path) -> None:
    text = "video,start,end\na,12.0,15.0\n"
    seconds = read(tmp_path, text, how=AnnotationSettings("seconds")).videos["a"]
    frames = read(tmp_path, text, how=AnnotationSettings("frames")).videos["a"]
    assert (seconds.seconds, frames.intervals) == (((12.0, 15.0),), ((12, 15),))
    with pytest.raises(BadAnnotation, match="is not a whole frame number"):
        read(tmp_path, "a 1.5 3\n", how=AnnotationSettings("frames"))


def test_masks_are_read_by_path_and_images_by_folder(tmp_path: Path) -> None:
    (tmp_path / "masks/cam1").mkdir(parents=True)
    np.save(tmp_path / "masks/cam1/day.npy", np.array([0, 1, 1, 0]))
    assert read_annotations(tmp_path / "masks", "own").videos["cam1/day"].intervals == ((1, 3),)
    pictures = tmp_path / "pictures/Test001_gt"
    pictures.mkdir(parents=True)
    for frame in range(12):
        image = np.zeros((8, 8), np.uint8)
        image[2:4] = 255 * (frame >= 9)
        (pictures / f"{frame}.bmp").write_bytes(cv2.imencode(".bmp", image)[1].tobytes())
    video = read_annotations(tmp_path / "pictures", "own").videos["Test001"]
    assert (video.intervals, video.frame_count) == (((9, 12),), 12)
