"""Features of one video in memory, or wherever they lie: what the functions of api.py take."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.decoding.video import DecodeReport
from c2fpl.extractors.segments import SegmentPlan
from c2fpl.pipeline.extraction.worker import FeatureSettings
from c2fpl.pipeline.features.crop_layouts import find_axes, refuse_turned
from c2fpl.pipeline.features.extracted import BadFeatures, finite_chunks, map_features


@dataclass(frozen=True, eq=False)
class VideoFeatures:
    """Features of one video, and how they came about."""

    values: NDArray[Any]
    """(segments, crops, dim), float16 or float32 as `settings.extraction.dtype` says, finite."""
    report: DecodeReport
    """Frame count, frame rate (per second), size (pixels), decoder, frames lost."""
    settings: FeatureSettings
    """Extraction and decoding settings."""
    weights_sha256: str | None
    """Of the backbone's weights file; None for a backbone without weights."""

    @property
    def plan(self) -> SegmentPlan:
        """Which frames each segment stands for."""
        return SegmentPlan(self.report.num_frames_decoded, tail=self.settings.extraction.tail)


Features: TypeAlias = VideoFeatures | NDArray[Any] | str | PathLike[str]
"""One video: what `extract` gave, an array, or the path of a .npy, which is then read through a
memory map. Arrays are (segments, crops, dim), (crops, segments, dim) or (segments, dim), told apart
by shape as the command line does. Pickled arrays are refused, never loaded."""


@dataclass(frozen=True, eq=False)
class _Given:
    """An array and where it came from, for messages."""

    path: Path
    array: NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype


def arrays_of(features: Sequence[Features]) -> list[NDArray[Any]]:
    """(segments, crops, dim) of each video, in memory or mapped.

    The axes are found over all arrays together. What `extract` gave needs no finding.

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
            f"videos of shapes {[each.shape for each in given][:5]}: features of one set have the"
            " same axes, (segments, crops, dim) or (segments, dim)"
        )
    if ranks == {2}:
        refuse_turned(given, "auto")
        return [each.array[:, np.newaxis] for each in given]
    axis, _ = find_axes(given)
    return [each.array if axis == 1 else each.array.swapaxes(0, 1) for each in given]


@dataclass(frozen=True)
class InMemory:
    """Videos without files, named by their place in the list."""

    features: tuple[Features, ...]
    """One entry a video."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Their places, as text."""
        return tuple(f"{place:06d}" for place in range(len(self.features)))

    @cached_property
    def _arrays(self) -> list[NDArray[Any]]:
        return arrays_of(self.features)

    def chunks(self, name: str) -> Iterator[NDArray[np.float32]]:
        """The values in order, finite float32 (segments, crops, dim) a chunk."""
        yield from finite_chunks(self._arrays[int(name)], f"video {int(name)}")
