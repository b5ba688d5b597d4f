"""Names, official lists and raw folders of the benchmarks."""

from pathlib import Path

import pytest

from c2fpl.errors import BadAnnotation, UnknownVideo
from c2fpl.pipeline.truth.dataset_videos import index_videos, read_name_list, read_split
from c2fpl.pipeline.truth.datasets import DATASETS, DatasetName, classes_of, is_anomalous
from c2fpl.pipeline.truth.frame_counts import read_count_table
from c2fpl.pipeline.videos.names import named, video_name, video_path_name


@pytest.mark.parametrize(
    "written",
    [
        "Abuse028_x264",
        "Abuse028_x264.mp4",
        "Abuse028_x264.MP4",
        "Abuse/Abuse028_x264.mp4",
        r"G:\UCF\Abuse028_x264_i3d.npy",
        "./scores/Abuse028_x264.npy",
        " Abuse028_x264.mp4.npy\r",
    ],
)
def test_a_video_has_one_name_however_it_is_written(written: str) -> None:
    assert video_name(written) == "Abuse028_x264"


def test_dots_in_names_are_no_suffixes() -> None:
    name = "Thelma...Louise.1991__#1-2-3_4-5-6_label_A"
    assert video_name(name) == video_name(f"{name}.mp4") == name
    assert video_path_name("cam.1/day.2.mp4") == "cam.1/day.2"


def test_many_names_are_shortened_to_five() -> None:
    assert named("abc") == "a, b, c"
    assert named("abcdefg") == "a, b, c, d, e and 2 more"


@pytest.mark.parametrize(
    ("name", "dataset", "classes"),
    [
        ("RoadAccidents021_x264", "ucf-crime", ("RoadAccidents",)),
        ("Normal_Videos_003_x264", "ucf-crime", ("Normal",)),
        ("Normal_Videos586_x264", "ucf-crime", ("Normal",)),
        ("x.y@z=1__#1_label_B2-G-0", "xd-violence", ("Shooting", "Explosion")),
        ("v=4FzhVu2PR8Y__#1_label_B1", "xd-violence", ("Fighting",)),
        ("v=l0N5tPaagbc__#1_label_G", "xd-violence", ("Explosion",)),
        ("wangted.2008__#0-27-17_0-28-07_label_A", "xd-violence", ("Normal",)),
        ("01_0014", "shanghaitech", ("Anomaly",)),
        ("01_001", "shanghaitech", ("Normal",)),
        ("anything", "own", ("Unknown",)),
    ],
)
def test_a_name_tells_its_classes(
    name: str, dataset: DatasetName, classes: tuple[str, ...]
) -> None:
    assert classes_of(name, dataset) == classes


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        ("Abuse28_x264", "ucf-crime"),
        ("Kissing028_x264", "ucf-crime"),
        ("x__#1_label_", "xd-violence"),
        ("x__#1_label_A-B1", "xd-violence"),
        ("x__#1_label_B3", "xd-violence"),
        ("1_0014", "shanghaitech"),
    ],
)
def test_a_foreign_name_is_refused(name: str, dataset: DatasetName) -> None:
    with pytest.raises(UnknownVideo, match=f"'{name}' is not a"):
        classes_of(name, dataset)


def test_names_of_own_videos_tell_nothing() -> None:
    with pytest.raises(UnknownVideo, match="only annotations tell"):
        is_anomalous("a", "own")


def test_every_published_figure_is_a_fraction_with_a_source() -> None:
    figures = [figure for dataset in DATASETS.values() for figure in dataset.figures]
    assert len(figures) >= 6
    assert all(0 < figure.value < 1 and figure.source and figure.what for figure in figures)


def test_lists_read_alike_with_folders_crops_and_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"Abuse/Abuse001_x264.mp4\r\nArson/Arson002_x264.mp4 1 2")
    assert read_name_list(path) == ("Abuse001_x264", "Arson002_x264")
    crops = [f"/home/RGB/v=a__#1_label_A__{crop}.npy\n" for crop in range(5)]
    path.write_text("".join(crops))
    assert read_name_list(path) == ("v=a__#1_label_A",)


def test_empty_lists_are_refused_and_doubled_names_counted_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "list.txt"
    path.write_text("\n")
    with pytest.raises(BadAnnotation, match="is empty"):
        read_name_list(path)
    path.write_text("a\nb\na\n")
    assert read_name_list(path) == ("a", "b")
    assert "lists a more than once" in caplog.text
    with pytest.raises(BadAnnotation, match="cannot be read"):
        read_name_list(tmp_path / "none.txt")


def video(folder: Path, name: str, content: bytes = b"film") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_videos_are_found_by_name_in_any_nesting(tmp_path: Path) -> None:
    deep = "Anomaly-Videos-Part-3/Anomaly-Videos-Part-3/Shooting/Shooting001_x264.mp4"
    video(tmp_path, deep)
    video(tmp_path, "Training-Normal-Videos-Part-1/Normal_Videos003_x264.mp4")
    video(tmp_path, "Shooting001_x264.txt")
    found = index_videos(tmp_path, ["Normal_Videos003_x264", "Shooting001_x264"], "training")
    assert list(found.files) == ["Normal_Videos003_x264", "Shooting001_x264"]
    assert found.files["Shooting001_x264"] == tmp_path / deep
    assert (found.missing, found.notes) == ((), ())


def test_missing_videos_are_named_with_the_effect(tmp_path: Path) -> None:
    found = index_videos(tmp_path, ["Abuse001_x264"], "training")
    assert found.missing == ("Abuse001_x264",)
    assert "1 of 1 training videos" in found.notes[0]
    assert "Abuse001_x264; pseudo-labels and detector are learned without them" in found.notes[0]
    assert "a different test set" in index_videos(tmp_path, ["Abuse001_x264"], "test").notes[0]


@pytest.mark.parametrize("copies", ["z_Normal_Videos_event", "Normal_Videos_for_Event_Recognition"])
def test_copies_of_normal_videos_give_way_to_the_original(tmp_path: Path, copies: str) -> None:
    video(tmp_path, f"{copies}/Normal_Videos003_x264.mp4", b"copy of another size")
    original = video(tmp_path, "z/Training_Normal_Videos_Anomaly/Normal_Videos003_x264.mp4")
    found = index_videos(tmp_path, ["Normal_Videos003_x264"], "training")
    assert found.files["Normal_Videos003_x264"] == original
    assert found.notes == (
        "1 training videos have several files, counted once: Normal_Videos003_x264",
    )


def test_two_different_files_of_one_video_are_refused(tmp_path: Path) -> None:
    video(tmp_path, "a/Abuse001_x264.mp4")
    video(tmp_path, "b/Abuse001_x264.avi", b"something else")
    with pytest.raises(BadAnnotation, match=r"Abuse001_x264 has two files that differ in size"):
        index_videos(tmp_path, ["Abuse001_x264"], "test")


def test_a_video_in_both_lists_is_refused(tmp_path: Path) -> None:
    train, test = tmp_path / "train.txt", tmp_path / "test.txt"
    train.write_text("Abuse/Abuse001_x264.mp4\nAbuse/Abuse002_x264.mp4")
    test.write_text("Abuse001_x264")
    with pytest.raises(BadAnnotation, match="both list Abuse001_x264"):
        read_split(train, test, "ucf-crime")


def test_lists_of_a_part_of_the_data_set_are_taken_and_said(tmp_path: Path) -> None:
    train, test = tmp_path / "train.txt", tmp_path / "test.txt"
    train.write_bytes(b"")
    test.write_text("Abuse/Abuse028_x264.mp4")
    with pytest.raises(BadAnnotation, match="is empty"):
        read_split(train, test, "ucf-crime")
    train.write_text("Abuse/Abuse001_x264.mp4")
    split = read_split(train, test, "ucf-crime")
    assert (split.train, split.test) == (("Abuse001_x264",), ("Abuse028_x264",))
    assert split.notes == (
        "1 training videos instead of the official 1610: figures are not comparable with"
        " published ones",
        "1 test videos instead of the official 290: figures are not comparable with published ones",
    )


def lists_in(folder: Path, prefix: str) -> tuple[Path, Path]:
    return folder / f"{prefix}_Train.txt", folder / f"{prefix}_Test.txt"


def test_real_ucf_lists_have_the_official_counts(shared_data: Path) -> None:
    split = read_split(*lists_in(shared_data / "annotations" / "ucf-crime", "Anomaly"), "ucf-crime")
    assert (len(split.train), len(split.test), split.notes) == (1610, 290, ())
    assert sum(is_anomalous(name, "ucf-crime") for name in split.train) == 810
    assert sum(is_anomalous(name, "ucf-crime") for name in split.test) == 140


def test_real_shanghaitech_lists_have_the_official_counts(shared_data: Path) -> None:
    split = read_split(
        *lists_in(shared_data / "annotations" / "shanghaitech", "SH"), "shanghaitech"
    )
    assert (len(split.train), len(split.test), split.notes) == (238, 199, ())
    assert sum(is_anomalous(name, "shanghaitech") for name in split.train) == 63
    assert sum(is_anomalous(name, "shanghaitech") for name in split.test) == 44


def test_real_xd_names_are_all_understood(shared_data: Path) -> None:
    folder = shared_data / "annotations" / "xd-violence"
    for table, violent, videos in (("xd_train.csv", 1905, 3954), ("xd_test.csv", 500, 800)):
        names = list(read_count_table(folder / table).counts)
        assert len(names) == videos
        assert sum(is_anomalous(name, "xd-violence") for name in names) == violent


def test_the_real_ucf_sample_is_found_whole(shared_data: Path) -> None:
    folder = shared_data / "ucf-crime-sample"
    split = read_split(*lists_in(folder, "Anomaly"), "ucf-crime")
    train = index_videos(folder, split.train, "training")
    test = index_videos(folder, split.test, "test")
    assert (len(train.files), len(test.files)) == (6, 6)
    assert train.missing == test.missing == ()
