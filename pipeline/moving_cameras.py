"""Finds videos of moving cameras, for which `flow-stabilised` is the better backbone."""

import logging

import numpy as np

from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.files.wording import counted

logger = logging.getLogger(__name__)

MOVING_SEGMENTS = 0.25
"""Share of a video's segments in which its camera moves, from which on the video counts."""
MOVING_VIDEOS = 0.1
"""Share of such videos from which on the user is told."""


def moving_cameras(features: FeatureSet) -> list[str]:
    """Videos whose camera moves in a quarter of their segments or more.

    Args:
        features: features of `flow`; each is read once.
    """
    from c2fpl.extractors.encoding.flow_encoder import camera_moves

    return [
        name
        for name in features.names
        if np.concatenate([camera_moves(chunk) for chunk in features.chunks(name)]).mean()
        >= MOVING_SEGMENTS
    ]


def advise(moving: list[str], video_count: int) -> None:
    """Log one line if the cameras of a tenth of the videos move."""
    if len(moving) >= max(MOVING_VIDEOS * video_count, 1):
        logger.info(
            "the camera moves in %d of %s: --backbone flow-stabilised subtracts its motion",
            len(moving),
            counted(video_count, "video"),
        )
