"""Score curves small enough to draw: few steps instead of one value a frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Curve:
    """A score that holds from each start to the next one."""

    starts: NDArray[np.int64]
    """(steps,) first frame of each step, rising from 0."""
    values: NDArray[np.float32]
    """(steps,) highest score within the step, in [0, 1]."""
    frame_count: int
    """End of the last step."""

    @property
    def edges(self) -> NDArray[np.int64]:
        """(steps + 1,) the starts and the end."""
        return np.append(self.starts, self.frame_count)


def curve_of(scores: NDArray[np.float32], most_steps: int) -> Curve:
    """The curve of (frames,) scores.

    Scores are equal within a segment, so most videos keep every value; one with more changes than
    `most_steps` keeps the highest score of each of `most_steps` equal parts: no peak is lost.
    """
    starts = np.append(0, np.flatnonzero(np.diff(scores)) + 1)
    if len(starts) > most_steps:
        starts = np.arange(most_steps) * len(scores) // most_steps
    return Curve(starts, np.maximum.reduceat(scores, starts), len(scores))
