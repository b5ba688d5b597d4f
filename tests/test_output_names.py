"""A name that was given in an output folder stays, and no two videos share one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2fpl.pipeline.files.run_files import RunFiles, beside, save_json
from c2fpl.pipeline.steps.score_index import save_index
from c2fpl.pipeline.videos.find import find_videos
from c2fpl.pipeline.videos.output_names import given_names, name_videos

CAMERA = Path("/camera")
FILES = st.lists(
    st.tuples(st.sampled_from(["", "day/"]), st.sampled_from(["a", "A", "a.mp4"]),
              st.sampled_from(["", ".mp4", ".avi", ".MP4", ".avi.mp4"])).map("".join),
    unique=True, max_size=12,
)  # fmt: skip


def named(files: list[str], known: dict[Path, str]) -> dict[Path, str]:
    return name_videos({CAMERA / file: file for file in files}, known)


@given(FILES, st.data())
def test_names_stay_and_differ_in_whatever_order_videos_come_and_go(
    files: list[str], data: st.DataObject
) -> None:
    known: dict[Path, str] = {}
    for _ in range(3):
        present = data.draw(st.lists(st.sampled_from(files), unique=True)) if files else []
        names = named(present, known)
        assert names.keys() == {CAMERA / file for file in present}
        assert {path: known[path] for path in names if path in known}.items() <= names.items()
        known |= names
        assert len(set(known.values())) == len(known)


@pytest.mark.parametrize(
    ("first", "later", "name"),
    [
        ("clip.mp4", "clip.avi", "clip.avi"),
        ("clip.mp4", "CLIP.AVI", "CLIP.AVI"),
        ("day/clip.mp4", "day/clip.avi", "day/clip.avi"),
        ("day/clip.mp4", "clip.avi", "clip"),
        ("a.avi.mp4", "a.avi", "a"),
    ],
)
def test_the_video_that_comes_later_gets_the_longer_name(first: str, later: str, name: str) -> None:
    known = named([first], {})
    both = named([first, later], known)
    assert both == {**known, CAMERA / later: name}
    assert named([later], known) == {CAMERA / later: name}  # the first one is gone


def test_a_moved_folder_keeps_its_names() -> None:
    known = {Path("/old/clip.mp4"): "clip", Path("/old/clip.avi"): "clip.avi"}
    names = named(["clip.avi", "clip.mp4"], known)
    assert names == {CAMERA / "clip.avi": "clip.avi", CAMERA / "clip.mp4": "clip"}


def test_names_do_not_depend_on_the_other_videos_of_a_list(tmp_path: Path) -> None:
    for file in ("x/1.mp4", "y/1.mp4"):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).touch()
    places = [str(tmp_path / "x/1.mp4"), str(tmp_path / "y/1.mp4")]
    (one,) = find_videos(places[:1])
    both = find_videos(places, given={one.path: one.name})
    assert [video.name for video in both] == ["1", "y/1"]


def test_features_and_scores_hold_the_names(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    for name, source in (("day/clip", "/camera/day/clip.mp4"), ("odd", 5)):
        save_json(beside(files.features, name, ".json"), {"source": source})
    (files.features / "cut.json").write_text("{")
    assert given_names(files) == {Path("/camera/day/clip.mp4"): "day/clip"}
    save_index(files.scores, [{"video": "clip", "source": "/camera/clip.avi"}, {"video": "no"}])
    assert given_names(files)[Path("/camera/clip.avi")] == "clip"
    files.score_index.write_text("video\n")
    assert len(given_names(files)) == 1
