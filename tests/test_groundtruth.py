"""Ground-truth vectors: the published bytes."""

from pathlib import Path

import numpy as np
import pytest

from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.groundtruth import make_ground_truth
from c2fpl.pipeline.truth.protocols import ProtocolName
from official_truth import build

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
    ("dataset", "protocol", "frames", "positives"),
    [
        ("ucf-crime", "native", 1111808, 84182),
        ("ucf-crime", "sultani", 1111808, 84338),
        ("xd-violence", "native", 2335801, 538324),
    ],
)
def test_real_frames_are_counted(
    shared_data: Path, dataset: DatasetName, protocol: ProtocolName, frames: int, positives: int
) -> None:
    truth = build(shared_data / "annotations" / dataset, dataset, protocol)
    assert (len(truth.frames), int(truth.frames.sum())) == (frames, positives)


@pytest.mark.parametrize("name", ["Test_Annotation.ekosman.txt", "UCF_Annotation.urdmu.txt"])
def test_other_forms_of_the_annotation_give_the_same_bytes(shared_data: Path, name: str) -> None:
    folder = shared_data / "annotations" / "ucf-crime"
    truth = build(folder, "ucf-crime", "rtfm", annotations=folder / name)
    assert truth.blob_id().startswith("7058f89f9b4c")


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
