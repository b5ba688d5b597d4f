"""Reads text features, 32 lines per video (C3D of Sultani et al., CVPR 2018, dim 4096)."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures
from c2fpl.pipeline.features.array_blocks import Block, StoredFeatures
from c2fpl.pipeline.truth.protocols import SULTANI_PARTS
from c2fpl.pipeline.videos.names import named, video_name

logger = logging.getLogger(__name__)

LARGEST_FILE_BYTES = 64 * 1024**2
"""Upper limit; 32 x 4096 numbers take about 1 MB."""


def read_text_features(path: Path) -> NDArray[np.float32]:
    """Read one video, float32 (32, 1, dim). Each segment is 1/32 of the video, not 16 frames.

    Raises:
        BadFeatures: not 32 lines with the same number of finite values.
    """
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise BadFeatures(
            f"{path} has {path.stat().st_size} bytes, but text features about 1 MB: remove it"
        )
    try:
        lines = [line for line in path.read_text("ascii").splitlines() if line.strip()]
        rows = [np.array(_words(line), np.float32) for line in lines]
    except ValueError as error:
        raise BadFeatures(f"{path} is not a text of numbers ({error}): copy it again") from error
    if len(rows) != SULTANI_PARTS or len({len(row) for row in rows}) != 1:
        widths = sorted({len(row) for row in rows})
        raise BadFeatures(
            f"{path} has {len(rows)} lines of {widths} numbers: {SULTANI_PARTS} lines of equal"
            " length are needed; copy it again"
        )
    values = np.stack(rows)
    if not np.isfinite(values).all():
        raise BadFeatures(f"{path} has values that are not finite: copy it again")
    return values[:, np.newaxis, :]


@dataclass(frozen=True)
class TextFeatures(StoredFeatures):
    """The text file of one video, parsed on each read."""

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Segments [start, stop), float32 (stop - start, 1, dim)."""
        values = read_text_features(self.blocks[0].path)
        if values.shape != self.shape:
            raise BadFeatures(
                f"{self.blocks[0].path} has lines of {values.shape[2]} numbers, but its first had"
                f" {self.shape[2]}: it changed while it was read; start again"
            )
        return values[start:stop]


def find_text(folder: Path) -> list[TextFeatures]:
    """Find `<video>.txt` or `<video>_C.txt` below a folder; the first line gives the dim.

    Text files without numbers in the first line (a readme, a list) are skipped with a warning.

    Raises:
        BadFeatures: two files of one video.
    """
    found: dict[str, TextFeatures] = {}
    other = []
    for path in sorted(folder.rglob("*.txt")):
        name = video_name(path.name[: -len(".txt")].removesuffix("_C"))
        dim = _dim(path)
        if not dim:
            other.append(path.name)
            continue
        if name in found:
            raise BadFeatures(f"{name} is in {found[name].blocks[0].path} and {path}: remove one")
        found[name] = TextFeatures(
            name, (SULTANI_PARTS, 1, dim), np.dtype(np.float32), (Block(path, 0, 1),)
        )
    if found and other:
        logger.warning("%s: skipped, not numbers: %s", folder, named(other))
    return list(found.values())


def _dim(path: Path) -> int:
    """How many numbers the first line has; 0 if it has anything else."""
    with path.open("rb") as file:
        words = _words(file.readline(LARGEST_FILE_BYTES).decode("ascii", "replace"))
    try:
        return len([float(word) for word in words])
    except ValueError:
        return 0


def _words(line: str) -> list[str]:
    return line.replace(",", " ").split()
