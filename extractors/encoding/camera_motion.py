"""Estimates the motion of the camera from a map of optical flow, so that it can be subtracted.

The camera is at rest if half of the picture is. Otherwise its motion is the shift, rotation and
zoom that most of the picture shares, found by RANSAC on a grid of points (OpenCV, with its fixed
seed). Parallax and rolling shutters are not modelled.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

STEP = 8
"""Distance of the points of the grid on the map: 300 points for a picture of 320x240 pixels."""
TOLERANCE_PIXELS = 1.0
"""Maximum distance of a point from where the shared motion would take it."""
MIN_SHARE = 0.5
"""Minimum share of points with the shared motion; with fewer, nothing is subtracted."""


def without_camera_motion(
    flow: NDArray[np.float32], *, scale: int, rest_pixels: float
) -> NDArray[np.float32]:
    """Subtracts the motion of the camera from a flow map.

    Args:
        flow: (height, width, 2) motion in pixels of the frame, x and y.
        scale: pixels of the frame per pixel of the map.
        rest_pixels: a point that moves no further is at rest.

    Returns:
        The remaining motion; `flow` itself if the camera is at rest or no motion is shared.
    """
    height, width = flow.shape[:2]
    grid = flow[STEP // 2 :: STEP, STEP // 2 :: STEP].reshape(-1, 2)
    if np.median(np.hypot(grid[:, 0], grid[:, 1])) <= rest_pixels:
        return flow
    places = scale * np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1, dtype="f4")
    known = places[STEP // 2 :: STEP, STEP // 2 :: STEP].reshape(-1, 2)
    matrix, shares = cv2.estimateAffinePartial2D(
        known, known + grid, method=cv2.RANSAC, ransacReprojThreshold=TOLERANCE_PIXELS
    )
    if matrix is None or np.mean(shares) < MIN_SHARE:
        return flow
    return flow - np.asarray(cv2.transform(places, matrix - np.eye(2, 3)), np.float32)
