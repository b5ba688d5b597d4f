"""Which video stream of a file is read: one rule for every decoder and every picture.

The stream that the file marks as default comes first, then the one with the largest picture, then
the first. A still is never read beside a moving stream, and cover art is never read at all.
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
"""Marks of streams that are no video."""
MOVING_FRAMES: Final = 2
"""Fewer are a still."""
MAX_PROBED_PACKETS: Final = 5000
"""Packets read to see which streams move."""


def video_streams(container: InputContainer) -> list[VideoStream]:
    """Video streams that a decoder exists for, without cover art and thumbnails.

    Those that are announced and have no frame so far count only where there are no others.
    """
    streams = [
        stream
        for stream in container.streams.video
        if _codec(stream) is not None and not stream.disposition & PICTURES
    ]
    return [stream for stream in streams if stream.width] or streams


def choose_stream(container: InputContainer) -> VideoStream | None:
    """The video stream to read; None where there is none.

    Reads packets where there are several: the container must be opened again to read the first.
    """
    streams = video_streams(container)
    if len(streams) < 2:
        return next(iter(streams), None)
    moving = _moving(container, streams)
    return max(streams, key=lambda stream: (stream.index in moving, *_rank(stream)))


def streams_remark(streams: list[VideoStream], chosen: VideoStream) -> str:
    """One line that names the streams left out; empty where there is one only."""
    if len(streams) < 2:
        return ""
    others = ", ".join(_named(stream) for stream in streams if stream.index != chosen.index)
    return f"{len(streams)} video streams: {_named(chosen)} is read, not {others}"


def packets_of(container: InputContainer, *streams: Stream) -> Iterator["av.Packet[Stream]"]:
    """Packets of these streams or of all, at last an empty one of each, to flush its decoder.

    Streams that begin after the file was opened are left out.

    Raises:
        FFmpegError: a place cannot be read; a new call goes on after it.
    """
    try:
        yield from container.demux(*streams)
    except IndexError:
        # PyAV would flush the late streams too, after the others, and does not know them.
        return


def _moving(container: InputContainer, streams: list[VideoStream]) -> set[int]:
    """Indices of the streams with more than one frame that is not empty."""
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
        pass  # what was read so far decides
    return moving


def _rank(stream: VideoStream) -> tuple[bool, int, int]:
    codec = stream.codec_context
    return bool(stream.disposition & Disposition.default), codec.width * codec.height, -stream.index


def _named(stream: VideoStream) -> str:
    codec = stream.codec_context
    return f"{stream.index} ({codec.codec.canonical_name}, {codec.width}x{codec.height})"


def _codec(stream: VideoStream) -> VideoCodecContext | None:
    """PyAV's types deny that there may be no decoder."""
    return stream.codec_context
