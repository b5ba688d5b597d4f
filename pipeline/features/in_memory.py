"""Features of one video in memory, or wherever they lie: what the functions of api.py take."""

from collections.abc import Iterator
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
from c2fpl.pipeline.features.extracted import finite_chunks, map_features


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
"""One video: what `extract` gave, an array (segments, crops, dim), or the path of such a .npy,
which is then read through a memory map. Pickled arrays are refused, never loaded."""


def values_of(features: Features) -> NDArray[Any]:
    """(segments, crops, dim), in memory or mapped."""
    if isinstance(features, VideoFeatures):
        return features.values
    return features if isinstance(features, np.ndarray) else map_features(Path(features))


@dataclass(frozen=True)
class InMemory:
    """Videos without files, named by their place in the list."""

    features: tuple[Features, ...]
    """One entry a video."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Their places, as text."""
        return tuple(f"{place:06d}" for place in range(len(self.features)))

    def chunks(self, name: str) -> Iterator[NDArray[np.float32]]:
        """The values in order, finite float32 (segments, crops, dim) a chunk."""
        yield from finite_chunks(values_of(self.features[int(name)]), f"video {int(name)}")
