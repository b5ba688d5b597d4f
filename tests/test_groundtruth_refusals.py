"""Counts and annotations that do not fit: refused by the name of the video."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from c2fpl.errors import BadAnnotation, UnknownVideo
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.frame_counts import read_count_table
from c2fpl.pipeline.truth.protocols import ProtocolName
from official_truth import FILES, build

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
    with pytest.raises((BadAnnotation, BadAnnotation, UnknownVideo)) as caught:
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
    with pytest.raises(BadAnnotation, match="has Abuse030_x264, without annotation"):
        build(folder, "ucf-crime", "rtfm", annotations=short)


def test_a_missing_mask_is_refused_by_name(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "annotations" / "shanghaitech"
    masks = tmp_path / "test_frame_mask"
    shutil.copytree(folder / "test_frame_mask", masks)
    masks.chmod(0o755)
    (masks / "01_0025.npy").unlink()
    with pytest.raises(BadAnnotation, match="has 01_0025, without annotation"):
        build(folder, "shanghaitech", "shanghaitech-rtfm", "T_rtfm", annotations=masks)


def test_a_part_of_the_test_set_is_native_only(shared_data: Path) -> None:
    folder = shared_data / "ucf-crime-sample"
    annotations = folder / "Temporal_Anomaly_Annotation_for_Testing_Videos.txt"
    table = folder.parent / "annotations" / "ucf-crime" / "ucf_test.csv"
    with pytest.raises(BadAnnotation, match="without annotation"):
        build(folder, "ucf-crime", "rtfm", annotations=annotations, frame_counts=table)


def test_a_table_without_the_needed_columns_names_those_it_has(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("name,frames\na,1\n")
    with pytest.raises(
        BadAnnotation, match=r"no column 'video': add it; its columns are name, frames"
    ):
        read_count_table(path)
    path.write_text("video,n_frames\na,1\n")
    with pytest.raises(BadAnnotation, match="no column 'T'"):
        read_count_table(path, "T")
    with pytest.raises(BadAnnotation, match="cannot be read"):
        read_count_table(tmp_path / "none.csv")


def test_counts_of_no_length_are_refused_by_the_name_of_the_video(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    for cell in ("0", "99999999999"):
        path.write_text(f"video,n_frames\na,{cell}\n")
        with pytest.raises(
            BadAnnotation, match=f"video a: {cell} frames must be in 1 to 100000000"
        ):
            read_count_table(path)
    path.write_text("video,n_frames\na," + "1" * 200_000)
    with pytest.raises(BadAnnotation, match="is not a CSV"):
        read_count_table(path)
