"""Chooses the video stream of a file by one rule, for all decoders.

The stream marked as default is preferred, then the one with the largest picture, then the first.
A moving stream is preferred to a still picture. Cover art is never read.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Final

import av
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

PICTURES: Final = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
"""Dispositions of streams that are not video."""
MOVING_FRAMES: Final = 2
"""A stream with fewer frames is a still picture."""
MAX_PROBED_PACKETS: Final = 5000
"""Packets read to find out which streams have more than one frame."""


def video_streams(container: InputContainer) -> list[VideoStream]:
    """Video streams that have a decoder, without cover art and thumbnails.

    Announced streams that have no frame yet are returned only if there are no others.
    """
    streams = [
        stream
        for stream in container.streams.video
        if _codec(stream) is not None and not stream.disposition & PICTURES
    ]
    return [stream for stream in streams if stream.width] or streams


def choose_stream(container: InputContainer) -> VideoStream | None:
    """The video stream to read; None if there is none.

    If there are several, this reads packets: reopen the container to read from the start.
    """
    streams = video_streams(container)
    if len(streams) < 2:
        return next(iter(streams), None)
    moving = _moving(container, streams)
    return max(streams, key=lambda stream: (stream.index in moving, *_rank(stream)))


def streams_remark(streams: list[VideoStream], chosen: VideoStream) -> str:
    """One line that names the streams not read; empty if there is only one stream."""
    if len(streams) < 2:
        return ""
    others = ", ".join(_named(stream) for stream in streams if stream.index != chosen.index)
    return f"{len(streams)} video streams: {_named(chosen)} is read, not {others}"


def packets_of(container: InputContainer, *streams: Stream) -> Iterator["av.Packet[Stream]"]:
    """Yield packets of these streams (default: all), then an empty one each to flush its decoder.

    Streams that begin after the file was opened are skipped.

    Raises:
        FFmpegError: part of the file cannot be read; a new call continues after it.
    """
    try:
        yield from container.demux(*streams)
    except IndexError:
        # After flushing the other streams, PyAV fails to look up streams that began late.
        return


def _moving(container: InputContainer, streams: list[VideoStream]) -> set[int]:
    """Indices of the streams with at least `MOVING_FRAMES` non-empty packets."""
    counts: Counter[int] = Counter()
    moving: set[int] = set()
    try:
        for packet in islice(packets_of(container), MAX_PROBED_PACKETS):
            index = packet.stream.index
            counts[index] += packet.size > 0
            if counts[index] >= MOVING_FRAMES:
                moving.add(index)
            if moving.issuperset(stream.index for stream in streams):
                break
    except av.FFmpegError:
        pass  # decide by the packets read so far
    return moving


def _rank(stream: VideoStream) -> tuple[bool, int, int]:
    codec = stream.codec_context
    return bool(stream.disposition & Disposition.default), codec.width * codec.height, -stream.index


def _named(stream: VideoStream) -> str:
    codec = stream.codec_context
    return f"{stream.index} ({codec.codec.canonical_name}, {codec.width}x{codec.height})"


def _codec(stream: VideoStream) -> VideoCodecContext | None:
    """The decoder; None if there is none, which PyAV's type annotations do not allow for."""
    return stream.codec_context
