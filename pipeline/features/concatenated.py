"""All segments of a data set in one array (`concat_UCF.npy`) and rows [from, to) of each video.

The offsets (`nalist.npy`) carry no names, and two lists are in use: `ucf-i3d.list` has anomalous
videos first, `nalist.npy` normal ones first. Names in the wrong order would go unnoticed, so they
are checked against frame counts, or against the segments of normal videos in the published sets.
Labels and training need no names. The test array (`Concat_test_10.npy`) has no offsets at all.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from c2fpl.pipeline.features.array_blocks import Block, StoredFeatures
from c2fpl.pipeline.features.extracted import BadFeatures
from c2fpl.pipeline.files.npy_header import BadNpy, NpyHeader, load_npy, read_npy_header
from c2fpl.pipeline.truth.datasets import DatasetName, belongs_to, is_anomalous
from c2fpl.pipeline.truth.protocols import SEGMENT_FRAMES
from c2fpl.pipeline.videos.names import named, video_name

logger = logging.getLogger(__name__)

NORMAL_AND_ANOMALOUS_SEGMENTS: Mapping[tuple[DatasetName, int], tuple[int, int]] = {
    ("ucf-crime", 779_951): (580_699, 199_252),
    ("xd-violence", 1_021_917): (691_037, 330_880),
}
"""Training segments of normal and of anomalous videos, by data set and total: what the published
concatenations of C2FPL and CLAP hold."""

LARGEST_SHARE_OF_EXCEPTIONS = 0.02
"""Videos whose count may differ from the known one: ten of UCF-Crime have another frame rate."""


@dataclass(frozen=True)
class Concatenation:
    """The files of one concatenation."""

    array: Path
    """Segments of all videos, (segments, crops, dim) or (segments, dim)."""
    offsets: Path | None
    """Rows [from, to) of each video; None where only the frame counts tell them."""


def find_concatenation(paths: Sequence[Path]) -> Concatenation | None:
    """`concat*.npy` with or without `*nalist*.npy` among the `.npy` files of a folder.

    A test array beside a training array (`Concat_test_10.npy`) is left to `--test-features`.

    Raises:
        BadFeatures: offsets without an array, several of a kind, or other arrays between them.
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
        logger.warning("%s: %s left to --test-features", paths[0].parent, named(left))
    if len(arrays) != 1 or len(offsets) > 1 or rest:
        raise BadFeatures(
            f"{paths[0].parent} holds {named(path.name for path in paths)}: one concat*.npy, one"
            " *nalist*.npy and nothing else make a concatenation; move the rest away"
        )
    return Concatenation(arrays[0], offsets[0] if offsets else None)


def read_concatenation(
    found: Concatenation,
    names: Sequence[str] | None = None,
    frame_counts: Mapping[str, int] | None = None,
) -> list[StoredFeatures]:
    """The videos of a concatenation.

    Videos without names are called by their place, which is enough to learn from.

    Args:
        found: its files.
        names: of the videos, in the order of the offsets.
        frame_counts: frames by joining name. They check the order of the names; where there are no
            offsets, they tell them.

    Raises:
        BadFeatures: unreadable, offsets that do not tile the array, or names in another order.
    """
    header = _array_header(found.array)
    segments, crops, dim = header.shape[0], math.prod(header.shape[1:-1]), header.shape[-1]
    ordered = [video_name(name) for name in names or ()]
    if found.offsets is None:
        bounds = _bounds_by_counts(found.array, segments, ordered, frame_counts or {})
    else:
        bounds = _bounds(found.offsets, segments)
        ordered = ordered or _places(found.offsets, len(bounds))
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
    try:
        header = read_npy_header(path)
    except BadNpy as error:
        raise BadFeatures(str(error)) from error
    usual = len(header.shape) in (2, 3) and 0 not in header.shape
    if not usual or header.dtype.kind != "f" or header.fortran_order:
        raise BadFeatures(
            f"{path} is {header.dtype} of shape {header.shape}: a concatenation is floats"
            " (segments of all videos, crops, dim) in C order; make it again"
        )
    return header


def _places(path: Path, count: int) -> list[str]:
    logger.warning(
        "%s: no list of names, so its videos are called video-00001 to video-%05d; --names takes"
        " a list in the order of the offsets",
        path,
        count,
    )
    return [f"video-{place:05}" for place in range(1, count + 1)]


def _bounds_by_counts(
    path: Path, segments: int, names: Sequence[str], frame_counts: Mapping[str, int]
) -> NDArray[np.int64]:
    """Offsets of an array without a list of them: the published sets round in three ways."""
    missing = [name for name in names if name not in frame_counts]
    if not names or missing:
        lacking = f" (no frame count of {named(missing)})" if missing else ""
        raise BadFeatures(
            f"{path} has {segments} segments and no offsets: the names of its videos in their order"
            f" and the frames of each are needed{lacking}; give --frame-counts and --names"
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
        + ": other videos, or another feature set; give the list and the counts of this array"
    )


def _bounds(path: Path, segments: int) -> NDArray[np.int64]:
    try:
        rows = load_npy(path)
    except BadNpy as error:
        raise BadFeatures(str(error)) from error
    if rows.ndim != 2 or rows.shape[1] != 2 or rows.dtype.kind not in "iu" or not len(rows):
        raise BadFeatures(
            f"{path} is {rows.dtype} of shape {rows.shape}: offsets are whole numbers (videos, 2)"
        )
    bounds = rows.astype(np.int64)
    expected_starts = np.concatenate(([0], bounds[:-1, 1]))
    wrong = np.flatnonzero((bounds[:, 0] != expected_starts) | (bounds[:, 1] <= bounds[:, 0]))
    if wrong.size:
        row = int(wrong[0])
        raise BadFeatures(
            f"{path}, row {row}: [{bounds[row, 0]}, {bounds[row, 1]}) does not follow the row"
            f" before, which ends at {expected_starts[row]}: offsets tile the array without gaps"
        )
    if bounds[-1, 1] != segments:
        raise BadFeatures(
            f"{path} ends at segment {bounds[-1, 1]} and the array has {segments}: they are not of"
            " one set; find the list that was made with this array"
        )
    return bounds


def _check_names(path: Path, names: Sequence[str], bounds: NDArray[np.int64]) -> None:
    if len(names) != len(bounds) or len(set(names)) != len(names):
        raise BadFeatures(
            f"{path} has {len(bounds)} videos and the list of names {len(names)},"
            f" {len(set(names))} of them distinct: they must be the same videos (C2FPL's 1609 lack"
            " Normal_Videos471_x264)"
        )


def _check_order(
    path: Path,
    names: Sequence[str],
    bounds: NDArray[np.int64],
    frame_counts: Mapping[str, int] | None,
) -> None:
    """By the frame counts, else by what is known of the published sets, else not at all."""
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
            f"{path}: with this list of names normal videos have {normal} segments, but"
            f" {expected[0]} are known: the list is in another order (ucf-i3d.list has anomalous"
            " videos first, nalist.npy normal ones); put it in the order of the offsets"
        )
    logger.warning(
        "%s: %d segments are those of no published set, so the order of the names is taken as given"
        " and not checked; --frame-counts checks it",
        path,
        total,
    )


def _check_counts(path: Path, found: Mapping[str, int], frames: Mapping[str, int]) -> None:
    odd = [
        name
        for name, length in found.items()
        if name in frames and abs(length * SEGMENT_FRAMES - frames[name]) > SEGMENT_FRAMES
    ]
    if len(odd) > LARGEST_SHARE_OF_EXCEPTIONS * len(found):
        raise BadFeatures(
            f"{path}: {odd[0]} has {found[odd[0]]} segments by these names and"
            f" {frames[odd[0]]} frames by the table ({len(odd)} such videos):"
            " the list is in another order; put it in the order of the offsets"
        )


def _is_normal(name: str, dataset: DatasetName) -> bool:
    return belongs_to(name, dataset) and not is_anomalous(name, dataset)
