"""`c2fpl convert`: every form becomes plain arrays; what cannot be read is named, all at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures
from c2fpl.pipeline.features.published import open_features
from c2fpl.pipeline.steps.convert_features import convert_features
from command_line import c2fpl
from feature_folders import DIM, drawn, save, save_double_underscore, whole

Video = NDArray[Any]


@pytest.mark.parametrize(("dtype", "stored"), [("keep", "float32"), ("float16", "float16")])
def test_crop_files_become_one_array_a_video(tmp_path: Path, dtype: str, stored: str) -> None:
    values = drawn(5)
    save_double_underscore(tmp_path / "published", values)
    assert c2fpl("convert", tmp_path / "published", "-o", tmp_path / "out", "--dtype", dtype) == 0
    for name, video in values.items():
        found = np.load(tmp_path / "out" / f"{name}.npy")
        assert found.dtype == stored
        np.testing.assert_array_equal(found, video.astype(stored))


def save_npz_crops(path: Path, video: Video) -> None:
    for crop in range(10):
        np.savez(f"{path}__{crop}.npz", video[:, crop])


FORMS: Final[dict[str, Callable[[Path, str, Video], object]]] = {
    "Fortran order": lambda p, n, x: save(p / f"{n}_i3d.npy", np.asfortranarray(x)),
    "big-endian": lambda p, n, x: save(p / f"{n}_i3d.npy", x.astype(">f4")),
    "float64": lambda p, n, x: save(p / f"{n}_i3d.npy", x.astype(np.float64)),
    "objects": lambda p, n, x: np.save(p / f"{n}.npy", x.astype(object), allow_pickle=True),
    "a leading one": lambda p, n, x: save(p / f"{n}.npy", x[np.newaxis]),
    "unsqueezed pooling": lambda p, n, x: save(p / f"{n}.npy", x[..., np.newaxis, np.newaxis]),
    "MGFN's magnitude": lambda p, n, x: save(
        p / f"{n}.npy", np.pad(np.tile(x, 342)[..., :2048], ((0, 0), (0, 0), (0, 1)))
    ),
    "npz": lambda p, n, x: np.savez(p / f"{n}.npz", features=x, fps=30.0),
    "torch": lambda p, n, x: torch.save(torch.from_numpy(x), p / f"{n}.mp4.pt"),
    "torch, crops first": lambda p, n, x: torch.save(
        torch.from_numpy(x).transpose(0, 1), p / f"{n}.pt"
    ),
    "one npz a crop": lambda p, n, x: save_npz_crops(p / n, x),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_repaired(tmp_path: Path, form: str) -> None:
    values = drawn(10)
    (tmp_path / "set").mkdir()
    for name, video in values.items():
        FORMS[form](tmp_path / "set", name, video)
    count, failures = convert_features(tmp_path / "set", tmp_path / "out")
    assert (count, failures) == (3, [])
    features = open_features(tmp_path / "out")
    for name, video in values.items():
        np.testing.assert_array_equal(whole(features, name)[..., :DIM], video)
        assert np.load(tmp_path / "out" / f"{name}.npy").dtype == np.float32


@pytest.mark.parametrize("turned", [False, True])
def test_one_crop_is_turned_only_where_its_axes_show_it(tmp_path: Path, turned: bool) -> None:
    video = np.random.default_rng(0).random((37, 512)).astype(np.float32)
    for name in ("a", "b"):
        save(tmp_path / "set" / f"{name}.npy", video.T.copy() if turned else video)
    if turned:
        with pytest.raises(BadFeatures, match=r"\(512, 37\), which looks like \(dim, segments\)"):
            open_features(tmp_path / "set")
    convert_features(tmp_path / "set", tmp_path / "out")
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "a.npy")[:, 0], video)


def test_mixed_number_types_become_the_wider_one(tmp_path: Path) -> None:
    values = drawn(10)
    for name, video in values.items():
        save(tmp_path / "set" / f"{name}.npy", video.astype("f2" if name[0] == "A" else "f4"))
    with pytest.raises(BadFeatures, match="`c2fpl convert` unifies dtypes"):
        open_features(tmp_path / "set")
    convert_features(tmp_path / "set", tmp_path / "out")
    assert {np.load(path).dtype.name for path in (tmp_path / "out").iterdir()} == {"float32"}


def test_all_files_that_cannot_be_read_are_named_at_once_and_the_others_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set"
    for name, video in drawn(10).items():
        save(folder / f"{name}.npy", np.asfortranarray(video))
    (folder / "html.npy").write_text("<html>")
    (folder / "cut.npz").write_bytes(b"PK\x03\x04")
    save(folder / "whole.npy", np.ones((3, 10, DIM), np.int64))
    save(folder / "dim.npy", np.ones((3, 10, DIM + 1), np.float32))
    save(folder / "crops.npy", np.ones((3, 7, DIM), np.float32))
    save(folder / "nan.npy", np.full((3, 10, DIM), np.nan, np.float32))
    assert c2fpl("convert", folder, "-o", tmp_path / "out") == 1
    said = capfd.readouterr().err
    for name in ("html", "cut", "whole", "dim", "crops", "nan"):
        assert any(line.startswith("left out: ") and name in line for line in said.splitlines())
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_one_file_of_all_videos_is_read_by_its_keys(tmp_path: Path) -> None:
    values = drawn(10)
    content = {f"train/{name}/features": torch.from_numpy(x) for name, x in values.items()}
    torch.save(content, tmp_path / "all.pt")
    convert_features(tmp_path / "all.pt", tmp_path / "out")
    for name, video in values.items():
        np.testing.assert_array_equal(np.load(tmp_path / "out" / f"{name}.npy"), video)


def test_files_of_several_arrays_need_a_key(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for name, video in drawn(10).items():
        np.savez(tmp_path / "set" / f"{name}.npz", rgb=video, flow=-video)
    with pytest.raises(BadFeatures, match="each of 3 files holds the arrays flow, rgb: choose one"):
        convert_features(tmp_path / "set", tmp_path / "out")
    convert_features(tmp_path / "set", tmp_path / "out", key="flow")
    assert np.load(tmp_path / "out" / "Abuse001_x264.npy").max() <= 0


def test_a_file_of_two_kinds_of_each_video_needs_a_key(tmp_path: Path) -> None:
    kinds = {f"{name}/{kind}": torch.ones(3, 4) for name in ("a", "b") for kind in ("rgb", "flow")}
    torch.save(kinds, tmp_path / "all.pt")
    with pytest.raises(
        BadFeatures, match="holds the arrays flow, rgb of each of 2 videos: choose one"
    ):
        convert_features(tmp_path / "all.pt", tmp_path / "out")
    assert convert_features(tmp_path / "all.pt", tmp_path / "out", key="rgb") == (2, [])


def test_crop_files_with_an_axis_of_length_one_are_no_videos(tmp_path: Path) -> None:
    values = drawn(10)
    for name, video in values.items():
        for crop in range(10):
            save(tmp_path / "set" / f"{name}__{crop}.npy", video[np.newaxis, :, crop])
    with pytest.raises(BadFeatures, match="a crop number in its name"):
        open_features(tmp_path / "set")
    assert convert_features(tmp_path / "set", tmp_path / "out") == (3, [])
    for name, video in values.items():
        np.testing.assert_array_equal(np.load(tmp_path / "out" / f"{name}.npy"), video)


def test_a_folder_of_another_form_is_named_with_the_cure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(torch.zeros(3, 10, 4), tmp_path / "a.pt")
    assert c2fpl("label", tmp_path, "-o", tmp_path / "labels") == 2
    assert (
        ": 1 PyTorch file (.pt), which must be converted first: run `c2fpl convert"
        in capsys.readouterr().err
    )


def test_a_set_is_never_written_into_itself(tmp_path: Path) -> None:
    save_double_underscore(tmp_path / "set", drawn(10))
    for output in (tmp_path / "set", tmp_path / "set" / "out"):
        with pytest.raises(BadFeatures, match="choose an output folder outside it"):
            convert_features(tmp_path / "set", output)
