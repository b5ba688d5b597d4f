"""`c2fpl convert`: features of any form -> one plain .npy (segments, crops, dim) a video."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures
from c2fpl.pipeline.features.concatenated import find_concatenation
from c2fpl.pipeline.features.extracted import finite_chunks
from c2fpl.pipeline.features.published import PublishedFeatures, npy_files, open_features
from c2fpl.pipeline.features.repaired import OpenedFile, RepairedFeatures, open_repaired
from c2fpl.pipeline.files.atomic import whole_file
from c2fpl.pipeline.files.outcomes import Failure
from c2fpl.pipeline.files.run_files import beside
from c2fpl.pipeline.settings import ReadingSettings

Kept = Literal["keep", "float16", "float32"]
"""Number type of the written arrays; keep is float16 where all arrays have it, else float32."""


def convert_features(
    place: Path,
    folder: Path,
    kept: Kept = "keep",
    *,
    reading: ReadingSettings = ReadingSettings(),
    key: str | None = None,
) -> tuple[int, list[Failure]]:
    """Write each video as `folder/<name>.npy` (segments, crops, dim).

    What can be read in place is copied a chunk at a time, anything else repaired a video at a time.

    Args:
        place: a folder or a file of features.
        folder: where the arrays are written.
        kept: keep the number type, halve it or widen it.
        reading: layout, and names and frame counts of a concatenation, where they are known.
        key: name of the array to take where files hold several.

    Returns:
        Videos written, and the files and videos that were left out, with the reason.

    Raises:
        BadFeatures: nothing can be read, or the set as a whole is contradictory.
    """
    if place.resolve() in (folder.resolve(), *folder.resolve().parents):
        raise BadFeatures(f"{folder} lies in {place}: give an output folder of its own")
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
    """Write features that can be read in place.

    Returns:
        Videos with values that are not finite, also after rounding to float16 (above 65,504).
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
    """Write features that were repaired.

    Returns:
        Videos that could not be read again, or have values that are not finite.
    """
    videos = features.videos
    stored = _stored(kept, [found.dtype for crops in videos.values() for found in crops.values()])
    opened, failures = OpenedFile(), []
    for name in videos:
        try:
            values = features.values(name, opened)
            chunks = finite_chunks(values, name)
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
    header = {"descr": stored.str, "fortran_order": False, "shape": shape}
    with whole_file(beside(folder, name, ".npy")) as file:
        npy_format.write_array_header_1_0(file, header)
        for chunk in chunks:
            with np.errstate(over="ignore"):
                rounded = chunk.astype(stored)
            if not np.isfinite(rounded).all():
                raise BadFeatures(
                    f"{name} holds {float(np.abs(chunk).max())}, above the 65504 of float16:"
                    " keep it as float32"
                )
            file.write(rounded.tobytes())
