"""Reads concatenations: one array of all segments, and the rows [from, to) of each video.

C2FPL publishes the array as `concat_UCF.npy` and the offsets as `nalist.npy`. The offsets have no
names, and two orders are in use: `ucf-i3d.list` starts with the anomalous videos, `nalist.npy`
with the normal ones. Names in the wrong order would go unnoticed, so they are checked against
frame counts, or against the known segment counts of the published sets. Labels and training need
no names. The test array (`Concat_test_10.npy`) has no offsets at all.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures, BadFile
from c2fpl.extractors.segments import SEGMENT_FRAMES
from c2fpl.pipeline.features.array_blocks import Block, StoredFeatures, features_header
from c2fpl.pipeline.files.npy_header import NpyHeader, load_npy
from c2fpl.pipeline.truth.datasets import DatasetName, belongs_to, is_anomalous
from c2fpl.pipeline.videos.names import named, video_name

logger = logging.getLogger(__name__)

NORMAL_AND_ANOMALOUS_SEGMENTS: Mapping[tuple[DatasetName, int], tuple[int, int]] = {
    ("ucf-crime", 779_951): (580_699, 199_252),
    ("xd-violence", 1_021_917): (691_037, 330_880),
}
"""Training segments of normal and of anomalous videos in the published concatenations of C2FPL and
CLAP, by data set and total."""

LARGEST_SHARE_OF_EXCEPTIONS = 0.02
"""Videos whose segments may not match their frames; UCF-Crime has ten, resampled to 30 fps."""


@dataclass(frozen=True)
class Concatenation:
    """The files of one concatenation."""

    array: Path
    """Segments of all videos, (segments, crops, dim) or (segments, dim)."""
    offsets: Path | None
    """Rows [from, to) of each video. If None, they follow from the frame counts."""


def find_concatenation(paths: Sequence[Path]) -> Concatenation | None:
    """Find `concat*.npy`, with or without `*nalist*.npy`, among the `.npy` files of a folder.

    A test array (`Concat_test_10.npy`) beside a training array is left to `--test-features`.

    Raises:
        BadFeatures: offsets without an array, several arrays or offsets, or unrelated arrays.
    """
    offsets = [path for path in paths if "nalist" in path.name.lower()]
    arrays = [path for path in paths if path.name.lower().startswith("concat")]
    rest = [path for path in paths if path not in offsets and path not in arrays]
    if not offsets and (not arrays or rest):
        return None
    both = (arrays, offsets)
    if any(len(kind) > 1 for kind in both):
        arrays, offsets = ([p for p in kind if "test" not in p.name.lower()] for kind in both)
        left = sorted(path.name for kind in both for path in kind if "test" in path.name.lower())
        logger.warning("%s: skipped, for --test-features: %s", paths[0].parent, named(left))
    if len(arrays) != 1 or len(offsets) > 1 or rest:
        raise BadFeatures(
            f"{paths[0].parent} holds {named(path.name for path in paths)}: a concatenation is one"
            " concat*.npy and one *nalist*.npy; move the other files away"
        )
    return Concatenation(arrays[0], offsets[0] if offsets else None)


def read_concatenation(
    found: Concatenation,
    names: Sequence[str] | None = None,
    frame_counts: Mapping[str, int] | None = None,
) -> list[StoredFeatures]:
    """The videos of a concatenation.

    Videos without names are numbered, which is enough for labels and training.

    Args:
        found: the files.
        names: names of the videos, in the order of the offsets.
        frame_counts: frames of each video by joining name. They verify the order of the names, and
            replace the offsets if there are none.

    Raises:
        BadFeatures: unreadable files, offsets with gaps or overlaps, or names in the wrong order.
    """
    header = _array_header(found.array)
    segments, crops, dim = header.shape[0], math.prod(header.shape[1:-1]), header.shape[-1]
    ordered = [video_name(name) for name in names or ()]
    if found.offsets is None:
        bounds = _bounds_by_counts(found.array, segments, ordered, frame_counts or {})
    else:
        bounds = _bounds(found.offsets, segments)
        ordered = ordered or _numbered(found.offsets, len(bounds))
        _check_names(found.offsets, ordered, bounds)
        if names:
            _check_order(found.offsets, ordered, bounds, frame_counts)
    segment_bytes = crops * dim * header.dtype.itemsize
    return [
        StoredFeatures(
            name,
            (int(stop - start), crops, dim),
            header.dtype,
            (Block(found.array, header.offset + int(start) * segment_bytes, crops),),
        )
        for name, (start, stop) in zip(ordered, bounds, strict=True)
    ]


def _array_header(path: Path) -> NpyHeader:
    header = features_header(path)
    has_axes = len(header.shape) in (2, 3) and 0 not in header.shape
    if not has_axes or header.dtype.kind != "f" or header.fortran_order:
        raise BadFeatures(
            f"{path} is {header.dtype} of shape {header.shape}: a concatenation must be floats"
            " (segments of all videos, crops, dim) in C order; create it again"
        )
    return header


def _numbered(path: Path, count: int) -> list[str]:
    logger.warning(
        "%s: no list of names; videos are called video-00001 to video-%05d. Give --names, a list"
        " in the order of the offsets, to name them",
        path,
        count,
    )
    return [f"video-{number:05}" for number in range(1, count + 1)]


def _bounds_by_counts(
    path: Path, segments: int, names: Sequence[str], frame_counts: Mapping[str, int]
) -> NDArray[np.int64]:
    """(videos, 2) rows [from, to) from the frame counts: published sets round in three ways."""
    missing = [name for name in names if name not in frame_counts]
    if not names or missing:
        lacking = f" (missing: the frame count of {named(missing)})" if missing else ""
        raise BadFeatures(
            f"{path} has {segments} segments and no offsets: they are derived from the names of the"
            f" videos, in order, and their frame counts{lacking}; give --frame-counts and --names"
        )
    frames = np.array([frame_counts[name] for name in names], np.int64)
    rules = {
        "ceil(n/16)": -(-frames // SEGMENT_FRAMES),
        "floor(n/16)": frames // SEGMENT_FRAMES,
        "floor((n-1)/16)": (frames - 1) // SEGMENT_FRAMES,
    }
    for counts in rules.values():
        if int(counts.sum()) == segments and counts.all():
            ends = np.cumsum(counts)
            return np.stack((ends - counts, ends), axis=1)
    raise BadFeatures(
        f"{path} has {segments} segments, and {len(names)} videos of these frame counts have "
        + ", ".join(f"{int(counts.sum())} by {rule}" for rule, counts in rules.items())
        + ": the list is of another array; give the names and frame counts of this one"
    )


def _bounds(path: Path, segments: int) -> NDArray[np.int64]:
    """(videos, 2) rows [from, to) of a file of offsets; together they cover all segments."""
    try:
        rows = load_npy(path)
    except BadFile as error:
        raise BadFeatures(str(error)) from error
    if rows.ndim != 2 or rows.shape[1] != 2 or rows.dtype.kind not in "iu" or not len(rows):
        raise BadFeatures(
            f"{path} is {rows.dtype} of shape {rows.shape}: offsets must be integers (videos, 2);"
            " download it again"
        )
    bounds = rows.astype(np.int64)
    expected_starts = np.concatenate(([0], bounds[:-1, 1]))
    wrong = np.flatnonzero((bounds[:, 0] != expected_starts) | (bounds[:, 1] <= bounds[:, 0]))
    if wrong.size:
        row = int(wrong[0])
        raise BadFeatures(
            f"{path}, row {row}: [{bounds[row, 0]}, {bounds[row, 1]}) must start at"
            f" {expected_starts[row]}, where the row before it ends, and not be empty; find the"
            " list that belongs to this array"
        )
    if bounds[-1, 1] != segments:
        raise BadFeatures(
            f"{path} ends at segment {bounds[-1, 1]} but the array has {segments}: they are from"
            " different sets; find the list that belongs to this array"
        )
    return bounds


def _check_names(path: Path, names: Sequence[str], bounds: NDArray[np.int64]) -> None:
    """Refuse names that are not one per row of the int64 (videos, 2) bounds, or not distinct."""
    if len(names) != len(bounds) or len(set(names)) != len(names):
        raise BadFeatures(
            f"{path} has {len(bounds)} videos but the list has {len(names)} names"
            f" ({len(set(names))} distinct): give one name per video (C2FPL's 1609 videos lack"
            " Normal_Videos471_x264)"
        )


def _check_order(
    path: Path,
    names: Sequence[str],
    bounds: NDArray[np.int64],
    frame_counts: Mapping[str, int] | None,
) -> None:
    """Check names and (videos, 2) bounds by frame or published counts, else log a warning."""
    lengths: list[int] = (bounds[:, 1] - bounds[:, 0]).tolist()
    found = dict(zip(names, lengths, strict=True))
    if frame_counts is not None and frame_counts.keys() & found.keys():
        _check_counts(path, found, frame_counts)
        return
    total = sum(lengths)
    for (dataset, known), expected in NORMAL_AND_ANOMALOUS_SEGMENTS.items():
        if known != total:
            continue
        normal = sum(length for name, length in found.items() if _is_normal(name, dataset))
        if (normal, total - normal) == expected:
            return
        raise BadFeatures(
            f"{path}: by this list of names, normal videos have {normal} segments, but in the"
            f" published set {expected[0]}: put the list in the order of the offsets (ucf-i3d.list"
            " starts with anomalous videos, nalist.npy with normal ones)"
        )
    logger.warning(
        "%s: not a published set, so the order of names was not checked; give --frame-counts", path
    )


def _check_counts(path: Path, found: Mapping[str, int], frames: Mapping[str, int]) -> None:
    odd = [
        name
        for name, length in found.items()
        if name in frames and abs(length * SEGMENT_FRAMES - frames[name]) > SEGMENT_FRAMES
    ]
    if len(odd) > LARGEST_SHARE_OF_EXCEPTIONS * len(found):
        raise BadFeatures(
            f"{path}: {odd[0]} has {found[odd[0]]} segments by these names but"
            f" {frames[odd[0]]} frames by the table ({len(odd)} such videos):"
            " the list is in a different order; put it in the order of the offsets"
        )


def _is_normal(name: str, dataset: DatasetName) -> bool:
    return belongs_to(name, dataset) and not is_anomalous(name, dataset)
