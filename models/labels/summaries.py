"""Reduces the features of one video to segment norms, and these to their mean and spread."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures
from c2fpl.models.float16 import as_float32
from c2fpl.models.settings import Norm, Spread

_CHUNK_SEGMENTS = 64  # 5 MB of float32 at 10 x 2048; the result does not depend on it


def segment_norms(values: NDArray[Any], norm: Norm) -> NDArray[np.float32]:
    """Reduces each segment to the mean of a norm over its crops (docs/method.md, coarse labels).

    `l2` is the mean of ||f|| (paper), `squared` the mean of sum(f**2) (released). numpy computes
    all sums in float32, so `squared` equals `np.mean(np.sum(f**2, axis=2), axis=1)` of the whole
    array bit for bit. Only 64 segments are in memory at a time.

    Args:
        values: (segments, crops, dim) float16 or float32 features; may be memory-mapped.
        norm: `l2` or `squared`.

    Returns:
        (segments,) float32, at least 0.

    Raises:
        BadFeatures: wrong axes, no segments, or a value that is not finite.
    """
    if values.ndim != 3 or 0 in values.shape:
        raise BadFeatures(
            f"features of shape {values.shape} are not (segments, crops, dim) with at least one "
            "of each; extract them again"
        )
    norms = np.concatenate(
        [
            _norms_of(values[first : first + _CHUNK_SEGMENTS], norm)
            for first in range(0, len(values), _CHUNK_SEGMENTS)
        ]
    )
    if not np.isfinite(norms).all():
        segment = int(np.flatnonzero(~np.isfinite(norms))[0])
        raise BadFeatures(
            f"segment {segment} has a norm of {norms[segment]}; every feature must be finite: "
            "extract the video again"
        )
    return norms


def _norms_of(values: NDArray[Any], norm: Norm) -> NDArray[np.float32]:
    features = as_float32(values)
    with np.errstate(over="ignore", invalid="ignore"):  # the caller checks the result
        squares: NDArray[np.float32] = np.sum(features**2, axis=2)  # (segments, crops)
        per_crop = np.sqrt(squares) if norm == "l2" else squares
        norms: NDArray[np.float32] = np.mean(per_crop, axis=1)  # (segments,)
    return norms


def describe(norms: NDArray[np.floating[Any]], spread: Spread) -> NDArray[np.floating[Any]]:
    """Reduces a video to the mean and spread of its segment norms (docs/method.md, coarse labels).

    Args:
        norms: (segments,) norms of one video.
        spread: sample standard deviation (paper) or sample variance (released), both with ddof=1.
            The spread of a single segment is 0.

    Returns:
        (2,) mean and spread, in the dtype of `norms`. The released notebook fits its mixture to
        float32.
    """
    if len(norms) < 2:
        return np.array([norms.mean(), 0], dtype=norms.dtype)
    second = np.std(norms, ddof=1) if spread == "std" else np.var(norms, ddof=1)
    return np.array([np.mean(norms), second], dtype=norms.dtype)
