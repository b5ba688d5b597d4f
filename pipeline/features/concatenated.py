"""All segments of a data set in one array (`concat_UCF.npy`) and rows [from, to) of each video.

The offsets (`nalist.npy`) carry no names, and two lists are in use: `ucf-i3d.list` has anomalous
videos first, `nalist.npy` normal ones first. Taking one for the other destroys the labels without
a sign, so the order of the given names is checked against known segment counts, or refused. Of the
published sets the sum over normal videos is known, which tells the kind that comes first; the order
within a kind matters to no result, for nothing joins training videos by name.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from c2fpl.pipeline.features.array_blocks import Block, StoredFeatures
from c2fpl.pipeline.features.extracted import BadFeatures
from c2fpl.pipeline.files.npy_header import BadNpy, NpyHeader, load_npy, read_npy_header
from c2fpl.pipeline.truth.datasets import DatasetName, UnknownName, classes_of
from c2fpl.pipeline.videos.names import video_name

NORMAL_AND_ANOMALOUS_SEGMENTS: Mapping[tuple[DatasetName, int], tuple[int, int]] = {
    ("ucf-crime", 779_951): (580_699, 199_252),
    ("xd-violence", 1_021_917): (691_037, 330_880),
}
"""Training segments of normal and of anomalous videos, by data set and total: what the published
concatenations of C2FPL and CLAP hold."""

LARGEST_SHARE_OF_EXCEPTIONS = 0.02
"""Videos whose count may differ from the known one: ten of UCF-Crime have another frame rate."""


def find_concatenation(paths: Sequence[Path]) -> tuple[Path, Path] | None:
    """(array, offsets) among the files of a folder: `concat*.npy` with a `*nalist*.npy`.

    Raises:
        BadFeatures: one without the other, or more than one of a kind.
    """
    arrays = [path for path in paths if path.name.startswith("concat")]
    offsets = [path for path in paths if "nalist" in path.name]
    if not arrays and not offsets:
        return None
    if len(arrays) != 1 or len(offsets) != 1 or len(paths) != 2:
        raise BadFeatures(
            f"{paths[0].parent} holds {[path.name for path in paths[:6]]}: one concat*.npy and one"
            " nalist*.npy and nothing else make a concatenation; move the rest away"
        )
    return arrays[0], offsets[0]


def read_concatenation(
    array: Path,
    offsets: Path,
    names: Sequence[str] | None,
    segment_counts: Mapping[str, int] | None,
) -> list[StoredFeatures]:
    """The videos of a concatenation (segments of all, crops, dim).

    Raises:
        BadFeatures: unreadable, offsets that do not tile the array, or an order of names that is
            not established.
    """
    try:
        header, rows = read_npy_header(array), load_npy(offsets)
    except BadNpy as error:
        raise BadFeatures(str(error)) from error
    _check_array(header)
    bounds = _bounds(offsets, rows, header.shape[0])
    ordered = [video_name(name) for name in names or ()]
    _check_names(offsets, ordered, bounds)
    _check_order(offsets, ordered, bounds, segment_counts)
    _, crops, dim = header.shape
    segment_bytes = crops * dim * header.dtype.itemsize
    return [
        StoredFeatures(
            name,
            (int(stop - start), crops, dim),
            header.dtype,
            (Block(array, header.offset + int(start) * segment_bytes, crops),),
        )
        for name, (start, stop) in zip(ordered, bounds, strict=True)
    ]


def _check_array(header: NpyHeader) -> None:
    if len(header.shape) != 3 or header.dtype.kind != "f" or header.fortran_order:
        raise BadFeatures(
            f"{header.path} is {header.dtype} of shape {header.shape}: a concatenation is floats"
            " (segments of all videos, crops, dim) in C order; make it again"
        )


def _bounds(path: Path, rows: NDArray[np.generic], segments: int) -> NDArray[np.int64]:
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
    if not names:
        raise BadFeatures(
            f"{path} has offsets of {len(bounds)} videos and no names: give the list of names in"
            " its order (normal videos first in C2FPL's own list); it is not guessed"
        )
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
    segment_counts: Mapping[str, int] | None,
) -> None:
    lengths = (bounds[:, 1] - bounds[:, 0]).tolist()
    if segment_counts is not None:
        _check_counts(path, dict(zip(names, lengths, strict=True)), segment_counts)
        return
    total = sum(lengths)
    for (dataset, known), expected in NORMAL_AND_ANOMALOUS_SEGMENTS.items():
        if known != total:
            continue
        normal = sum(
            length for name, length in zip(names, lengths, strict=True) if _is_normal(name, dataset)
        )
        if (normal, total - normal) == expected:
            return
        raise BadFeatures(
            f"{path}: with this list of names normal videos have {normal} segments, but"
            f" {expected[0]} are known: the list is in another order (ucf-i3d.list has anomalous"
            " videos first, nalist.npy normal ones); put it in the order of the offsets"
        )
    raise BadFeatures(
        f"{path} has {total} segments, of no published set: the order of the names cannot be"
        " established; give known segment counts by name"
    )


def _check_counts(path: Path, found: Mapping[str, int], known: Mapping[str, int]) -> None:
    unknown = [name for name in found if name not in known]
    odd = [name for name, length in found.items() if known.get(name, length) != length]
    if unknown or len(odd) > LARGEST_SHARE_OF_EXCEPTIONS * len(found):
        name = (unknown or odd)[0]
        raise BadFeatures(
            f"{path}: {name} has {found[name]} segments by these names and"
            f" {known.get(name, 'no count')} by the table ({len(odd) + len(unknown)} such videos):"
            " the list is in another order; put it in the order of the offsets"
        )


def _is_normal(name: str, dataset: DatasetName) -> bool:
    try:
        return classes_of(name, dataset) == ("Normal",)
    except UnknownName:
        return False
