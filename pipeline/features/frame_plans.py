"""Finds the frames that each segment of published features covers.

Most sets have a segment every 16 frames, some every 64 (about two seconds). Sultani et al. (CVPR
2018) and their followers divide every video into 32 equal parts. The arrays do not say which.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures, BadFile
from c2fpl.extractors.segments import SEGMENT_FRAMES
from c2fpl.pipeline.files.npy_header import load_npy
from c2fpl.pipeline.settings import FramesPerSegment
from c2fpl.pipeline.truth.protocols import SULTANI_PARTS, spread_parts
from c2fpl.pipeline.videos.names import video_name

logger = logging.getLogger(__name__)


class FramePlan(Protocol):
    """Maps the segments of one video to its frames."""

    @property
    def frame_count(self) -> int:
        """Number of frames in the video."""

    def interval_of(self, segment: int) -> tuple[int, int] | None:
        """Frames [start, end) that get the segment's score; None if they are not known."""

    def to_frames(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Expand scores (segments,) to one per frame, float32 (frame_count,)."""


@dataclass(frozen=True)
class FixedLength:
    """Segments of a fixed number of frames. Frames after the last segment get its score."""

    frame_count: int
    segment_count: int
    """Segments in the features. Published sets round in four different ways."""
    segment_frames: int

    def interval_of(self, segment: int) -> tuple[int, int]:
        """Frames [start, end) that get the segment's score."""
        starts = np.arange(self.segment_count + 1) * self.segment_frames
        ends = np.minimum(starts, self.frame_count)
        ends[-1] = self.frame_count
        return int(ends[segment]), int(ends[segment + 1])

    def to_frames(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Expand scores (segments,) to one per frame, float32 (frame_count,)."""
        segments = np.arange(self.frame_count) // self.segment_frames
        return scores.astype(np.float32)[np.minimum(segments, self.segment_count - 1)]


@dataclass(frozen=True)
class EqualParts:
    """A video divided into equal parts by the rule of Sultani et al. (CVPR 2018)."""

    frame_count: int
    segment_count: int
    """Number of parts, 32 in the published sets."""

    def interval_of(self, segment: int) -> tuple[int, int]:
        """Frames [start, end) that get the part's score.

        The interval may be empty if the video has fewer segments of 16 frames than parts.
        """
        parts = spread_parts(np.arange(self.segment_count, dtype=np.float32), self.frame_count)
        start, end = np.searchsorted(parts, [segment, segment + 1])
        return int(start), int(end)

    def to_frames(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Expand scores (parts,) to one per frame, float32 (frame_count,)."""
        return spread_parts(scores.astype(np.float32), self.frame_count)


@dataclass(frozen=True)
class UnknownParts:
    """Equal parts of a video with an unknown number of frames: can be trained on, not scored."""

    name: str
    segment_count: int
    """Number of parts."""

    @property
    def frame_count(self) -> int:
        """Not known.

        Raises:
            BadFeatures: always.
        """
        raise BadFeatures(
            f"{self.name} and all others have {self.segment_count} segments: equal parts of each"
            " video (Sultani et al.). Its number of frames is needed: give --frame-counts, a CSV"
            " with columns video and n_frames, or --frames-per-segment 16 if segments have 16"
            " frames"
        )

    def interval_of(self, segment: int) -> None:
        """Not known."""

    def to_frames(self, scores: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Raise BadFeatures, as `frame_count` does."""
        return np.zeros(self.frame_count, np.float32)


@dataclass(frozen=True)
class FrameRule:
    """How the segments of a set map to the frames of its videos."""

    frames_per_segment: FramesPerSegment = "auto"
    """The user's choice; auto decides from the segment counts."""
    frame_counts: Mapping[str, int] = field(default_factory=dict)
    """Known numbers of frames, by joining name."""
    frame_rates: Mapping[str, float] = field(default_factory=dict)
    """Known frame rates in frames per second, by joining name."""

    def segment_frames(self, segment_counts: Mapping[str, int]) -> int | None:
        """Frames per segment of these videos; None for equal parts.

        If all videos have exactly 32 segments, these are equal parts, unless all frame counts are
        known and match 16 frames per segment.
        """
        if self.frames_per_segment != "auto":
            return None if self.frames_per_segment == "equal" else self.frames_per_segment
        if set(segment_counts.values()) != {SULTANI_PARTS}:
            return SEGMENT_FRAMES
        known = self.frame_counts.keys() >= segment_counts.keys()
        fitting = known and all(
            abs(self.frame_counts[name] - count * SEGMENT_FRAMES) <= SEGMENT_FRAMES
            for name, count in segment_counts.items()
        )
        return SEGMENT_FRAMES if fitting else None

    def plan(self, name: str, segments: int, segment_frames: int | None) -> FramePlan:
        """Map the segments of one video to its frames.

        Args:
            name: name of the video.
            segments: number of segments in its features.
            segment_frames: frames per segment, or None, from the method `segment_frames`.

        Raises:
            BadFeatures: the number of frames does not match the number of segments.
        """
        frames = self.frame_counts.get(name)
        if segment_frames is None:
            return EqualParts(frames, segments) if frames else UnknownParts(name, segments)
        if frames is None:
            return FixedLength(segments * segment_frames, segments, segment_frames)
        if not -segment_frames < frames - segments * segment_frames < 2 * segment_frames:
            raise BadFeatures(
                f"{name} has {segments} segments and {frames} frames, which make about"
                f" {frames // segment_frames} segments of {segment_frames} frames: check the"
                " feature file, the frame count and --frames-per-segment"
            )
        return FixedLength(frames, segments, segment_frames)

    def informed_by(self, side: "SideFiles") -> "FrameRule":
        """This rule with the side files of video_features; the user's choice has priority."""
        asked, found = self.frames_per_segment, side.segment_frames
        if asked == "auto" and found not in (None, SEGMENT_FRAMES):
            logger.warning("segments have %d frames, by the timestamps beside the features", found)
        per_segment = found if asked == "auto" and found is not None else asked
        return replace(self, frames_per_segment=per_segment, frame_rates=side.frame_rates)


@dataclass(frozen=True)
class SideFiles:
    """The files that video_features writes beside its arrays, by joining name."""

    frame_rates: Mapping[str, float] = field(default_factory=dict)
    """Frames per second (`_fps.npy`)."""
    times_ms: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """Timestamps of the segments (segments,) in ms (`_timestamps_ms.npy`)."""

    @property
    def segment_frames(self) -> int | None:
        """Frames from one segment to the next; None if unknown or not the same in all videos."""
        steps = {
            round(float(np.median(np.diff(times))) * self.frame_rates[name] / 1000)
            for name, times in self.times_ms.items()
            if name in self.frame_rates and len(times) > 1
        }
        return steps.pop() if len(steps) == 1 and min(steps) > 0 else None


def take_side_files(paths: Sequence[Path]) -> tuple[list[Path], SideFiles]:
    """Separate the files of features from the side files, and read the latter."""
    features, rates, times = [], {}, {}
    for path in paths:
        stem = path.name.removesuffix(".npy")
        ending = next((e for e in ("_fps", "_timestamps_ms") if stem.endswith(e)), None)
        values = _side_values(path) if ending else None
        if ending is None or values is None:
            features.append(path)
        elif ending == "_timestamps_ms":
            times[video_name(stem.removesuffix(ending))] = values
        elif len(values) == 1 and 0 < values[0] < np.inf:
            rates[video_name(stem.removesuffix(ending))] = float(values[0])
    return features, SideFiles(rates, times)


def _side_values(path: Path) -> NDArray[np.float64] | None:
    """The numbers of a side file, float64 (numbers,); None if it has other content."""
    try:
        values = load_npy(path)
    except BadFile:
        return None
    return np.ravel(values).astype(np.float64) if values.ndim <= 1 else None
