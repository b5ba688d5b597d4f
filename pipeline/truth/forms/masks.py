"""Folders of frame masks: one .npy of 0 and 1 per video, or one folder of images per video."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from c2fpl.errors import BadAnnotation
from c2fpl.pipeline.files.npy_header import load_npy
from c2fpl.pipeline.truth.forms.records import Record
from c2fpl.pipeline.truth.frame_runs import runs_of_ones
from c2fpl.pipeline.videos.names import video_name

IMAGES = frozenset({".png", ".bmp", ".jpg", ".jpeg", ".tif", ".tiff"})
"""Suffixes of mask images, in lower case."""


@dataclass(frozen=True)
class FrameMask:
    """The mask of one video as intervals."""

    frame_count: int
    intervals: tuple[tuple[int, int], ...]
    """Anomalous [start, end) frames, 0-based, sorted, with gaps between them."""


def read_mask_folder(folder: Path) -> dict[str, FrameMask]:
    """Read all masks of a folder, sorted by name.

    The official folder has 107: 44 of the weakly supervised test split, 63 of its training split.

    Raises:
        BadAnnotation: there is no folder or no mask, or a mask has other values than 0 and 1.
        BadFile: a file is not a plain array.
    """
    if not folder.is_dir():
        raise BadAnnotation(
            f"{folder} is not a folder: give the folder of frame masks, test_frame_mask"
        )
    masks = {video_name(path.name): read_mask(path) for path in sorted(folder.glob("*.npy"))}
    if not masks:
        raise BadAnnotation(
            f"{folder} has no .npy: give the folder of frame masks, test_frame_mask"
        )
    return masks


def read_mask(path: Path) -> FrameMask:
    """Read one mask, (frames,) of 0 and 1 in any numeric dtype.

    Raises:
        BadAnnotation: the shape or a value is wrong.
        BadFile: the file is not a plain array.
    """
    mask = load_npy(path)
    if mask.ndim != 1 or mask.size == 0:
        raise BadAnnotation(f"{path} has shape {mask.shape}: give a 1-D mask, one value per frame")
    strange = np.flatnonzero((mask != 0) & (mask != 1))
    if strange.size:
        frame = int(strange[0])
        raise BadAnnotation(
            f"{path}, frame {frame}: {mask[frame]} is neither 0 nor 1: correct the mask"
        )
    return FrameMask(len(mask), runs_of_ones(mask == 1))


def mask_records(folder: Path) -> tuple[list[Record], str]:
    """Read the records of a folder of masks; videos are named by their path inside it.

    Returns:
        The records, and the name of the format.

    Raises:
        BadAnnotation: there are no masks, or an image cannot be read.
        BadAnnotation, BadFile: an array is not a vector of 0 and 1.
    """
    arrays = sorted(folder.rglob("*.npy"))
    if arrays:
        masks = {path.relative_to(folder).as_posix(): read_mask(path) for path in arrays}
        return [_record(folder / name, name, mask) for name, mask in masks.items()], "frame masks"
    images = [path for path in folder.rglob("*") if path.suffix.lower() in IMAGES]
    by_video: dict[Path, list[Path]] = {}
    for path in images:
        by_video.setdefault(path.parent, []).append(path)
    if not images or folder in by_video:
        raise BadAnnotation(
            f"{folder} has no masks: give a folder with one .npy of 0 and 1 per video, or one"
            " folder of mask images per video"
        )
    records = [
        _record(
            place, re.sub(r"_gt$", "", place.relative_to(folder).as_posix()), _image_mask(found)
        )
        for place, found in sorted(by_video.items())
    ]
    return records, "mask images, one folder per video"


def _record(place: Path, name: str, mask: FrameMask) -> Record:
    spans = tuple((str(start), str(end)) for start, end in mask.intervals)
    return Record(
        str(place),
        name,
        spans,
        "frames",
        first_frame=0,
        end_included=False,
        frame_count=mask.frame_count,
    )


def _image_mask(images: list[Path]) -> FrameMask:
    """Read one image per frame, sorted by the numbers in the file names."""
    ordered = sorted(images, key=lambda path: [int(n) for n in re.findall("[0-9]+", path.stem)])
    marked = np.array([_is_marked(path) for path in ordered])
    return FrameMask(len(marked), runs_of_ones(marked))


def _is_marked(path: Path) -> bool:
    import cv2  # only images need it, and it makes every start of c2fpl slower

    image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise BadAnnotation(f"{path} is not a readable image: write the mask again")
    return bool((image > 127).any() or (image.max() == 1))
