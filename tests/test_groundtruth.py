"""Ground-truth vectors: the published bytes, and refusals that name the video."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from c2fpl.pipeline.annotations import VideoAnnotation
from c2fpl.pipeline.count_table import BadCounts, read_count_table
from c2fpl.pipeline.datasets import DatasetName, UnknownName
from c2fpl.pipeline.groundtruth import GroundTruth, make_ground_truth
from c2fpl.pipeline.protocols import (
    Counts,
    ProtocolName,
    WrongCount,
    WrongProtocol,
    deepmil,
    native,
    protocol_of,
    rtfm,
    shanghaitech_rtfm,
    vadclip,
    xdviodet,
)

FILES: dict[DatasetName, tuple[str, str]] = {
    "ucf-crime": ("Temporal_Anomaly_Annotation_for_Testing_Videos.txt", "ucf_test.csv"),
    "xd-violence": ("annotations.txt", "xd_test.csv"),
    "shanghaitech": ("test_frame_mask", "sht_test.csv"),
}

GOLDEN = [
    ("ucf-crime", "deepmil", "T_i3d1024_deepmil", 1109680, 84128, "float32", "17b93404bde7"),
    ("ucf-crime", "rtfm", None, 1114144, 84343, "float64", "7058f89f9b4c"),
    ("ucf-crime", "rtfm", "T_i3d2048_rtfm", 1114144, 84343, "float64", "7058f89f9b4c"),
    ("ucf-crime", "vadclip", "T_clip_vadclip", 1109888, 84160, "float32", "a2737bd8a603"),
    ("xd-violence", "xdviodet", None, 2330384, 537805, "float32", "8d47b9bec08d"),
    ("xd-violence", "xdviodet", "T_i3d", 2330384, 537805, "float32", "8d47b9bec08d"),
    ("xd-violence", "vadclip", "T_clip", 2331296, 537882, "float32", "863e617f09fc"),
    ("shanghaitech", "shanghaitech-rtfm", "T_rtfm", 142912, 8028, "float64", "529d814b1f62"),
]


def build(
    folder: Path,
    dataset: DatasetName,
    protocol: ProtocolName,
    segments_column: str | None = None,
    annotations: Path | None = None,
    frame_counts: Path | None = None,
) -> GroundTruth:
    annotation_name, counts_name = FILES[dataset]
    return make_ground_truth(
        dataset,
        protocol=protocol,
        segments_column=segments_column,
        annotations=annotations or folder / annotation_name,
        frame_counts=frame_counts or folder / counts_name,
    )


@pytest.mark.parametrize(
    ("dataset", "protocol", "column", "frames", "positives", "dtype", "blob"), GOLDEN
)
def test_the_published_file_comes_out_byte_for_byte(
    shared_data: Path,
    dataset: DatasetName,
    protocol: ProtocolName,
    column: str | None,
    frames: int,
    positives: int,
    dtype: str,
    blob: str,
) -> None:
    truth = build(shared_data / "annotations" / dataset, dataset, protocol, column)
    assert (len(truth.frames), int(truth.frames.sum())) == (frames, positives)
    assert truth.frames.dtype == dtype
    assert truth.blob_id().startswith(blob)
    assert truth.notes == (f"byte-identical to the published vector (git blob {blob})",)
    assert sum(truth.frame_counts) == frames


def test_shanghaitech_is_the_array_that_rtfm_publishes(shared_data: Path) -> None:
    folder = shared_data / "annotations" / "shanghaitech"
    truth = build(folder, "shanghaitech", "shanghaitech-rtfm", "T_rtfm")
    np.testing.assert_array_equal(truth.frames, np.load(folder / "gt-sh.npy"))


@pytest.mark.parametrize(
    ("dataset", "frames", "positives"),
    [("ucf-crime", 1111808, 84182), ("xd-violence", 2335801, 538324)],
)
def test_native_counts_real_frames(
    shared_data: Path, dataset: DatasetName, frames: int, positives: int
) -> None:
    truth = build(shared_data / "annotations" / dataset, dataset, "native")
    assert (len(truth.frames), int(truth.frames.sum())) == (frames, positives)


@pytest.mark.parametrize("name", ["Test_Annotation.ekosman.txt", "UCF_Annotation.urdmu.txt"])
def test_other_forms_of_the_annotation_give_the_same_bytes(shared_data: Path, name: str) -> None:
    folder = shared_data / "annotations" / "ucf-crime"
    truth = build(folder, "ucf-crime", "rtfm", annotations=folder / name)
    assert truth.blob_id().startswith("7058f89f9b4c")


VIDEO = VideoAnnotation("video", ("Anomaly",), ((2, 4), (30, 33)))
QUIET = VideoAnnotation("quiet", ("Normal",), ())


def test_native_is_end_exclusive_and_clipped() -> None:
    assert np.flatnonzero(native(VIDEO, Counts(frames=32))).tolist() == [2, 3, 30, 31]


def test_rtfm_rounds_up_and_includes_the_end() -> None:
    truth = rtfm(VIDEO, Counts(frames=33))
    assert len(truth) == 48
    assert np.flatnonzero(truth).tolist() == [2, 3, 4, 30, 31, 32, 33]


def test_deepmil_and_vadclip_round_down_but_for_named_videos() -> None:
    assert len(deepmil(VIDEO, Counts(frames=33))) == 32
    assert len(vadclip(VIDEO, Counts(frames=33))) == 32
    assert len(deepmil(VideoAnnotation("Assault006_x264", (), ()), Counts(frames=32))) == 16
    assert len(vadclip(VideoAnnotation("Shooting032_x264", (), ()), Counts(frames=33))) == 48


def test_xdviodet_loses_the_last_frame_first() -> None:
    assert len(xdviodet(VIDEO, Counts(frames=32))) == 16
    assert len(xdviodet(VIDEO, Counts(frames=33))) == 32


def test_shanghaitech_repeats_the_last_label_and_takes_normal_lengths_from_features() -> None:
    ends_anomalous = VideoAnnotation("01_0014", ("Anomaly",), ((10, 20),), 20)
    truth = shanghaitech_rtfm(ends_anomalous, Counts(segments=2))
    assert np.flatnonzero(truth).tolist() == list(range(10, 32))
    ends_normal = VideoAnnotation("01_0015", ("Anomaly",), ((3, 5),), 20)
    assert shanghaitech_rtfm(ends_normal, Counts(segments=2)).sum() == 2
    assert shanghaitech_rtfm(QUIET, Counts(frames=944, segments=60)).shape == (960,)


def test_segments_alone_are_enough_where_the_features_decide() -> None:
    assert len(rtfm(VIDEO, Counts(segments=3))) == 48
    assert len(xdviodet(QUIET, Counts(segments=3))) == 48


def test_counts_that_are_missing_absurd_or_contradict_are_refused() -> None:
    with pytest.raises(WrongCount, match="video has no frame count"):
        native(VIDEO, Counts(segments=3))
    with pytest.raises(WrongCount, match="neither frame nor segment count"):
        rtfm(VIDEO, Counts())
    with pytest.raises(WrongCount, match=r"video has 4 segments, but 33 frames make 3 by ceil"):
        rtfm(VIDEO, Counts(frames=33, segments=4))
    with pytest.raises(WrongCount, match="1000000000000 frames must be in 1 to"):
        Counts(frames=10**12)


def test_a_protocol_of_another_data_set_is_refused_with_those_that_fit() -> None:
    with pytest.raises(
        WrongProtocol, match="rtfm is not for xd-violence: choose native or vadclip"
    ):
        protocol_of("rtfm", "xd-violence")


Change = Callable[[list[list[str]], list[str]], object]


def mangled(source: Path, target: Path, change: Change) -> Path:
    """A copy of a table of counts with its rows (lists of cells, header left out) changed."""
    with source.open(newline="") as file:
        header, *rows = csv.reader(file)
    change(rows, header)
    with target.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return target


def without(place: int) -> Change:
    return lambda rows, header: rows.pop(place)


def set_cell(place: int, column: str, value: str) -> Change:
    return lambda rows, header: rows[place].__setitem__(header.index(column), value)


@pytest.mark.parametrize(
    ("dataset", "protocol", "column", "change", "complaint"),
    [
        ("ucf-crime", "rtfm", None, without(7), "lacks Arson007_x264"),
        ("ucf-crime", "native", None, without(200), "lacks Normal_Videos_6"),
        ("ucf-crime", "rtfm", None, set_cell(3, "video", "Arrest999_x264"), "lacks Arrest007_x264"),
        ("ucf-crime", "rtfm", None, set_cell(3, "video", "Arrest999_x264"), "has Arrest999_x264"),
        (
            "ucf-crime",
            "rtfm",
            "T_i3d2048_rtfm",
            set_cell(3, "T_i3d2048_rtfm", "190"),
            "Arrest007_x264 has 190 segments",
        ),
        (
            "ucf-crime",
            "deepmil",
            "T_i3d1024_deepmil",
            set_cell(3, "T_i3d1024_deepmil", "190"),
            "Arrest007_x264 has 190 segments",
        ),
        (
            "ucf-crime",
            "native",
            None,
            set_cell(3, "n_frames", "500"),
            "Arrest007_x264 is annotated",
        ),
        ("ucf-crime", "native", None, set_cell(3, "n_frames", "many"), "Arrest007_x264: 'many'"),
        ("ucf-crime", "native", None, set_cell(3, "n_frames", "-5"), "Arrest007_x264: '-5'"),
        ("ucf-crime", "rtfm", None, set_cell(3, "video", "Arrest001_x264"), "a second time"),
        ("xd-violence", "xdviodet", None, without(5), "lacks "),
        ("xd-violence", "xdviodet", None, without(700), "a row was lost or moved between"),
        (
            "xd-violence",
            "xdviodet",
            "T_i3d",
            set_cell(799, "T_i3d", "75"),
            "wangted.2008__#0-27-17_0-28-07_label_A has 75 segments",
        ),
        (
            "xd-violence",
            "xdviodet",
            None,
            set_cell(600, "video", "renamed__#1_label_A"),
            "renamed__#1_label_A",
        ),
        ("shanghaitech", "shanghaitech-rtfm", "T_rtfm", without(0), "lacks 01_0015"),
        ("shanghaitech", "shanghaitech-rtfm", "T_rtfm", without(198), "lacks 13_006"),
        (
            "shanghaitech",
            "shanghaitech-rtfm",
            "T_rtfm",
            set_cell(0, "T_rtfm", "29"),
            "01_0015 has 29 segments",
        ),
        (
            "shanghaitech",
            "shanghaitech-rtfm",
            "T_rtfm",
            set_cell(100, "video", "99_999"),
            "has 99_999",
        ),
    ],
)
def test_a_mangled_table_is_refused_by_the_name_of_the_video(
    shared_data: Path,
    tmp_path: Path,
    dataset: DatasetName,
    protocol: ProtocolName,
    column: str | None,
    change: Change,
    complaint: str,
) -> None:
    folder = shared_data / "annotations" / dataset
    table = mangled(folder / FILES[dataset][1], tmp_path / "counts.csv", change)
    with pytest.raises((BadCounts, WrongCount, UnknownName)) as caught:
        build(folder, dataset, protocol, column, frame_counts=table)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_video_missing_from_the_annotation_is_refused_by_name(
    shared_data: Path, tmp_path: Path
) -> None:
    folder = shared_data / "annotations" / "ucf-crime"
    text = (folder / FILES["ucf-crime"][0]).read_text()
    short = tmp_path / "annotations.txt"
    short.write_text("".join(line for line in text.splitlines(True) if "Abuse030" not in line))
    with pytest.raises(BadCounts, match="has Abuse030_x264, not annotated there"):
        build(folder, "ucf-crime", "rtfm", annotations=short)


def test_a_missing_mask_is_refused_by_name(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "annotations" / "shanghaitech"
    masks = tmp_path / "test_frame_mask"
    shutil.copytree(folder / "test_frame_mask", masks)
    masks.chmod(0o755)
    (masks / "01_0025.npy").unlink()
    with pytest.raises(BadCounts, match="has 01_0025, not annotated there"):
        build(folder, "shanghaitech", "shanghaitech-rtfm", "T_rtfm", annotations=masks)


def test_a_part_of_the_test_set_is_native_only(shared_data: Path) -> None:
    folder = shared_data / "ucf-crime-sample"
    annotations = folder / "Temporal_Anomaly_Annotation_for_Testing_Videos.txt"
    table = folder.parent / "annotations" / "ucf-crime" / "ucf_test.csv"
    with pytest.raises(BadCounts, match="not annotated there"):
        build(folder, "ucf-crime", "rtfm", annotations=annotations, frame_counts=table)


def test_a_table_without_the_needed_columns_names_those_it_has(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("name,frames\na,1\n")
    with pytest.raises(BadCounts, match=r"no column 'video': its columns are name, frames"):
        read_count_table(path)
    path.write_text("video,n_frames\na,1\n")
    with pytest.raises(BadCounts, match="no column 'T'"):
        read_count_table(path, "T")
    with pytest.raises(BadCounts, match="cannot be read"):
        read_count_table(tmp_path / "none.csv")


def test_counts_of_no_length_are_refused_by_the_name_of_the_video(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    for cell in ("0", "99999999999"):
        path.write_text(f"video,n_frames\na,{cell}\n")
        with pytest.raises(BadCounts, match=f"video a: {cell} frames must be in 1 to 100000000"):
            read_count_table(path)
    path.write_text("video,n_frames\na," + "1" * 200_000)
    with pytest.raises(BadCounts, match="is no CSV"):
        read_count_table(path)


def test_own_videos_have_a_vector_too(tmp_path: Path) -> None:
    (tmp_path / "annotations.txt").write_text("b 1 3\na\n")
    (tmp_path / "counts.csv").write_text("video,n_frames\na.mp4,2\nb.mp4,4\n")
    truth = make_ground_truth(
        "own",
        annotations=tmp_path / "annotations.txt",
        frame_counts=tmp_path / "counts.csv",
        protocol="native",
    )
    assert truth.names == ("a", "b")
    assert truth.frames.tolist() == [0, 0, 0, 1, 1, 0]
