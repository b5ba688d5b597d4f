"""Folders as they lie on people's disks: links, NAS leftovers, hidden files, unknown suffixes."""

import logging
import os
import subprocess
from pathlib import Path

import pytest

from c2fpl.errors import NoVideos
from c2fpl.pipeline.truth.dataset_videos import index_videos
from c2fpl.pipeline.videos.find import find_videos, holds_videos
from c2fpl.pipeline.videos.search import SUFFIXES
from test_videos import names, touch


def left_out(caplog: pytest.LogCaptureFixture, where: Path) -> str:
    """What one search logs of it."""
    caplog.clear()
    with caplog.at_level(logging.INFO):
        find_videos(str(where))
    assert len(caplog.records) <= 1
    return caplog.messages[0].split(": left out: ")[1] if caplog.messages else ""


def test_the_tree_of_the_field_is_found_as_it_should_be(
    shared_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tree = tmp_path / "tree"
    script = shared_data / "field" / "folders.sh"
    subprocess.run(["bash", str(script), str(tree)], check=True, capture_output=True)
    found = names(tree)
    assert {"cam1/a", "cam9/b", "UPPER/C"} <= set(found)
    assert [name for name in found if name.split("/")[0] not in ("lists", "twins", "other")] == [
        *("UPPER/C", "cam1/a", "cam9/b")
    ]
    assert [name for name in found if name.startswith("twins")] == [
        *("twins/clip.avi", "twins/clip.avi.mp4", "twins/clip.mp4")
    ]
    assert left_out(caplog, tree) == (
        "6 files without a known suffix (.db, .txt, none, .part), 4 hidden, NAS or trash folders, "
        "1 resource fork, 1 unreadable path"
    )
    for listed in ("bom_crlf.txt", "twice.txt", "ffconcat.txt"):
        assert names(tree / "lists" / listed) == ["a", "c d"]


def test_linked_folders_are_searched_once_and_named_by_their_real_place(tmp_path: Path) -> None:
    touch(tmp_path, "tree/b/x.mp4", "disk2/deep/y.mp4")
    for link, target in {"a": "tree/b", "z": "disk2", "y": "disk2/deep"}.items():
        (tmp_path / "tree" / link).symlink_to(tmp_path / target)
    assert names(tmp_path / "tree") in (["b/x", "y/y"], ["b/x", "z/deep/y"])


def test_links_upwards_and_to_themselves_end(tmp_path: Path) -> None:
    touch(tmp_path, "tree/cam/x.mp4", "beside/y.mp4")
    for link, target in {
        "up": "..",
        "cam/up": "../..",
        "self": "self",
        "top": str(tmp_path),
    }.items():
        (tmp_path / "tree" / link).symlink_to(target)
    for where in ("tree", "tree/*", "tree/**/*.mp4", "tree/*/*", "tree/**"):
        assert [Path(name).name for name in names(tmp_path / where)] == ["x"]


@pytest.mark.parametrize(
    "folder",
    [
        *("@eaDir", "#recycle", "#Snapshot", "$RECYCLE.BIN", ".Trash-1000", ".snapshot"),
        *("System Volume Information", "@Recycle", ".@__thumb", "__MACOSX", "deep/.hidden/deeper"),
    ],
)
@pytest.mark.parametrize("where", ["", "*", "**/*.mp4", "**", "*/*", "c*"])
def test_folders_that_hold_no_footage_are_left_out_and_counted(
    tmp_path: Path, folder: str, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    touch(tmp_path, "cam/a.mp4", f"cam/{folder}/b.mp4", f"{folder}/c.mp4")
    (name,) = names(tmp_path / where)
    assert name.split("/")[-1] == "a"
    if where in ("", "**/*.mp4"):
        assert left_out(caplog, tmp_path / where) == "2 hidden, NAS or trash folders"


def test_what_is_named_outright_is_meant(tmp_path: Path) -> None:
    touch(tmp_path, ".snapshot/a.mp4", ".snapshot/._b.mp4", "c.dat", "d.dat", "._e.mp4")
    assert names(tmp_path / ".snapshot") == ["a"]
    assert names(tmp_path / ".snapshot" / "*.mp4") == ["a"]
    assert names(tmp_path / ".s*" / "a.mp4") == ["a"]
    assert names(tmp_path / "*.dat") == ["c.dat", "d.dat"]
    assert names(tmp_path / "._e.mp4") == ["._e"]


def test_every_kind_that_is_left_out_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    touch(
        tmp_path, "a.mp4", "._a.mp4", ".b.mp4", ".DS_Store", "notes", "x.db", "y.db", "z.mp4.part"
    )
    (tmp_path / "gone.mp4").symlink_to("nowhere.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "folder.mp4").mkdir()
    assert left_out(caplog, tmp_path) == (
        "4 files without a known suffix (none, .db, .part), 2 hidden files, 1 resource fork, "
        "2 unreadable paths"
    )
    (tmp_path / "a.mp4").unlink()
    with pytest.raises(
        NoVideos, match=r"no video in .* \(left out: 4 files without a known suffix"
    ):
        find_videos(str(tmp_path))


def test_nothing_is_said_where_nothing_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    touch(tmp_path, "a.mp4", "b/c.MKV")
    assert left_out(caplog, tmp_path) == ""


@pytest.mark.parametrize("suffix", ["f4v", "qt", "dv", "divx", "mxf", "3g2", "MOD", "tod", "h266"])
def test_suffixes_that_decode_are_searched(tmp_path: Path, suffix: str) -> None:
    touch(tmp_path, f"a.{suffix}")
    assert names(tmp_path) == ["a"]


def test_every_suffix_of_a_video_demuxer_is_searched_or_left_out_on_purpose() -> None:
    from av.format import ContainerFormat

    containers = (
        "mov",
        "matroska",
        "avi",
        "flv",
        "mxf",
        "dv",
        "h264",
        "hevc",
        "vvc",
        "mjpeg",
        "obu",
    )
    decoded = {
        f".{suffix}" for name in containers for suffix in ContainerFormat(name, "r").extensions
    }
    sound_or_pictures = {".avif", ".heic", ".heif", ".m4a", ".m4b", ".mka", ".mks", ".mpo"}
    assert decoded - SUFFIXES == sound_or_pictures | {".psp", ".isma", ".ism", ".h26l"}


def test_lists_name_files_folders_and_globs_once_each(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    touch(tmp_path, "v/a.mp4", "v/c d.mp4", "w/e.mp4", "w/f.mp4", "w/._f.mp4")
    path = tmp_path / "list.txt"
    path.write_text('v/a.mp4\n"v/c d.mp4"\nv/a.mp4\nw\nv/*.mp4\ngone.mp4\n')
    assert names(path) == ["gone", "v/a", "v/c d", "w/e", "w/f"]
    assert left_out(caplog, path) == "3 doubles, 1 resource fork"


def test_a_glob_of_lists_names_their_videos(tmp_path: Path) -> None:
    touch(tmp_path, "v/a.mp4", "v/b.mp4")
    (tmp_path / "one.txt").write_text("v/a.mp4\n")
    (tmp_path / "two.txt").write_text("v/b.mp4\nv/a.mp4\n")
    assert names(tmp_path / "*.txt") == ["a", "b"]
    (tmp_path / "itself.txt").write_text("v/b.mp4\nits*.txt\n")
    assert [Path(name).name for name in names(tmp_path / "itself.txt")] == ["itself.txt", "b"]


@pytest.mark.parametrize(
    ("on_disk", "written"),
    [
        ("v/a.mp4", b"v\\a.mp4"),
        ("caf\u00e9.mp4", "cafe\u0301.mp4".encode()),
        ("cafe\u0301.mp4", "caf\u00e9.mp4".encode()),
        ("caf\u00e9.mp4", "caf\u00e9.mp4".encode("cp1252")),
        ("caf\u00e9.mp4", "caf\u00e9.mp4".encode("utf-16")),
    ],
)
def test_names_of_other_systems_are_found(tmp_path: Path, on_disk: str, written: bytes) -> None:
    touch(tmp_path, on_disk)
    (tmp_path / "list.txt").write_bytes(written + b"\n" * (b"\0" not in written))
    (video,) = find_videos(str(tmp_path / "list.txt"))
    assert video.path == tmp_path / on_disk


def test_videos_of_a_data_set_are_found_behind_links_and_not_in_trash(tmp_path: Path) -> None:
    touch(tmp_path, "disk/Abuse/Abuse028_x264.mp4", "data/#recycle/Abuse028_x264.mp4")
    (tmp_path / "data" / "#recycle" / "Abuse028_x264.mp4").write_text("another size")
    (tmp_path / "data" / "part1").symlink_to(tmp_path / "disk")
    found = index_videos(tmp_path / "data", ["Abuse028_x264"], "training")
    assert found.files == {"Abuse028_x264": tmp_path / "data/part1/Abuse/Abuse028_x264.mp4"}
    assert holds_videos(tmp_path / "data")
