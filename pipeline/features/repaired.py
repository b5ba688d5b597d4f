"""Reads features that cannot be used in place, and repairs them in memory, one video at a time.

Handles Fortran order, mixed dtypes, extra axes of length 1, (dim, segments), object arrays, MGFN's
magnitude, and other file formats (.npz, .pt, .h5, .mat, .pkl).
"""

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures
from c2fpl.pipeline.features.crop_layouts import MAGNITUDE_DIM, best_axes, find_axes, is_turned
from c2fpl.pipeline.features.crop_names import group_crops, number_crops, without_streams
from c2fpl.pipeline.features.frame_plans import take_side_files
from c2fpl.pipeline.files.array_files import FORMATS, StoredArray, read_arrays
from c2fpl.pipeline.files.outcomes import Failure
from c2fpl.pipeline.settings import Layout
from c2fpl.pipeline.videos.names import named, video_name

logger = logging.getLogger(__name__)

Item = TypeVar("Item")


@dataclass(frozen=True)
class FoundArray:
    """An array with the features of a video, or of one of its crops."""

    path: Path
    key: str
    """Name of the array in the file."""
    shape: tuple[int, ...]
    """Two or three axes, after removing extra axes of length 1."""
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class RepairedFeatures:
    """A feature set that is repaired when it is read."""

    videos: Mapping[str, Mapping[int, FoundArray]]
    """Joining name -> crop number -> array, in name order."""
    crop_axis: int | None
    """Crop axis of three-axis arrays; None if each array is one crop."""
    turned: bool
    """Whether one-crop arrays are (dim, segments)."""

    def form(self, name: str) -> tuple[int, int]:
        """Stored (crops, dim) of a video."""
        crops = self.videos[name]
        shape = next(iter(crops.values())).shape
        if self.crop_axis is None:
            return len(crops), shape[0 if self.turned else 1]
        return shape[self.crop_axis], shape[2]

    def values(self, name: str, opened: "OpenedFile") -> NDArray[Any]:
        """Read a video, (segments, crops, dim) in the stored dtype.

        Raises:
            BadFeatures: a file has changed since it was found.
        """
        crops = [found for _, found in sorted(self.videos[name].items())]
        arrays = [opened.read(found) for found in crops]
        if self.crop_axis is None:
            whole = np.stack([array.T if self.turned else array for array in arrays], axis=1)
        else:
            whole = arrays[0] if self.crop_axis == 1 else arrays[0].swapaxes(0, 1)
        return whole[..., : MAGNITUDE_DIM - 1] if self.form(name)[1] == MAGNITUDE_DIM else whole


class OpenedFile:
    """Reads arrays, and keeps the last file open: one file may hold all videos."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._arrays: Mapping[str, StoredArray] = {}

    def read(self, found: FoundArray) -> NDArray[Any]:
        """Read an array in its stored dtype, with the shape `found.shape`."""
        if found.path != self._path:
            self._path, self._arrays = found.path, read_arrays(found.path)
        return np.asarray(self._arrays[found.key][()]).reshape(found.shape)


def open_repaired(
    place: Path, layout: Layout = "auto", key: str | None = None
) -> tuple[RepairedFeatures, list[Failure]]:
    """Find the features below a folder or in a file, and the files that cannot be used.

    Args:
        place: the folder or file.
        layout: order of the axes, or meaning of the numbers in file names, if known.
        key: name of the array to read from files that hold several.

    Raises:
        BadFeatures: nothing can be read, or the files contradict each other.
    """
    below = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file())
    paths, side = take_side_files(
        [p for p in below if p.suffix.lower() in FORMATS and not p.name.startswith(".")]
    )
    failures: list[Failure] = []
    by_file = {path: found for path in paths if (found := _arrays_of(path, key, failures))}
    if not by_file:
        nothing = f"{place} holds no feature files ({' '.join(FORMATS)}); give another folder"
        raise BadFeatures(failures[0].reason if failures else nothing)
    arrays = _of_most(_names(by_file), lambda found: len(found.shape), "axes", failures)
    bare = without_streams([name for name, _ in arrays], side.frame_rates)
    features = _features(
        [(name, found) for name, (_, found) in zip(bare, arrays, strict=True)], layout, failures
    )
    kept = _of_most(
        [(name, name) for name in features.videos], features.form, "(crops, dim)", failures
    )
    features = replace(features, videos={n: features.videos[n] for n, _ in sorted(kept)})
    _report(features)
    return features, failures


def _arrays_of(path: Path, key: str | None, failures: list[Failure]) -> list[FoundArray]:
    """The arrays of a file that may be features: floats of two or three axes."""
    try:
        stored = read_arrays(path)
    except BadFeatures as error:
        failures.append(Failure(str(path), "convert", str(error)))
        return []
    found = [
        FoundArray(path, name, _tidy(array.shape), array.dtype)
        for name, array in stored.items()
        if array.dtype.kind == "f"
        and len(_tidy(array.shape)) in (2, 3)
        and 0 not in array.shape
        and (key is None or name.split("/")[-1] == key)
    ]
    if not found:
        forms = [f"{name or 'array'} {a.dtype} {a.shape}" for name, a in stored.items()]
        wanted = "floats (segments, crops, dim) or (segments, dim) are needed"
        if key is not None:
            wanted += f", under the name {key!r}"
        failures.append(Failure(str(path), "convert", f"{path} holds {named(forms)}: {wanted}"))
    return found


def _tidy(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without the trailing 1x1 left by pooling and the leading 1 of a batch."""
    while len(shape) > 2 and shape[-1] == 1:
        shape = shape[:-1]
    while len(shape) > 3 and shape[0] == 1:
        shape = shape[1:]
    return shape


def _names(by_file: Mapping[Path, Sequence[FoundArray]]) -> list[tuple[str, FoundArray]]:
    """Each array with the name of its video, taken from the file or from the array's key.

    Raises:
        BadFeatures: several arrays per video, and no key says which to read.
    """
    keys = {tuple(sorted(found.key for found in arrays)) for arrays in by_file.values()}
    several = max(len(held) for held in keys)
    if len(by_file) > 1 and len(keys) == 1 and several > 1:
        raise BadFeatures(
            f"each of {len(by_file)} files holds the arrays {named(min(keys))}: choose one with"
            " --key"
        )
    for path, arrays in by_file.items():
        _refuse_kinds(path, [found.key for found in arrays])
    return [
        (video_name(_of_array(found.key) if len(arrays) > 1 else path.stem), found)
        for path, arrays in by_file.items()
        for found in arrays
    ]


def _refuse_kinds(path: Path, keys: Sequence[str]) -> None:
    """Refuse keys with several kinds of features: `a/rgb, a/flow, b/rgb, b/flow`."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for key in keys:
        video, _, kind = key.rpartition("/")
        kinds[video].add(kind)
    first = next(iter(kinds.values()))
    if len(kinds) > 1 and len(first) > 1 and all(held == first for held in kinds.values()):
        raise BadFeatures(
            f"{path} holds the arrays {named(sorted(first))} of each of {len(kinds)} videos:"
            " choose one with --key"
        )


def _of_array(key: str) -> str:
    """Name of the video in a key: `train/Abuse001_x264/features` -> `train/Abuse001_x264`."""
    return re.sub("/(features?|feats?|rgb|data|x)$", "", key)


def _features(
    arrays: Sequence[tuple[str, FoundArray]], layout: Layout, failures: list[Failure]
) -> RepairedFeatures:
    forms = [found for _, found in arrays]
    if len(forms[0].shape) == 2:
        turned = layout != "segments-first" and is_turned(forms)
        return RepairedFeatures(group_crops(arrays, layout), None, turned)
    axis, crops, _ = best_axes(forms, layout)
    fitting = [(name, found) for name, found in arrays if found.shape[axis] == crops]
    failures += [
        Failure(str(f.path), "convert", f"{f.path}: shape {f.shape}, {crops} crops expected")
        for _, f in arrays
        if f.shape[axis] != crops
    ]
    if not fitting:
        raise BadFeatures(failures[-1].reason)
    if crops == 1 and layout != "video-files" and number_crops([name for name, _ in fitting]):
        flat = [(name, replace(f, shape=(f.shape[1 - axis], f.shape[2]))) for name, f in fitting]
        return _features(flat, layout, failures)
    find_axes([found for _, found in fitting], layout)  # reports what stays ambiguous
    return RepairedFeatures(group_crops(fitting, "video-files"), axis, turned=False)


def _of_most(
    items: Sequence[tuple[str, Item]],
    form_of: Callable[[Item], object],
    what: str,
    failures: list[Failure],
) -> list[tuple[str, Item]]:
    """The items with the most frequent form; the others become failures."""
    forms = [form_of(item) for _, item in items]
    usual = Counter(forms).most_common(1)[0][0]
    failures += [
        Failure(name, "convert", f"{name} has {what} {form} but most have {usual}: another set")
        for (name, _), form in zip(items, forms, strict=True)
        if form != usual
    ]
    return [item for item, form in zip(items, forms, strict=True) if form == usual]


def _report(features: RepairedFeatures) -> None:
    """Log the repairs that change the meaning of the values."""
    name = next(iter(features.videos))
    if features.turned:
        logger.warning("%s and all others are (dim, segments); they are transposed", name)
    if features.form(name)[1] == MAGNITUDE_DIM:
        logger.warning("value %d, the magnitude added by MGFN, is removed", MAGNITUDE_DIM)
