"""Post-processing of segment scores: smoothing and calibration, both off by default.

docs/methods.md reports where they help and where they harm.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadScores
from c2fpl.models.settings import ScoreOptions

_REACH = 4.0  # truncates the kernel, in standard deviations
_LEAST = 1e-6  # scores closer to 0 or 1 have no usable log-odds in float32


def finished(scores: NDArray[np.float32], options: ScoreOptions) -> NDArray[np.float32]:
    """Smooths, then calibrates the (segments,) scores of one video; unchanged if both are off."""
    return calibrated(smoothed(scores, options.smoothing_segments), options.calibration)


def smoothed(scores: NDArray[np.floating[Any]], width_segments: float) -> NDArray[np.float32]:
    """Gaussian-weighted mean over neighbours in time; at the ends, over those that exist.

    Args:
        scores: (segments,) of one video, in [0, 1].
        width_segments: standard deviation of the kernel; 0 turns smoothing off.

    Raises:
        BadScores: see the class.
    """
    values = _checked(scores)
    if not 0 <= width_segments < np.inf:
        raise BadScores(f"smoothing {width_segments} must be at least 0; 0 turns it off")
    if width_segments == 0:
        return values.astype(np.float32)
    reach = min(int(np.ceil(_REACH * width_segments)), len(values))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width_segments) ** 2)
    there = np.convolve(np.ones(len(values)), kernel)[reach : reach + len(values)]
    sums = np.convolve(values, kernel)[reach : reach + len(values)]
    means: NDArray[np.float64] = np.clip(sums / there, 0, 1)
    return means.astype(np.float32)


def calibrated(scores: NDArray[np.floating[Any]], strength: float) -> NDArray[np.float32]:
    """Subtracts the video's own level on the log-odds scale: its median score moves towards 1/2.

    The order within the video stays the same. At strength 1 every video has the median 1/2, so
    only what stands out within a video counts. This suits cameras with different scenes, but not
    videos that are anomalous as a whole.

    Args:
        scores: (segments,) of one video, in [0, 1].
        strength: share of the median's log-odds to subtract, in [0, 1]; 0 turns calibration off.

    Raises:
        BadScores: see the class.
    """
    values = _checked(scores)
    if not 0 <= strength <= 1:
        raise BadScores(f"calibration {strength} must be in [0, 1]; 0 turns it off")
    if strength == 0:
        return values.astype(np.float32)
    inside = np.clip(values, _LEAST, 1 - _LEAST)
    odds = np.log(inside) - np.log1p(-inside)
    shifted: NDArray[np.float64] = odds - strength * np.median(odds)
    return (1 / (1 + np.exp(-shifted))).astype(np.float32)


def _checked(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or len(values) == 0 or not ((values >= 0) & (values <= 1)).all():
        raise BadScores(
            f"scores of shape {values.shape} must be (segments,) in [0, 1]; score the video again"
        )
    return values
