"""Messages that a pool of decoder children yields for each video."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.decoding.frame_reader import NumberedFrame
from c2fpl.extractors.decoding.header import VideoHeader
from c2fpl.extractors.decoding.resizing import PendingResize
from c2fpl.extractors.decoding.video import DecodeReport

Key: TypeAlias = Hashable
"""Identifies a video within one call; chosen by the caller."""


@dataclass(frozen=True)
class SegmentFrames:
    """The next segment of a video."""

    key: Key
    segment: int
    """Index of the segment, from 0."""
    frames: NDArray[np.uint8]
    """RGB, uint8 (16, height, width, 3), contiguous."""
    resize: PendingResize | None = None
    """The resize that the frames still need; only if the receiver resizes frames itself."""

    def owned(self) -> "SegmentFrames":
        """The same with a copy of the frames."""
        return replace(self, frames=self.frames.copy())


@dataclass(frozen=True)
class Restarted:
    """The video is decoded again from its first frame: discard its earlier messages."""

    key: Key
    reason: str


@dataclass(frozen=True)
class Decoded:
    """Last message of a decoded video."""

    key: Key
    report: DecodeReport


@dataclass(frozen=True)
class FrameRead:
    """The next requested frame."""

    key: Key
    frame: NumberedFrame
    """The frame; its pixels are owned by the receiver."""


@dataclass(frozen=True)
class FramesEnd:
    """Last message of a video of which all requested frames were read."""

    key: Key


@dataclass(frozen=True)
class HeaderRead:
    """The only message of a video of which the header was read."""

    key: Key
    header: VideoHeader


@dataclass(frozen=True)
class Undecodable:
    """Last message of a video that failed: discard its segments (but not single frames)."""

    key: Key
    reason: str
    """One line: value, rule, cure."""


Message: TypeAlias = SegmentFrames | Restarted | Decoded | Undecodable
FrameMessage: TypeAlias = FrameRead | FramesEnd | Undecodable
HeaderMessage: TypeAlias = HeaderRead | Undecodable
