"""Scores as long as the ground truth: of segments or parts expanded, of frames fitted."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from c2fpl.pipeline.truth.protocols import (
    SEGMENT_FRAMES,
    SULTANI_PARTS,
    Counts,
    WrongCount,
    spread_parts,
)


@dataclass(frozen=True)
class ScoreUnit:
    """What one number of a score file covers."""

    scores_per: Literal["frame", "segment", "part"] = "frame"
    """A frame; a segment, whose score all its frames get; one of equal parts of the video, usually
    32 (Sultani et al.)."""
    frames_per_segment: int = SEGMENT_FRAMES
    """Frames of a segment, for scores per segment: 16; 64 for features of 64-frame snippets."""

    def __post_init__(self) -> None:
        if self.frames_per_segment < 1:
            raise ValueError(
                f"frames_per_segment {self.frames_per_segment} must be at least 1; most feature"
                f" sets have {SEGMENT_FRAMES}"
            )

    def to_frames(
        self, name: str, scores: NDArray[np.float32], counts: Counts
    ) -> NDArray[np.float32]:
        """Scores of a video's segments or parts as scores of its frames, (n,) -> (frames,).

        Raises:
            WrongCount: parts of a video whose frame count is unknown, or a count that segments of
                this length cannot have.
        """
        if self.scores_per == "frame":
            return scores
        if self.scores_per == "segment":
            return self._repeated(name, scores, counts.frames)
        if counts.frames is None:
            raise WrongCount(
                f"{name} has {len(scores)} scores, one for each equal part, and no frame count to"
                " spread them over: give --frame-counts"
            )
        return spread_parts(scores, counts.frames)

    def _repeated(
        self, name: str, scores: NDArray[np.float32], frames: int | None
    ) -> NDArray[np.float32]:
        repeated = np.repeat(scores, self.frames_per_segment)
        if frames is None or not len(scores):
            return repeated
        if abs(len(repeated) - frames) > self.frames_per_segment:
            raise WrongCount(
                f"{name} has {len(scores)} scores of segments of {self.frames_per_segment} frames,"
                f" {len(repeated)} in all, and the video {frames} frames: another video's scores,"
                " or another --frames-per-segment"
            )
        missing = max(0, frames - len(repeated))
        return np.pad(repeated, (0, missing), mode="edge")[:frames]


def fit_scores(
    name: str, scores: NDArray[np.float32], frame_count: int, decoded: int | None = None
) -> NDArray[np.float32]:
    """Scores as long as the ground truth: the last value repeated, or the end cut off.

    Protocols round a video to whole segments: scores of its decoded frames (give or take one, for
    decoders differ by one) are fitted, and so are scores of segments that round otherwise. A whole
    segment too many or too few is another video's feature file, or another protocol's.

    Args:
        name: for the message.
        scores: (frames,).
        frame_count: frames of the ground truth.
        decoded: frames that the video has, where known.

    Raises:
        WrongCount: the lengths differ by a segment or more.
    """
    of_frames = decoded is not None and abs(len(scores) - decoded) <= 1
    if len(scores) == 0 or not (of_frames or abs(len(scores) - frame_count) < SEGMENT_FRAMES):
        raise WrongCount(
            f"{name} has {len(scores)} scores and {frame_count} frames of ground truth: the"
            f" difference must be below {SEGMENT_FRAMES}; {unit_hint(len(scores), frame_count)}"
        )
    added = np.full(max(0, frame_count - len(scores)), scores[-1])
    return np.concatenate((scores[:frame_count], added))


def unit_hint(scores: int, frames: int) -> str:
    """What scores of this number may be, where the video has, or needs, so many frames."""
    if scores == SULTANI_PARTS and frames > SULTANI_PARTS:
        return "if they are of 32 equal parts, give --scores-per part"
    if abs(scores * SEGMENT_FRAMES - frames) <= 2 * SEGMENT_FRAMES:
        return f"the length fits segments of {SEGMENT_FRAMES} frames: give --scores-per segment"
    return (
        "wrong feature file or protocol? If each score is of a segment, give --scores-per segment"
        " (and --frames-per-segment)"
    )
