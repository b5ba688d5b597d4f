"""Features that cannot be read in place, repaired in memory a video at a time.

Repaired are Fortran order, mixed number types, axes of length 1, (dim, segments), arrays of plain
objects, MGFN's magnitude, and other containers (.npz, .pt, .h5, .mat, .pkl).
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

from c2fpl.pipeline.features.crop_layouts import MAGNITUDE_DIM, best_axes, find_axes, is_turned
from c2fpl.pipeline.features.crop_names import group_crops, number_crops, without_streams
from c2fpl.pipeline.features.extracted import BadFeatures
from c2fpl.pipeline.features.frame_plans import take_side_files
from c2fpl.pipeline.files.array_files import FORMATS, StoredArray, UnreadableArrays, read_arrays
from c2fpl.pipeline.files.outcomes import Failure
from c2fpl.pipeline.settings import Layout
from c2fpl.pipeline.videos.names import named, video_name

logger = logging.getLogger(__name__)

Item = TypeVar("Item")


@dataclass(frozen=True)
class FoundArray:
    """An array that holds the features of a video, or of one crop of it."""

    path: Path
    """Its file."""
    key: str
    """Its name in the file."""
    shape: tuple[int, ...]
    """Two or three axes, those of length 1 that say nothing left out."""
    dtype: np.dtype[Any]
    """As stored."""


@dataclass(frozen=True)
class RepairedFeatures:
    """A set whose values are repaired when they are read."""

    videos: Mapping[str, Mapping[int, FoundArray]]
    """Arrays by crop, by joining name, in name order."""
    crop_axis: int | None
    """Of arrays with three axes; None where each array is one crop."""
    turned: bool
    """Whether arrays of one crop are (dim, segments)."""

    def form(self, name: str) -> tuple[int, int]:
        """(crops, dim) of a video, as stored."""
        crops = self.videos[name]
        shape = next(iter(crops.values())).shape
        if self.crop_axis is None:
            return len(crops), shape[0 if self.turned else 1]
        return shape[self.crop_axis], shape[2]

    def values(self, name: str, opened: "OpenedFile") -> NDArray[Any]:
        """(segments, crops, dim) of a video, in memory.

        Raises:
            UnreadableArrays: a file was changed since it was found.
        """
        crops = [found for _, found in sorted(self.videos[name].items())]
        arrays = [opened.read(found) for found in crops]
        if self.crop_axis is None:
            whole = np.stack([array.T if self.turned else array for array in arrays], axis=1)
        else:
            whole = arrays[0] if self.crop_axis == 1 else arrays[0].swapaxes(0, 1)
        return whole[..., : MAGNITUDE_DIM - 1] if self.form(name)[1] == MAGNITUDE_DIM else whole


class OpenedFile:
    """The file read last stays open: one file may hold all videos."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._arrays: Mapping[str, StoredArray] = {}

    def read(self, found: FoundArray) -> NDArray[Any]:
        """The values of an array."""
        if found.path != self._path:
            self._path, self._arrays = found.path, read_arrays(found.path)
        return np.asarray(self._arrays[found.key][()]).reshape(found.shape)


def open_repaired(
    place: Path, layout: Layout = "auto", key: str | None = None
) -> tuple[RepairedFeatures, list[Failure]]:
    """Find the features below a folder or in a file, and the files that cannot be used.

    Args:
        place: the folder or file.
        layout: what the axes or the numbers in file names are, where it is known.
        key: name of the array to take where files hold several.

    Raises:
        BadFeatures: nothing can be read, or the set as a whole is contradictory.
    """
    below = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.is_file())
    paths, side = take_side_files(
        [p for p in below if p.suffix.lower() in FORMATS and not p.name.startswith(".")]
    )
    failures: list[Failure] = []
    by_file = {path: found for path in paths if (found := _arrays_of(path, key, failures))}
    if not by_file:
        nothing = f"{place} holds no file of features: {' '.join(FORMATS)} are read"
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
    """The arrays of a file that can be features."""
    try:
        stored = read_arrays(path)
    except UnreadableArrays as error:
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
    """Without the 1x1 that pooling leaves at the end and the 1 of a batch at the beginning."""
    while len(shape) > 2 and shape[-1] == 1:
        shape = shape[:-1]
    while len(shape) > 3 and shape[0] == 1:
        shape = shape[1:]
    return shape


def _names(by_file: Mapping[Path, Sequence[FoundArray]]) -> list[tuple[str, FoundArray]]:
    """Each array with the name of its video: that of the file, or of the array in the file.

    Raises:
        BadFeatures: all files hold the same several arrays, so these are no videos.
    """
    keys = {tuple(sorted(found.key for found in arrays)) for arrays in by_file.values()}
    several = max(len(held) for held in keys)
    if len(by_file) > 1 and len(keys) == 1 and several > 1:
        raise BadFeatures(
            f"each of {len(by_file)} files holds the arrays {named(min(keys))}: --key names the"
            " one to take"
        )
    for path, arrays in by_file.items():
        _refuse_kinds(path, [found.key for found in arrays])
    return [
        (video_name(_of_array(found.key) if len(arrays) > 1 else path.stem), found)
        for path, arrays in by_file.items()
        for found in arrays
    ]


def _refuse_kinds(path: Path, keys: Sequence[str]) -> None:
    """`a/rgb, a/flow, b/rgb, b/flow` are two kinds of features of each video."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for key in keys:
        video, _, kind = key.rpartition("/")
        kinds[video].add(kind)
    first = next(iter(kinds.values()))
    if len(kinds) > 1 and len(first) > 1 and all(held == first for held in kinds.values()):
        raise BadFeatures(
            f"{path} holds the arrays {named(sorted(first))} of each of {len(kinds)} videos: --key"
            " names the one to take"
        )


def _of_array(key: str) -> str:
    """`train/Abuse001_x264/features` -> `train/Abuse001_x264`."""
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
        Failure(str(f.path), "convert", f"{f.path} has shape {f.shape}, others {crops} crops")
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
    """The items that are as most are; the others become failures."""
    forms = [form_of(item) for _, item in items]
    usual = Counter(forms).most_common(1)[0][0]
    failures += [
        Failure(name, "convert", f"{name} has {what} {form}, most others {usual}: of another set")
        for (name, _), form in zip(items, forms, strict=True)
        if form != usual
    ]
    return [item for item, form in zip(items, forms, strict=True) if form == usual]


def _report(features: RepairedFeatures) -> None:
    """Say what the values alone would not show."""
    name = next(iter(features.videos))
    if features.turned:
        logger.warning("%s and all others are (dim, segments) and are turned", name)
    if features.form(name)[1] == MAGNITUDE_DIM:
        logger.warning("the magnitude that MGFN adds as value %d is taken off", MAGNITUDE_DIM)
