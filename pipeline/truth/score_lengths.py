"""Expand segment or part scores to frames, and fit scores to the length of the ground truth."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadAnnotation, BadSettings
from c2fpl.extractors.segments import SEGMENT_FRAMES
from c2fpl.field_checks import check_fields
from c2fpl.pipeline.truth.protocols import SULTANI_PARTS, Counts, spread_parts


@dataclass(frozen=True)
class ScoreUnit:
    """What one number of a score file covers."""

    scores_per: Literal["frame", "segment", "part"] = "frame"
    """One score per frame, per segment, or per equal part of the video, usually 32 parts (Sultani
    et al.)."""
    frames_per_segment: int = SEGMENT_FRAMES
    """Frames of a segment, for scores per segment; 64 for features of 64-frame snippets."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.frames_per_segment < 1:
            raise BadSettings(
                f"frames_per_segment {self.frames_per_segment} must be at least 1; most feature"
                f" sets have {SEGMENT_FRAMES}"
            )

    def to_frames(
        self, name: str, scores: NDArray[np.float32], counts: Counts
    ) -> NDArray[np.float32]:
        """Expand the scores of one video, (frames, segments or parts,) -> (frames,).

        Raises:
            BadAnnotation: the frame count is needed but unknown, or the number of segments does not
                fit it.
        """
        if self.scores_per == "frame":
            return scores
        if self.scores_per == "segment":
            return self._repeated(name, scores, counts.frames)
        if counts.frames is None:
            raise BadAnnotation(
                f"{name} has {len(scores)} scores, one per equal part, but no frame count to spread"
                " them over: give --frame-counts"
            )
        return spread_parts(scores, counts.frames)

    def _repeated(
        self, name: str, scores: NDArray[np.float32], frames: int | None
    ) -> NDArray[np.float32]:
        """Float32 scores (segments,) repeated to (frames,), fitted to the frame count if known."""
        repeated = np.repeat(scores, self.frames_per_segment)
        if frames is None or not len(scores):
            return repeated
        if abs(len(repeated) - frames) > self.frames_per_segment:
            raise BadAnnotation(
                f"{name} has {len(scores)} scores for segments of {self.frames_per_segment} frames,"
                f" {len(repeated)} in total, but the video has {frames} frames: give the scores of"
                " this video, or another --frames-per-segment"
            )
        missing = max(0, frames - len(repeated))
        return np.pad(repeated, (0, missing), mode="edge")[:frames]


def fit_scores(
    name: str, scores: NDArray[np.float32], frame_count: int, decoded: int | None = None
) -> NDArray[np.float32]:
    """Fit scores to the ground truth by repeating the last score or cutting off the end.

    Protocols round a video to whole segments, so small differences are expected. Accepted are a
    difference of less than one segment, and scores of all decoded frames (give or take one frame,
    because decoders differ by one). Anything else indicates another video or another protocol.

    Args:
        name: video name for messages.
        scores: (frames,).
        frame_count: frames of the ground truth.
        decoded: decoded frames of the video, if known.

    Returns:
        Scores, (frame_count,).

    Raises:
        BadAnnotation: neither case applies.
    """
    of_frames = decoded is not None and abs(len(scores) - decoded) <= 1
    if len(scores) == 0 or not (of_frames or abs(len(scores) - frame_count) < SEGMENT_FRAMES):
        raise BadAnnotation(
            f"{name} has {len(scores)} scores and {frame_count} frames of ground truth: the"
            f" difference must be below {SEGMENT_FRAMES}; {unit_hint(len(scores), frame_count)}"
        )
    added = np.full(max(0, frame_count - len(scores)), scores[-1])
    return np.concatenate((scores[:frame_count], added))


def unit_hint(scores: int, frames: int) -> str:
    """Suggest what the scores of a video may be, given their number and the number of frames."""
    if scores == SULTANI_PARTS and frames > SULTANI_PARTS:
        return "if there is one score per 32nd of the video, give --scores-per part"
    if abs(scores * SEGMENT_FRAMES - frames) <= 2 * SEGMENT_FRAMES:
        return f"the length fits segments of {SEGMENT_FRAMES} frames: give --scores-per segment"
    return (
        "check the feature file and the protocol; if there is one score per segment, give"
        " --scores-per segment (and --frames-per-segment)"
    )
