"""Published features that are damaged, foreign or contradictory: refused by the file's name."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures
from c2fpl.pipeline.features.published import open_features
from feature_folders import DIM, drawn, refusal, save, save_double_underscore, save_rtfm, whole


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    save_rtfm(tmp_path, drawn(10))
    np.save(tmp_path / "Evil001_i3d.npy", np.array([{}], object), allow_pickle=True)
    message = refusal(tmp_path)
    assert "Evil001_i3d.npy holds pickled objects" in message
    assert "as a plain array with numpy.save" in message


def absurd_header(path: Path, shape: tuple[int, ...]) -> None:
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(b"\0" * 64)


@pytest.mark.parametrize("shape", [(10**12, 10, 2048), (3, 10, 2048), (-1, 10, 2048)])
def test_a_shape_beyond_the_file_is_refused_without_memory(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    absurd_header(tmp_path / "Abuse001_x264.npy", shape)
    assert "Abuse001_x264.npy claims shape" in refusal(tmp_path)


def test_files_that_are_no_npy_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "Abuse001_x264.npy"
    for content in (b"", b"<html>not found</html>", b"\x93NUMPY\x01\x00\xff\xff{", b"PK\x03\x04"):
        path.write_bytes(content)
        assert "Abuse001_x264.npy is not a .npy file" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (np.zeros((3, 10, 4), np.int64), "is int64 of shape (3, 10, 4): floats"),
        (np.zeros((3, 10, 4), np.complex64), "has dtype complex64"),
        (np.zeros(12, np.float32), "of shape (12,): floats"),
        (np.zeros((0, 10, 4), np.float32), "of shape (0, 10, 4): floats"),
        (np.zeros((3, 7, 4), np.float32), "has shape (3, 7, 4): (segments, crops, dim) or"),
        (np.zeros((3, 10, 4), np.float32, order="F"), "is in Fortran order"),
        (np.zeros((10, 32, 2049), np.float32), "(MGFN's preprocessing)"),
    ],
)
def test_arrays_that_are_no_features_are_refused(
    tmp_path: Path, values: NDArray[Any], complaint: str
) -> None:
    save(tmp_path / "Abuse001_x264.npy", values)
    assert complaint in refusal(tmp_path)


def test_values_that_are_not_finite_are_refused_with_their_place(tmp_path: Path) -> None:
    values = np.zeros((300, 10, 4), np.float32)
    values[290, 3, 1] = np.nan
    save(tmp_path / "Abuse001_x264.npy", values)
    features = open_features(tmp_path)
    with pytest.raises(BadFeatures, match=r"Abuse001_x264.*: nan in segment 290, crop 3"):
        whole(features, "Abuse001_x264")


def test_a_file_cut_while_read_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "Abuse001_x264.npy", np.zeros((30, 10, 4), np.float32))
    features = open_features(tmp_path)
    os.truncate(path, 2000)
    with pytest.raises(BadFeatures, match=r"ended at byte 2000, inside segment 11 of Abuse001"):
        whole(features, "Abuse001_x264")


def test_one_video_of_another_dim_or_type_is_named(tmp_path: Path) -> None:
    save_rtfm(tmp_path, drawn(10))
    save(tmp_path / "Zebra001_i3d.npy", np.zeros((3, 10, DIM + 1), np.float32))
    assert "Zebra001 has (crops, dim, dtype) (10, 7, 'float32')" in refusal(tmp_path)
    save(tmp_path / "Zebra001_i3d.npy", np.zeros((3, 10, DIM), np.float16))
    assert "(10, 6, 'float16')" in refusal(tmp_path)
    save(tmp_path / "Zebra001_i3d.npy", np.zeros((3, DIM), np.float32))
    assert "all files of a set must have the same axes" in refusal(tmp_path)
    save(tmp_path / "Zebra001_i3d.npy", np.zeros((3, 7, DIM), np.float32))
    assert "Zebra001_i3d.npy has shape (3, 7, 6)" in refusal(tmp_path)


def test_a_missing_or_doubled_crop_is_named(tmp_path: Path) -> None:
    save_double_underscore(tmp_path, drawn(10))
    (tmp_path / "Abuse" / "Abuse001_x264__4.npy").unlink()
    assert "Abuse001_x264 has files for crops [0, 1, 2, 3, 5, 6, 7, 8, 9]" in refusal(tmp_path)
    save(tmp_path / "Abuse" / "Abuse001_x264__4.npy", np.zeros((4, DIM), np.float32))
    save(tmp_path / "Other" / "Abuse001_x264__4.npy", np.zeros((4, DIM), np.float32))
    assert "Abuse001_x264, crop 4 is in" in refusal(tmp_path)


def test_crops_of_different_length_are_refused(tmp_path: Path) -> None:
    save_double_underscore(tmp_path, drawn(10))
    save(tmp_path / "Abuse" / "Abuse001_x264__4.npy", np.zeros((5, DIM), np.float32))
    assert "Abuse001_x264__4.npy is float32 (5, 6)" in refusal(tmp_path)


def test_a_doubled_video_is_named(tmp_path: Path) -> None:
    save_rtfm(tmp_path / "train", drawn(10))
    save(tmp_path / "test" / "Abuse001_x264.npy", np.zeros((3, 10, DIM), np.float32))
    assert "Abuse001_x264 is in" in refusal(tmp_path)


def test_the_single_crop_of_vadclip_is_one_crop(tmp_path: Path) -> None:
    for name in ("Abuse028_x264__5", "Normal_Videos_003_x264__5"):
        save(tmp_path / f"{name}.npy", np.ones((3, 512), np.float32))
    features = open_features(tmp_path)
    assert features.names == ("Abuse028_x264", "Normal_Videos_003_x264")
    assert features.shape("Abuse028_x264") == (3, 1, 512)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert "it holds nothing" in refusal(tmp_path)


def test_a_header_that_does_not_end_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "Abuse001_x264.npy", np.zeros((2, 10, DIM), np.float32))
    path.write_bytes(path.read_bytes().replace(b"}", b"{"))
    assert "Abuse001_x264.npy is not a .npy file" in refusal(tmp_path)
