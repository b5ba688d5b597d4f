"""Reduce frame-level scores to step curves small enough to draw."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Curve:
    """A step function: each value holds from its start to the next start."""

    starts: NDArray[np.int64]
    """(steps,) first frame of each step, ascending from 0."""
    values: NDArray[np.float32]
    """(steps,) highest score within the step, in [0, 1]."""
    frame_count: int
    """Number of frames, where the last step ends."""

    @property
    def edges(self) -> NDArray[np.int64]:
        """(steps + 1,) the starts, then the end."""
        return np.append(self.starts, self.frame_count)


def curve_of(scores: NDArray[np.float32], most_steps: int) -> Curve:
    """The step curve of float32 (frames,) scores.

    Scores are constant within a segment, so most videos keep every value. With more than
    `most_steps` changes, the video is split into `most_steps` equal parts and each keeps its
    highest score, so no peak is lost.
    """
    starts = np.append(0, np.flatnonzero(np.diff(scores)) + 1)
    if len(starts) > most_steps:
        starts = np.arange(most_steps) * len(scores) // most_steps
    return Curve(starts, np.maximum.reduceat(scores, starts), len(scores))
