"""Features as the public Python functions take them: in memory, or as the path of a file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures
from c2fpl.extractors.decoding.video import DecodeReport
from c2fpl.extractors.segments import SegmentPlan
from c2fpl.models.sources import ArraySource
from c2fpl.pipeline.extraction.worker import FeatureSettings
from c2fpl.pipeline.features.crop_layouts import find_axes, refuse_turned
from c2fpl.pipeline.features.extracted import finite_chunks, map_features


@dataclass(frozen=True, eq=False)
class VideoFeatures:
    """Features of one video, with their provenance."""

    values: NDArray[Any]
    """(segments, crops, dim), finite; float16 or float32, by `settings.extraction.dtype`."""
    report: DecodeReport
    """Frame count, frame rate (frames per second), size (pixels), decoder, lost frames."""
    settings: FeatureSettings
    """Extraction and decoding settings."""
    weights_sha256: str | None
    """Hash of the backbone's weights file; None if it has no weights."""

    @property
    def plan(self) -> SegmentPlan:
        """The frames that each segment covers."""
        return SegmentPlan(self.report.num_frames_decoded, tail=self.settings.extraction.tail)


Features: TypeAlias = VideoFeatures | NDArray[Any] | str | PathLike[str]
"""Features of one video: the result of `extract`, an array, or the path of a .npy, which is
memory-mapped. Arrays are (segments, crops, dim), (crops, segments, dim) or (segments, dim); the
shape decides, as on the command line. Pickles are refused, never loaded."""


@dataclass(frozen=True, eq=False)
class _Given:
    """An array, with the path or name that messages show."""

    path: Path
    array: NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype


def arrays_of(features: Sequence[Features]) -> list[NDArray[Any]]:
    """One array (segments, crops, dim) per video, in memory or memory-mapped.

    The order of the axes is found from all arrays together, except for results of `extract`.

    Raises:
        BadFeatures: arrays of two and of three axes, or axes that fit no layout.
    """
    given = {
        place: _given(place, each)
        for place, each in enumerate(features)
        if not isinstance(each, VideoFeatures)
    }
    found = dict(zip(given, _segments_first(list(given.values())), strict=True)) if given else {}
    return [
        each.values if isinstance(each, VideoFeatures) else found[place]
        for place, each in enumerate(features)
    ]


def _given(place: int, features: NDArray[Any] | str | PathLike[str]) -> _Given:
    if not isinstance(features, np.ndarray):
        return _Given(Path(features), map_features(Path(features), (2, 3)))
    if features.ndim not in (2, 3) or features.dtype.kind != "f" or 0 in features.shape:
        raise BadFeatures(
            f"video {place} is {features.dtype} {features.shape}: floats (segments, crops, dim),"
            " (crops, segments, dim) or (segments, dim) are needed"
        )
    return _Given(Path(f"video {place}"), features)


def _segments_first(given: Sequence[_Given]) -> list[NDArray[Any]]:
    ranks = {len(each.shape) for each in given}
    if len(ranks) > 1:
        raise BadFeatures(
            f"videos of shapes {[each.shape for each in given][:5]}: all must have the same axes,"
            " (segments, crops, dim) or (segments, dim)"
        )
    if ranks == {2}:
        refuse_turned(given, "auto")
        return [each.array[:, np.newaxis] for each in given]
    axis, _ = find_axes(given)
    return [each.array if axis == 1 else each.array.swapaxes(0, 1) for each in given]


@dataclass(frozen=True)
class InMemory:
    """A feature set of videos without names; their positions in the list serve as names."""

    features: tuple[Features, ...]
    """One entry per video."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Positions of the videos, as text."""
        return tuple(f"{place:06d}" for place in range(len(self.features)))

    @cached_property
    def _arrays(self) -> list[NDArray[Any]]:
        return arrays_of(self.features)

    def chunks(self, name: str) -> Iterator[NDArray[np.float32]]:
        """The values in order, in chunks of finite float32 (segments, crops, dim)."""
        yield from finite_chunks(self._arrays[int(name)], f"video {int(name)}")

    def segment_count(self, name: str) -> int:
        """Segments of the video."""
        return len(self._arrays[int(name)])

    def source(self) -> ArraySource:
        """All segments in the given order, for training."""
        return ArraySource(self._arrays)
