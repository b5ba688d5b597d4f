"""Segments for training, from any store of features or from arrays in memory."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures
from c2fpl.models.float16 import as_float32


class SegmentSource(Protocol):
    """All segments of all videos, numbered from 0 in the order of the videos.

    `gather` is called from several threads at once.
    """

    @property
    def crops(self) -> int:
        """Crops per segment."""

    @property
    def dim(self) -> int:
        """Values per crop."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Stored type, float16 or float32; copies in GPU memory keep it."""

    def __len__(self) -> int:
        """Number of segments of all videos."""

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Reads (n,) segment numbers, in any order, as (n, crops, dim) float32."""


class ArraySource:
    """Segments of videos in memory or memory-mapped, (segments, crops, dim) each.

    Raises:
        BadFeatures: see the class.
    """

    def __init__(self, videos: Sequence[NDArray[Any]]) -> None:
        forms = {video.shape[1:] for video in videos}
        if len(forms) != 1 or len(next(iter(forms))) != 2:
            raise BadFeatures(
                f"videos of shapes (segments, *{sorted(forms)}) must all be (segments, crops, dim) "
                "with the same crops and dim; extract them with one backbone"
            )
        self.crops, self.dim = next(iter(forms))
        self.dtype = np.result_type(*{video.dtype for video in videos})
        self._videos = videos
        self._ends = np.cumsum([len(video) for video in videos])

    def __len__(self) -> int:
        return int(self._ends[-1])

    def gather(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """Reads (n,) segment numbers, in any order, as (n, crops, dim) float32."""
        gathered = np.empty((len(indices), self.crops, self.dim), dtype=self.dtype)
        videos, segments = locate(indices, self._ends)
        for row, (video, segment) in enumerate(zip(videos, segments, strict=True)):
            gathered[row] = self._videos[video][segment]
        return as_float32(gathered)


def locate(
    indices: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Converts segment numbers over all videos to (video, segment within the video).

    Args:
        indices: (n,) in [0, ends[-1]).
        ends: (videos,) cumulative segment counts.

    Example:
        Videos of 3 and 2 segments have ends [3, 5]; index 3 is segment 0 of video 1.
    """
    videos = np.searchsorted(ends, indices, side="right").astype(np.int64)
    starts = np.concatenate(([0], ends[:-1]))
    return videos, indices - starts[videos]
