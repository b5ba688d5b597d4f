"""`c2fpl convert`: features of any format to one plain .npy (segments, crops, dim) per video."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures
from c2fpl.pipeline.features.array_blocks import chunks_of, finite_chunks
from c2fpl.pipeline.features.concatenated import find_concatenation
from c2fpl.pipeline.features.published import PublishedFeatures, npy_files, open_features
from c2fpl.pipeline.features.repaired import OpenedFile, RepairedFeatures, open_repaired
from c2fpl.pipeline.files.atomic import whole_file
from c2fpl.pipeline.files.outcomes import Failure
from c2fpl.pipeline.files.run_files import beside
from c2fpl.pipeline.settings import ReadingSettings

Kept = Literal["keep", "float16", "float32"]
"""Number type of the written arrays. keep is float16 if all arrays are float16, else float32."""


def convert_features(
    place: Path,
    folder: Path,
    kept: Kept = "keep",
    *,
    reading: ReadingSettings = ReadingSettings(),
    key: str | None = None,
) -> tuple[int, list[Failure]]:
    """Write each video as `folder/<name>.npy` (segments, crops, dim).

    Features that need no repair are copied in chunks; others are repaired one video at a time.

    Args:
        place: folder or file of features.
        folder: output folder.
        kept: number type of the output.
        reading: layout, and names and frame counts of a concatenation, if known.
        key: name of the array to use if files contain several.

    Returns:
        Number of videos written, and the skipped files and videos with the reason.

    Raises:
        BadFeatures: nothing can be read, or the set contradicts itself.
    """
    if place.resolve() in (folder.resolve(), *folder.resolve().parents):
        raise BadFeatures(f"{folder} is inside {place}; choose an output folder outside it")
    try:
        features = open_features(place, reading)
    except BadFeatures:
        if place.is_dir() and find_concatenation(npy_files(place)) is not None:
            raise
        repaired, failures = open_repaired(place, reading.layout, key)
        late = write_repaired(repaired, folder, kept)
        return len(repaired.videos) - len(late), [*failures, *late]
    failures = write_plain(features, folder, kept)
    return len(features.names) - len(failures), failures


def write_plain(features: PublishedFeatures, folder: Path, kept: Kept = "keep") -> list[Failure]:
    """Write features that need no repair.

    Returns:
        Videos with values that are not finite, or exceed 65,504 when written as float16.
    """
    stored = _stored(kept, [video.dtype for video in features.videos.values()])
    failures = []
    for name, video in features.videos.items():
        try:
            _write(folder, name, video.shape, video.chunks(), stored)
        except BadFeatures as error:
            failures.append(Failure(name, "convert", str(error)))
    return failures


def write_repaired(features: RepairedFeatures, folder: Path, kept: Kept) -> list[Failure]:
    """Write features that need repair.

    Returns:
        Videos that could not be read again, or have values as for `write_plain`.
    """
    videos = features.videos
    stored = _stored(kept, [found.dtype for crops in videos.values() for found in crops.values()])
    opened, failures = OpenedFile(), []
    for name in videos:
        try:
            values = features.values(name, opened)
            chunks = finite_chunks(chunks_of(values), name)
            _write(folder, name, values.shape, chunks, stored)
        except BadFeatures as error:
            failures.append(Failure(name, "convert", str(error)))
    return failures


def _stored(kept: Kept, types: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    halved = kept == "float16" or (kept == "keep" and all(dtype.itemsize == 2 for dtype in types))
    return np.dtype("<f2" if halved else "<f4")


def _write(
    folder: Path,
    name: str,
    shape: tuple[int, ...],
    chunks: Iterable[NDArray[np.float32]],
    stored: np.dtype[Any],
) -> None:
    """Write chunks of float32 (segments, crops, dim) as one array of `shape` and type `stored`."""
    header = {"descr": stored.str, "fortran_order": False, "shape": shape}
    with whole_file(beside(folder, name, ".npy")) as file:
        npy_format.write_array_header_1_0(file, header)
        for chunk in chunks:
            with np.errstate(over="ignore"):
                rounded = chunk.astype(stored)
            if not np.isfinite(rounded).all():
                raise BadFeatures(
                    f"{name} contains {float(np.abs(chunk).max())}, above 65504, the largest "
                    "float16; use --dtype float32"
                )
            file.write(rounded.tobytes())
