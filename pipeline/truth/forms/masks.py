"""Folders of frame masks: a .npy of 0 and 1 a video, or a folder of mask images a video."""

import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from c2fpl.pipeline.files.npy_header import load_npy
from c2fpl.pipeline.truth.forms.records import Record
from c2fpl.pipeline.truth.forms.rows import BadAnnotation
from c2fpl.pipeline.truth.frame_runs import runs_of_ones
from c2fpl.pipeline.videos.names import video_name

IMAGES = frozenset({".png", ".bmp", ".jpg", ".jpeg", ".tif", ".tiff"})
"""Suffixes of mask images; a pixel that is not black is an anomaly."""


class BadMask(ValueError):
    """A frame mask that is no vector of 0 and 1: file, value, rule and cure in one line."""


@dataclass(frozen=True)
class FrameMask:
    """One video's mask as intervals."""

    frame_count: int
    """Frames of the video."""
    intervals: tuple[tuple[int, int], ...]
    """Anomalous [start, end) frames, 0-based, in order, not touching."""


def read_mask_folder(folder: Path) -> dict[str, FrameMask]:
    """Every mask of a folder by name, in order of name.

    The official folder holds 107: 44 of the weak test split and 63 of its training split.

    Raises:
        BadMask: no folder, no masks, or one that is not 0 and 1.
        BadNpy: a file that is no plain array.
    """
    if not folder.is_dir():
        raise BadMask(f"{folder} is no folder: give the folder of frame masks, test_frame_mask")
    masks = {video_name(path.name): read_mask(path) for path in sorted(folder.glob("*.npy"))}
    if not masks:
        raise BadMask(f"{folder} holds no .npy: give the folder of frame masks, test_frame_mask")
    return masks


def read_mask(path: Path) -> FrameMask:
    """One mask, 1-D, of 0 and 1 in any number type.

    Raises:
        BadMask: another shape or another value.
        BadNpy: no plain array.
    """
    mask = load_npy(path)
    if mask.ndim != 1 or mask.size == 0:
        raise BadMask(f"{path} has shape {mask.shape}: a mask has one value for each frame")
    strange = np.flatnonzero((mask != 0) & (mask != 1))
    if strange.size:
        frame = int(strange[0])
        raise BadMask(f"{path}, frame {frame}: {mask[frame]} is neither 0 nor 1: a mask is both")
    return FrameMask(len(mask), runs_of_ones(mask == 1))


def mask_records(folder: Path) -> tuple[list[Record], str]:
    """Records of a folder of masks, named by their path below it, and the form in words.

    Raises:
        BadAnnotation: no masks, or an image that cannot be read.
        BadMask, BadNpy: an array that is no vector of 0 and 1.
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
            f"{folder} holds no masks: give a folder with one .npy of 0 and 1 for each video, or"
            " one folder of mask images for each video"
        )
    records = [
        _record(
            place, re.sub(r"_gt$", "", place.relative_to(folder).as_posix()), _image_mask(found)
        )
        for place, found in sorted(by_video.items())
    ]
    return records, "mask images, one folder a video"


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
    """One value a frame, in order of the numbers in the images' names."""
    ordered = sorted(images, key=lambda path: [int(n) for n in re.findall("[0-9]+", path.stem)])
    marked = np.array([_is_marked(path) for path in ordered])
    return FrameMask(len(marked), runs_of_ones(marked))


def _is_marked(path: Path) -> bool:
    image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise BadAnnotation(f"{path} is no image that can be read: write the mask again")
    return bool((image > 127).any() or (image.max() == 1))
