"""Frame masks of ShanghaiTech (`test_frame_mask/<id>.npy`, 0 and 1) -> intervals."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from c2fpl.pipeline.files.npy_header import load_npy
from c2fpl.pipeline.truth.frame_runs import runs_of_ones
from c2fpl.pipeline.videos.names import video_name


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
