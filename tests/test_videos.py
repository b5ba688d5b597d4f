"""Which videos are meant and what their outputs are called."""

from pathlib import Path

import pytest

from c2fpl.errors import NoVideos
from c2fpl.pipeline.videos.find import find_videos
from c2fpl.pipeline.videos.output_names import bare_name


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(where: Path) -> list[str]:
    return [video.name for video in find_videos(str(where))]


def test_a_folder_is_searched_below_and_its_tree_kept(tmp_path: Path) -> None:
    touch(tmp_path, "b/x.mp4", "a/x.mp4", "a/deep/y.MKV", "notes.txt", ".hidden.mp4")
    assert names(tmp_path) == ["a/deep/y", "a/x", "b/x"]


def test_what_a_run_wrote_is_no_footage(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "clips/b.mp4", "run/clips/c.mp4", "run/clips/deep/d.mp4")
    for where in (tmp_path, tmp_path / "*"):
        found = find_videos(str(where), leave_out=(tmp_path / "run" / "clips",))
        assert [video.name for video in found] == ["a", "clips/b"]
    (named,) = find_videos(str(tmp_path / "run/clips/c.mp4"), leave_out=(tmp_path / "run",))
    assert named.name == "c"


def test_same_name_in_two_folders_are_two_videos(tmp_path: Path) -> None:
    touch(tmp_path, "one/x.mp4", "two/x.mp4")
    assert names(tmp_path) == ["one/x", "two/x"]


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (("x.mp4", "x.avi", "y.mp4"), ["x.avi", "x.mp4", "y"]),
        (("clip.avi", "clip.mp4", "clip.avi.mp4"), ["clip.avi", "clip.avi.mp4", "clip.mp4"]),
        (
            ("a.mp4", "a.mp4.avi", "a.mp4.avi.ts", "a.mkv"),
            ["a.mkv", "a.mp4", "a.mp4.avi", "a.mp4.avi.ts"],
        ),
        (("Clip.AVI", "clip.mp4", "clip.avi.mp4"), ["Clip.AVI", "clip.avi.mp4", "clip.mp4"]),
        (("d/x.mp4", "x.mp4", "d.mp4"), ["d", "d/x", "x"]),
    ],
)
def test_two_videos_never_get_one_name(
    tmp_path: Path, files: tuple[str, ...], named: list[str]
) -> None:
    touch(tmp_path, *files)
    assert names(tmp_path) == named


def test_only_a_video_suffix_is_cut(tmp_path: Path) -> None:
    touch(tmp_path, "Thelma...Louise.1991.mp4", "v=1__#1_label_B4-0-0.mp4", "ü @ x.mp4")
    assert names(tmp_path) == ["Thelma...Louise.1991", "v=1__#1_label_B4-0-0", "ü @ x"]
    assert bare_name("Thelma...Louise.1991") == "Thelma...Louise.1991"


def test_a_list_names_files_from_its_own_folder(tmp_path: Path) -> None:
    touch(tmp_path, "v/a.mp4", "v/b.mp4")
    (tmp_path / "list.txt").write_bytes(b"v/a.mp4\r\n\n# a remark\nv/b.mp4")
    assert names(tmp_path / "list.txt") == ["a", "b"]


def test_a_listed_file_that_is_missing_still_counts(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4")
    (tmp_path / "list.txt").write_text("a.mp4\ngone.mp4\n")
    assert names(tmp_path / "list.txt") == ["a", "gone"]


def test_a_glob_and_a_file_are_videos(tmp_path: Path) -> None:
    touch(tmp_path, "v/a.mp4", "v/b.mp4", "v/c.avi", "odd")
    assert names(tmp_path / "v" / "*.mp4") == ["a", "b"]
    assert names(tmp_path / "v" / "c.avi") == ["c"]
    assert names(tmp_path / "odd") == ["odd"]


def test_nothing_there_is_said_with_the_place(tmp_path: Path) -> None:
    with pytest.raises(NoVideos, match="no such file or folder"):
        find_videos(str(tmp_path / "vidoes"))
    with pytest.raises(NoVideos, match=r"no video in .*empty"):
        find_videos(str(tmp_path / "empty*"))
    with pytest.raises(NoVideos, match="no video in"):
        find_videos(str(tmp_path))
