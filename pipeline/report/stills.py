"""Single frames of a video at given times, for pictures in plots and reports."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

from c2fpl.extractors.decoding.header import open_container
from c2fpl.extractors.decoding.pyav_frames import upright

Picture = NDArray[np.uint8]
"""uint8 (height, width, 3), RGB."""


def grab_stills(path: Path, times_s: Sequence[float], height_pixels: int) -> list[Picture | None]:
    """Frames shown at `times_s` seconds from the first frame, scaled to one height.

    A picture is a comfort: a file or a place that does not decode gives None, never an error.
    """
    try:
        with open_container(path) as container:
            if not container.streams.video:
                return [None] * len(times_s)
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            return [grab(container, stream, time_s, height_pixels) for time_s in times_s]
    except (av.FFmpegError, OSError, ValueError):
        return [None] * len(times_s)


def grab(
    container: InputContainer, stream: VideoStream, time_s: float, height_pixels: int
) -> Picture | None:
    """The frame shown at one time; the last one before it where the file ends early."""
    start_s = float((stream.start_time or 0) * (stream.time_base or 0))
    shown: VideoFrame | None = None
    try:
        container.seek(round((start_s + time_s) * av.time_base), backward=True)
        for frame in container.decode(stream):
            if shown is not None and (frame.time is None or frame.time > start_s + time_s + 1e-6):
                break
            shown = frame
    except (av.FFmpegError, OSError):
        pass  # what was decoded before the damage will do
    return None if shown is None else scaled(shown, height_pixels)


def scaled(frame: VideoFrame, height_pixels: int) -> Picture:
    """Upright RGB picture of the given height, width by the aspect."""
    rgb = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
    picture = upright(rgb, frame.rotation)
    height, width = picture.shape[:2]
    size = max(1, round(width * height_pixels / height)), height_pixels
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))


def strip_times(duration_s: float, count: int) -> Iterator[float]:
    """Middles of `count` equal parts of a video, in seconds."""
    return ((index + 0.5) * duration_s / count for index in range(count))
