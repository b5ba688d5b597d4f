"""Reads a video file's header and decides whether decord can decode the file exactly."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, cast

import av
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from c2fpl.errors import BadVideo
from c2fpl.extractors.damage.transport_tables import sampled_video_pids
from c2fpl.extractors.decoding.one_pid import OneVideoPid
from c2fpl.extractors.decoding.presentation_times import ASSUMED_RATE, RateSource
from c2fpl.extractors.decoding.streams import (
    choose_stream,
    packets_of,
    streams_remark,
    video_streams,
)

MAX_FRAME_PIXELS: Final = 7680 * 4320
"""Largest frame decoded, 8K; larger frames are refused before memory is allocated."""
MAX_ASPECT: Final = 8
"""Largest aspect ratio: at a short side of 256 pixels, the long side is at most 2048."""
EXACT_IN_DECORD: Final = frozenset({"h264", "hevc", "mpeg4", "vp9", "mpeg2video", "mjpeg"})
"""Codecs that decord's FFmpeg of 2018 decodes exactly (it cannot open AV1)."""
DEMUXERS: Final = (
    "mov,mp4,avi,matroska,webm,mpegts,mpeg,mpegvideo,flv,asf,ogg,h264,hevc,m4v,av1,obu,ivf,mjpeg,"
    "mxf,nut,dv,dhav,gif,rm,vc1,wtv,yuv4mpegpipe"
)
"""Formats that may be opened, whatever the file is called. Playlists and text formats are excluded:
a hostile file can make FFmpeg read other files or the network through them."""
MIN_DECORD_WIDTH: Final = 32
"""decord gives narrower frames a wrong shape, because it treats row padding as pixels."""
DEEP_PROBE: Final = {
    **{"probesize": str(2**28), "analyzeduration": str(600 * 10**6)},
    "scan_all_pmts": "1",
}
"""Limits of a search for a video that starts late, in bytes and microseconds; in MPEG-TS also read
all tables."""
NO_TIMESTAMPS: Final = 0x80
"""FFmpeg's AVFMT_NOTIMESTAMPS: a raw stream, for which FFmpeg invents times."""
MIN_RATE, MAX_RATE = 0.01, 1000.0
"""Frames per second accepted from the headers of a raw stream."""
MAX_PROBED_PACKETS: Final = 100
"""Packets of a raw stream that are decoded to find its rate."""
COUNTED_CONTAINERS: Final = frozenset({"mov", "mp4", "avi"})
"""Containers whose header counts the frames, so that losses inside decord are detected."""


@dataclass(frozen=True)
class VideoHeader:
    """Properties of a video, read without decoding it; counts are not reliable."""

    container: str
    """First name of the demuxer, such as `mov` or `mpegts`."""
    codec: str
    """Name of the codec, such as `h264`."""
    stream_index: int
    """Index of the video stream to read, counting all streams of the container."""
    streams: str
    """One line that names the video streams not read; empty if there is only one stream."""
    num_frames: int | None
    """Frame count in the header; None if the container has none."""
    frame_rate: float
    """Average frames per second; 25 if neither container nor stream has a rate."""
    rate_source: RateSource
    """Whether `frame_rate` comes from the file or is assumed."""
    has_times: bool
    """Whether the container has timestamps; FFmpeg invents those of a raw stream."""
    width_pixels: int
    """Width as stored, before rotation."""
    height_pixels: int
    """Height as stored, before rotation."""
    duration_s: float | None
    """Duration of the whole file in seconds; None if the header has none."""
    file_bytes: int
    """Size of the file in bytes."""


def read_header(path: Path) -> VideoHeader:
    """Read the header of a file and choose its video stream.

    Raises:
        BadVideo: the file is missing or unreadable, has no video stream, or its frames
            exceed the size limits.
    """
    file_bytes = readable_bytes(path)
    try:
        with open_container(path) as container:
            return _header_of(_video_stream(container), container, file_bytes)
    except BadVideo:
        raise
    except (av.FFmpegError, ValueError) as error:
        raise BadVideo(not_a_video(error)) from error


def open_container(path: Path) -> av.container.InputContainer:
    """Open a file for demuxing, as a video file only.

    If no video is found at the beginning, for example because it starts long after the audio, a
    larger part of the file is searched. In a transport stream, a video that changes its packet
    identifier remains one stream.
    """
    container = _opened(path, {})
    if not any(stream.width for stream in video_streams(container)):
        container.close()
        container = _opened(path, DEEP_PROBE)
    if container.format.name == "mpegts" and (pids := sampled_video_pids(path).later):
        container.close()
        return _opened(path, {}, OneVideoPid(path, pids))
    return container


def _opened(
    path: Path, options: dict[str, str], file: OneVideoPid | None = None
) -> av.container.InputContainer:
    return av.open(
        file or str(path.absolute()),
        "r",
        options={"format_whitelist": DEMUXERS, "protocol_whitelist": "file", **options},
        metadata_errors="replace",
    )


def readable_bytes(path: Path) -> int:
    """Size of a file in bytes; raises BadVideo if it is empty or cannot be read."""
    try:
        if path.exists() and not path.is_file():
            raise BadVideo("not a regular file (a folder, pipe or device); give a video file")
        with path.open("rb") as file:
            file_bytes = file.seek(0, 2)
    except OSError as error:
        raise BadVideo(
            f"{error.strerror or error}; the file must exist and be readable by this user"
        ) from error
    if file_bytes == 0:
        raise BadVideo("the file is empty (0 bytes); copy or download it again")
    return file_bytes


def not_a_video(error: Exception) -> str:
    """Error message for a file that FFmpeg cannot open."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return (
        f"not a readable video ({' '.join(reason.split())}); the file is damaged, cut off or not a "
        "video"
    )


def check_frame_size(width_pixels: int, height_pixels: int) -> None:
    """Raise BadVideo if a frame is empty, larger than 8K or too elongated."""
    size = f"frames of {width_pixels}x{height_pixels} pixels"
    if width_pixels < 1 or height_pixels < 1:
        raise BadVideo(f"{size}; the header is damaged or the stream is empty")
    if width_pixels * height_pixels > MAX_FRAME_PIXELS:
        raise BadVideo(
            f"{size}; the limit is {MAX_FRAME_PIXELS} pixels (8K), downscale the video first"
        )
    if max(width_pixels, height_pixels) > MAX_ASPECT * min(width_pixels, height_pixels):
        raise BadVideo(
            f"{size}; the largest aspect ratio is {MAX_ASPECT} to 1, crop the video first"
        )


def why_not_decord(header: VideoHeader) -> str:
    """Why decord must not decode this file; empty if decord decodes it exactly."""
    if header.container not in COUNTED_CONTAINERS:
        return f"container {header.container} has no frame count to check decord against"
    if header.streams:
        return "decord may choose another of several video streams"
    if header.width_pixels < MIN_DECORD_WIDTH:
        return f"decord gives frames under {MIN_DECORD_WIDTH} pixels wide a wrong shape"
    if header.codec not in EXACT_IN_DECORD:
        return f"decord does not decode {header.codec}"
    if header.num_frames is None:
        return "the header has no frame count"
    return ""


def _video_stream(container: av.container.InputContainer) -> VideoStream:
    """The stream to read; raises BadVideo if there is none."""
    chosen = choose_stream(container)
    if chosen is not None:
        return chosen
    if container.streams.video and not any(s.codec_context for s in container.streams.video):
        raise BadVideo("no decoder for this video's codec; convert the video to H.264")
    kinds = ", ".join(sorted({stream.type for stream in container.streams}))
    kinds = kinds.replace("video", "still pictures")
    raise BadVideo(f"no video stream inside (only {kinds or 'nothing'}); give a video file")


def _header_of(
    stream: VideoStream, container: av.container.InputContainer, file_bytes: int
) -> VideoHeader:
    codec = stream.codec_context
    check_frame_size(codec.width, codec.height)
    has_times = not container.format.flags & NO_TIMESTAMPS
    stated = stream.average_rate or stream.guessed_rate
    rate = float(stated or 0) if has_times else _own_rate(stream, container)
    return VideoHeader(
        container=container.format.name.split(",")[0],
        codec=codec.codec.canonical_name,
        stream_index=stream.index,
        streams=streams_remark(video_streams(container), stream),
        # A count larger than the file was never filled in, as in an AVI written to a pipe.
        num_frames=stream.frames if 0 < stream.frames <= file_bytes else None,
        frame_rate=rate or ASSUMED_RATE,
        rate_source="rate" if rate else "assumed",
        has_times=has_times,
        width_pixels=codec.width,
        height_pixels=codec.height,
        duration_s=container.duration / av.time_base if container.duration else None,
        file_bytes=file_bytes,
    )


def _own_rate(stream: VideoStream, container: av.container.InputContainer) -> float:
    """Frames per second in the headers of a raw stream; 0 if they have no rate.

    FFmpeg reports 25 for every raw stream, so this decodes the first packets.
    """
    decoder = cast(VideoCodecContext, CodecContext.create(stream.codec_context.name, "r"))
    try:
        for packet in islice(packets_of(container, stream), MAX_PROBED_PACKETS):
            if decoder.decode(packet):
                break
    except av.FFmpegError:
        return 0.0
    rate = float(decoder.framerate or 0)
    return rate if MIN_RATE <= rate <= MAX_RATE else 0.0
