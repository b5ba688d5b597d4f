"""Arrays in other containers: read as they are, and nothing in a file is ever executed."""

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import scipy.io
import torch
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures
from c2fpl.pipeline.files.array_files import read_arrays

VALUES: Final = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def write_hdf5(path: Path, values: NDArray[Any]) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file.create_dataset("train/x", data=values)
        file.create_dataset("note", data="a string")


def write_matlab_7_3(path: Path, values: NDArray[Any]) -> None:
    """As MATLAB does: HDF5 behind 512 bytes of its own, axes the other way round."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w", userblock_size=512) as file:
        file.create_dataset("x", data=values.T)


WRITERS: Final[dict[str, tuple[Callable[[Path, NDArray[Any]], object], str]]] = {
    "a.npy": (lambda path, x: np.save(path, x), ""),
    "fortran.npy": (lambda path, x: np.save(path, np.asfortranarray(x)), ""),
    "object.npy": (lambda path, x: np.save(path, x.astype(object), allow_pickle=True), ""),
    "table.npy": (lambda path, x: np.save(path, np.array({"x": x, "fps": 30})), "x"),
    "a.npz": (lambda path, x: np.savez(path, x=x, fps=30), "x"),
    "compressed.npz": (lambda path, x: np.savez_compressed(path, x=x), "x"),
    "a.pt": (lambda path, x: torch.save(torch.from_numpy(x), path), ""),
    "table.pth": (lambda path, x: torch.save({"x": torch.from_numpy(x), "name": "a"}, path), "x"),
    "rows.pt": (lambda path, x: torch.save(list(torch.from_numpy(x)), path), ""),
    "a.pkl": (lambda path, x: path.write_bytes(pickle.dumps(x)), ""),
    "old.pkl": (lambda path, x: path.write_bytes(pickle.dumps(x, 2)), ""),
    "new.pickle": (lambda path, x: path.write_bytes(pickle.dumps(x, 5)), ""),
    "big-endian.pkl": (
        lambda path, x: path.write_bytes(pickle.dumps(x.astype(">f4"))),
        "",
    ),
    "Fortran order.pkl": (
        lambda path, x: path.write_bytes(pickle.dumps(np.asfortranarray(x))),
        "",
    ),
    "lists.pkl": (lambda path, x: path.write_bytes(pickle.dumps({"x": x.tolist()})), "x"),
    "nested.pkl": (lambda path, x: path.write_bytes(pickle.dumps({"a": {"x": x}})), "a/x"),
    "a.mat": (lambda path, x: scipy.io.savemat(path, {"x": x}), "x"),
    "new.mat": (write_matlab_7_3, "x"),
    "a.h5": (write_hdf5, "train/x"),
    "a.hdf5": (write_hdf5, "train/x"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_form_gives_the_array_that_was_written(tmp_path: Path, name: str) -> None:
    write, key = WRITERS[name]
    write(tmp_path / name, VALUES)
    arrays = read_arrays(tmp_path / name)
    np.testing.assert_array_equal(np.asarray(arrays[key][()], np.float32), VALUES)
    assert {found for found in arrays if arrays[found].shape} == {key}


def test_rows_of_objects_are_joined(tmp_path: Path) -> None:
    rows = np.empty(2, object)
    rows[:] = list(VALUES)
    np.save(tmp_path / "a.npy", rows, allow_pickle=True)
    np.testing.assert_array_equal(read_arrays(tmp_path / "a.npy")[""][()], VALUES)


class Executes:
    """A pickle that runs code when it is loaded as usual."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("name", ["a.npy", "a.pkl", "a.pt", "a.npz"])
def test_code_in_a_file_is_never_run(tmp_path: Path, name: str) -> None:
    mark, path = tmp_path / "executed", tmp_path / name
    if name == "a.npy":
        np.save(path, np.array([Executes(mark)], object), allow_pickle=True)
    elif name == "a.npz":
        np.savez(path, x=np.array([Executes(mark)], object))
    elif name == "a.pt":
        torch.save(Executes(mark), path)
    else:
        path.write_bytes(pickle.dumps(Executes(mark)))
    with pytest.raises(BadFeatures, match=name):
        np.asarray(read_arrays(path)["x"][()])
    assert not mark.exists()


@pytest.mark.parametrize("name", WRITERS)
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, name: str) -> None:
    write, _ = WRITERS[name]
    write(tmp_path / name, VALUES)
    whole = (tmp_path / name).read_bytes()
    for content in (b"", b"<html>not found</html>", whole[: len(whole) // 2]):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadFeatures) as caught:
            for array in read_arrays(tmp_path / name).values():
                np.asarray(array[()])
        assert "\n" not in str(caught.value)
        assert name in str(caught.value)


def test_a_member_that_is_no_array_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", b"no array")
    with pytest.raises(BadFeatures, match=r"a\.npz cannot be read as NumPy archive"):
        read_arrays(tmp_path / "a.npz")
