"""Writes mp4 files that every browser and player shows: H.264, 4:2:0, picture only."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from c2fpl.extractors.decoding.header import open_container, read_header
from c2fpl.extractors.decoding.pyav_frames import time_of, upright
from c2fpl.pipeline.files.run_files import whole_file
from c2fpl.pipeline.report.stills import Picture

TIME_BASE = Fraction(1, 90_000)
CONSTANT_QUALITY = "23"
"""x264's own default."""


class NotPlayable(ValueError):
    """A video of which no picture can be read or written."""


@dataclass(frozen=True)
class TimedPicture:
    """One decoded frame."""

    picture: Picture
    """uint8 (height, width, 3), RGB, upright."""
    time_s: float
    """Seconds from the first frame of the video."""
    index: int
    """Number of the frame, from 0, counted from where decoding began."""


def read_pictures(
    source: Path, start_s: float = 0, end_s: float = float("inf")
) -> Iterator[TimedPicture]:
    """Decode the frames shown from `start_s` up to `end_s`; a damaged end is the end.

    Raises:
        NotPlayable: the file cannot be opened or has no video.
    """
    try:
        header = read_header(source)
        container = open_container(source)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise NotPlayable(f"{source} cannot be opened ({error}); see `c2fpl inspect`") from error
    with container:
        if not container.streams.video:
            raise NotPlayable(f"{source} has no video stream; leave it out")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        first_s = float((stream.start_time or 0) * (stream.time_base or 0))
        interval_s = float(1 / (stream.average_rate or 25))
        time_s = -interval_s
        try:
            if start_s > 0:
                container.seek(round((first_s + start_s) * av.time_base), backward=True)
            for index, frame in enumerate(container.decode(stream)):
                own_s = time_of(frame, header)
                time_s = time_s + interval_s if own_s is None else own_s - first_s
                if time_s >= end_s:
                    return
                if time_s + interval_s / 2 > start_s:
                    rgb = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
                    yield TimedPicture(upright(rgb, frame.rotation), time_s, index)
        except (av.FFmpegError, OSError):
            return


def write_pictures(path: Path, pictures: Iterable[TimedPicture]) -> int:
    """Write an mp4 that starts with the first picture and keeps the times between them.

    An odd last row or column is cut off: 4:2:0 has none.

    Returns:
        How many pictures were written.

    Raises:
        NotPlayable: there was none.
    """
    count, start_s = 0, 0.0
    with whole_file(path) as file, av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", options={"crf": CONSTANT_QUALITY})
        stream.codec_context.time_base = TIME_BASE
        for count, timed in enumerate(pictures, start=1):
            height, width = (side - side % 2 for side in timed.picture.shape[:2])
            if count == 1:
                start_s = timed.time_s
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            cut = np.ascontiguousarray(timed.picture[: stream.height, : stream.width])
            frame = av.VideoFrame.from_ndarray(cut, format="rgb24")
            frame.time_base, frame.pts = TIME_BASE, round((timed.time_s - start_s) / TIME_BASE)
            container.mux(stream.encode(frame))
        if count == 0:
            raise NotPlayable(f"no frame for {path.name}; see `c2fpl inspect` for what decodes")
        container.mux(stream.encode())
    return count
