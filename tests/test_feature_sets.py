"""Published feature sets: one interface over all layouts, and refusals that name the file."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.pipeline.feature_sets import PublishedFeatures, open_features, write_plain
from c2fpl.pipeline.own_features import BadFeatures

SEGMENTS = {"Abuse001_x264": 4, "Arson002_x264": 10, "Normal_Videos003_x264": 7}
DIM = 6


def drawn(crops: int, dtype: str = "float32") -> dict[str, NDArray[Any]]:
    """(segments, crops, dim) of each video."""
    rng = np.random.default_rng(0)
    return {
        name: rng.random((segments, crops, DIM)).astype(dtype)
        for name, segments in SEGMENTS.items()
    }


def save(path: Path, values: NDArray[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)
    return path


def save_rtfm(folder: Path, values: dict[str, NDArray[Any]]) -> None:
    for name, video in values.items():
        save(folder / f"{name}_i3d.npy", video)


def save_crops_first(folder: Path, values: dict[str, NDArray[Any]]) -> None:
    for name, video in values.items():
        save(folder / f"{name}_i3d.npy", np.ascontiguousarray(video.swapaxes(0, 1)))


def save_double_underscore(folder: Path, values: dict[str, NDArray[Any]]) -> None:
    for name, video in values.items():
        for crop in range(video.shape[1]):
            save(folder / name[:5] / f"{name}__{crop}.npy", np.ascontiguousarray(video[:, crop]))


def save_bare_first(folder: Path, values: dict[str, NDArray[Any]]) -> None:
    for name, video in values.items():
        for crop in range(video.shape[1]):
            suffix = f"__{crop}" if crop else ""
            save(folder / f"{name}{suffix}.npy", np.ascontiguousarray(video[:, crop]))


def save_single_underscore(folder: Path, values: dict[str, NDArray[Any]]) -> None:
    for name, video in values.items():
        for crop in range(video.shape[1]):
            save(folder / f"{name}_{crop}.npy", np.ascontiguousarray(video[:, crop]))


LAYOUTS = {
    "rtfm": (save_rtfm, 10),
    "crops first": (save_crops_first, 10),
    "crops first, five": (save_crops_first, 5),
    "double underscore": (save_double_underscore, 10),
    "double underscore, five": (save_double_underscore, 5),
    "bare name first": (save_bare_first, 10),
    "bare name first, five": (save_bare_first, 5),
    "single underscore": (save_single_underscore, 10),
    "one crop": (save_bare_first, 1),
}


def whole(features: PublishedFeatures, name: str) -> NDArray[np.float32]:
    return np.concatenate(list(features.chunks(name)))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_values(tmp_path: Path, layout: str, dtype: str) -> None:
    write, crops = LAYOUTS[layout]
    values = drawn(crops, dtype)
    write(tmp_path, values)
    features = open_features(tmp_path)
    assert features.names == tuple(sorted(SEGMENTS))
    for name, video in values.items():
        assert features.shape(name) == video.shape
        np.testing.assert_array_equal(whole(features, name), video.astype(np.float32))
        np.testing.assert_array_equal(features.open(name).read(1, 3), video[1:3])


@pytest.mark.parametrize("layout", ["rtfm", "crops first", "double underscore"])
def test_training_reads_any_segment_of_any_layout(tmp_path: Path, layout: str) -> None:
    write, crops = LAYOUTS[layout]
    values = drawn(crops)
    write(tmp_path, values)
    source = open_features(tmp_path).source()
    together = np.concatenate([values[name] for name in sorted(values)])
    assert (len(source), source.crops, source.dim) == (21, 10, DIM)
    indices = np.random.default_rng(1).permutation(21)
    np.testing.assert_array_equal(source.gather(indices), together[indices])


def test_only_whole_files_have_a_path_of_their_own(tmp_path: Path) -> None:
    save_rtfm(tmp_path / "a", drawn(10))
    assert open_features(tmp_path / "a").path("Abuse001_x264").name == "Abuse001_x264_i3d.npy"
    save_crops_first(tmp_path / "b", drawn(10))
    with pytest.raises(BadFeatures, match=r"Abuse001_x264 is no file of \(segments, crops, dim\)"):
        open_features(tmp_path / "b").path("Abuse001_x264")


def test_ten_segments_are_no_riddle_beside_other_videos(tmp_path: Path) -> None:
    values = drawn(10)
    save_crops_first(tmp_path, values)
    features = open_features(tmp_path)
    np.testing.assert_array_equal(whole(features, "Arson002_x264"), values["Arson002_x264"])


def test_each_segment_stands_for_sixteen_frames(tmp_path: Path) -> None:
    save_rtfm(tmp_path, drawn(10))
    plan = open_features(tmp_path).plan("Abuse001_x264")
    assert (plan.frame_count, plan.segment_count) == (64, 4)


def test_writing_plain_keeps_or_halves(tmp_path: Path) -> None:
    values = drawn(10)
    save_double_underscore(tmp_path / "published", values)
    features = open_features(tmp_path / "published")
    write_plain(features, tmp_path / "kept", "float32")
    write_plain(features, tmp_path / "halved", "float16")
    for name, video in values.items():
        np.testing.assert_array_equal(np.load(tmp_path / "kept" / f"{name}.npy"), video)
        halved = np.load(tmp_path / "halved" / f"{name}.npy")
        np.testing.assert_array_equal(halved, video.astype(np.float16))


def test_writing_plain_refuses_what_float16_cannot_hold(tmp_path: Path) -> None:
    save(tmp_path / "a" / "Abuse001_x264.npy", np.full((2, 10, DIM), 1e6, np.float32))
    with pytest.raises(BadFeatures, match=r"Abuse001_x264 holds 1000000\.0, above the 65504"):
        write_plain(open_features(tmp_path / "a"), tmp_path / "b", "float16")
    assert list((tmp_path / "b").iterdir()) == []


def test_a_split_is_a_set_of_its_own(tmp_path: Path) -> None:
    save_rtfm(tmp_path, drawn(10))
    features = open_features(tmp_path)
    part = features.only(["Arson002_x264", "Abuse001_x264"])
    assert part.names == ("Abuse001_x264", "Arson002_x264")
    assert part.fingerprint() != features.fingerprint() == open_features(tmp_path).fingerprint()
    with pytest.raises(BadFeatures, match="has no features of Abuse999_x264"):
        features.only(["Abuse999_x264"])


def test_a_changed_file_changes_the_fingerprint(tmp_path: Path) -> None:
    save_rtfm(tmp_path, drawn(10))
    before = open_features(tmp_path).fingerprint()
    os.utime(tmp_path / "Abuse001_x264_i3d.npy", (1, 1))
    assert open_features(tmp_path).fingerprint() != before


def refusal(folder: Path, **options: Any) -> str:
    with pytest.raises(BadFeatures) as caught:
        open_features(folder, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    save_rtfm(tmp_path, drawn(10))
    np.save(tmp_path / "Evil001_i3d.npy", np.array([{}], object), allow_pickle=True)
    message = refusal(tmp_path)
    assert "Evil001_i3d.npy holds pickled objects" in message and "save it again" in message


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
        assert "Abuse001_x264.npy is no .npy file" in refusal(tmp_path)


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
    assert "Zebra001 has (crops, dim, type) (10, 7, 'float32')" in refusal(tmp_path)
    save(tmp_path / "Zebra001_i3d.npy", np.zeros((3, 10, DIM), np.float16))
    assert "(10, 6, 'float16')" in refusal(tmp_path)
    save(tmp_path / "Zebra001_i3d.npy", np.zeros((3, DIM), np.float32))
    assert "files of one set have the same axes" in refusal(tmp_path)
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
    assert "holds neither .npy nor .txt" in refusal(tmp_path)


def concatenated(folder: Path) -> dict[str, NDArray[Any]]:
    """Normal videos first, as nalist.npy has them."""
    values = drawn(10)
    order = sorted(values, key=lambda name: (not name.startswith("Normal"), name))
    ends = np.cumsum([len(values[name]) for name in order])
    save(folder / "concat_UCF.npy", np.concatenate([values[name] for name in order]))
    save(folder / "nalist.npy", np.stack((np.append(0, ends[:-1]), ends), axis=1))
    return {name: values[name] for name in order}


def test_a_concatenation_is_read_by_its_offsets(tmp_path: Path) -> None:
    values = concatenated(tmp_path)
    features = open_features(tmp_path, names=list(values), segment_counts=SEGMENTS)
    for name, video in values.items():
        np.testing.assert_array_equal(whole(features, name), video)
    source = features.source()
    np.testing.assert_array_equal(source.gather(np.array([0]))[0], values["Abuse001_x264"][0])


def test_a_concatenation_is_refused_while_its_order_is_not_established(tmp_path: Path) -> None:
    values = concatenated(tmp_path)
    assert "offsets of 3 videos and no names" in refusal(tmp_path)
    assert "has 3 videos and the list of names 2" in refusal(tmp_path, names=list(values)[:2])
    assert "of no published set" in refusal(tmp_path, names=list(values))
    anomalous_first = sorted(values)
    message = refusal(tmp_path, names=anomalous_first, segment_counts=SEGMENTS)
    assert "Abuse001_x264 has 7 segments by these names and 4 by the table" in message


def test_offsets_that_do_not_tile_the_array_are_refused(tmp_path: Path) -> None:
    names = list(concatenated(tmp_path))
    rows = np.load(tmp_path / "nalist.npy")
    for change, complaint in (((1, 0, 8), "row 1: [8, 11)"), ((2, 1, 22), "ends at segment 22")):
        changed = rows.copy()
        changed[change[0], change[1]] = change[2]
        save(tmp_path / "nalist.npy", changed)
        assert complaint in refusal(tmp_path, names=names, segment_counts=SEGMENTS)
    np.save(tmp_path / "nalist.npy", np.array([["a", None]], object), allow_pickle=True)
    assert "pickled objects" in refusal(tmp_path, names=names)


def test_the_kind_that_comes_first_is_checked_on_the_published_offsets(
    shared_data: Path, tmp_path: Path
) -> None:
    offsets = np.load(shared_data / "annotations" / "ucf-crime" / "clap_nalist.npy")
    save(tmp_path / "nalist.npy", offsets)
    save(tmp_path / "concat_UCF.npy", np.zeros((offsets[-1, 1], 1, 1), np.float16))
    normal = [f"Normal_Videos{number:03}_x264" for number in range(799)]
    anomalous = [f"Abuse{number:03}_x264" for number in range(810)]
    assert len(open_features(tmp_path, names=normal + anomalous).names) == 1609
    message = refusal(tmp_path, names=anomalous + normal)
    assert "normal videos have" in message and "580699 are known" in message


def text(path: Path, rows: int = 32, word: str = "") -> Path:
    lines = [" ".join(f"{row + column / 10:f}" for column in range(DIM)) for row in range(rows)]
    path.write_text("\n".join(lines) + f" {word}\n")
    return path


def test_text_of_32_lines_is_read(tmp_path: Path) -> None:
    text(tmp_path / "Abuse001_x264_C.txt")
    text(tmp_path / "Abuse002_x264.txt")
    features = open_features(tmp_path)
    assert features.names == ("Abuse001_x264", "Abuse002_x264")
    assert features.shape("Abuse001_x264") == (32, 1, DIM)
    assert whole(features, "Abuse001_x264")[31, 0, 5] == np.float32(31.5)
    assert features.source().gather(np.array([40])).shape == (1, 1, DIM)
    write_plain(features, tmp_path / "plain", "float32")
    assert np.load(tmp_path / "plain" / "Abuse001_x264.npy").shape == (32, 1, DIM)


def test_text_that_is_no_features_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Abuse001_x264.txt"
    for rows, word, complaint in (
        (31, "", "has 31 lines of"),
        (32, "7", "has 32 lines of"),
        (32, "seven", "is no text of numbers"),
    ):
        features = open_features(text(path, rows, word).parent)
        with pytest.raises(BadFeatures, match=complaint):
            whole(features, "Abuse001_x264")
    path.write_text("\n".join(["nan " * DIM] * 32))
    with pytest.raises(BadFeatures, match="not finite"):
        whole(open_features(tmp_path), "Abuse001_x264")


def test_a_header_that_does_not_end_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "Abuse001_x264.npy", np.zeros((2, 10, DIM), np.float32))
    path.write_bytes(path.read_bytes().replace(b"}", b"{"))
    assert "Abuse001_x264.npy is no .npy file" in refusal(tmp_path)


def test_a_set_that_fits_both_ways_is_segments_first(tmp_path: Path) -> None:
    video = np.arange(10 * 10 * DIM, dtype=np.float32).reshape(10, 10, DIM)
    save(tmp_path / "Abuse001_x264.npy", video)
    np.testing.assert_array_equal(whole(open_features(tmp_path), "Abuse001_x264"), video)
