"""Reads a video file's header: what it claims to hold, and which decoder can be trusted with it."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, cast

import av
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

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
"""Largest frame decoded, 8K; a header that claims more is refused before anything is allocated."""
MAX_ASPECT: Final = 8
"""Longest frame decoded: a short side of 256 pixels then has a long one of 2048 at most."""
EXACT_IN_DECORD: Final = frozenset({"h264", "hevc", "mpeg4", "vp9", "mpeg2video", "mjpeg"})
"""Codecs that decord's FFmpeg of 2018 decodes frame for frame (AV1 it cannot open)."""
DEMUXERS: Final = (
    "mov,mp4,avi,matroska,webm,mpegts,mpeg,mpegvideo,flv,asf,ogg,h264,hevc,m4v,av1,obu,ivf,mjpeg,"
    "mxf,nut,dv,dhav,gif,rm,vc1,wtv,yuv4mpegpipe"
)
"""Formats opened, whatever the file's name. Playlists and text are not: a hostile file of that kind
makes FFmpeg read other files or the network."""
LEAST_DECORD_WIDTH: Final = 32
"""decord gives narrower frames a wrong shape: it takes the padding of a row for pixels."""
LOOK_FURTHER: Final = {
    **{"probesize": str(2**28), "analyzeduration": str(600 * 10**6)},
    "scan_all_pmts": "1",
}
"""Bytes and microseconds read in search of a video that starts late; in MPEG-TS all tables."""
NO_TIMESTAMPS: Final = 0x80
"""FFmpeg's AVFMT_NOTIMESTAMPS: a raw stream, whose times FFmpeg makes up."""
LEAST_RATE, LARGEST_RATE = 0.01, 1000.0
"""Frames a second that a stream's own headers may say."""
MAX_PROBED_PACKETS: Final = 100
"""Packets of a raw stream that are decoded to learn its rate."""
COUNTED_CONTAINERS: Final = frozenset({"mov", "mp4", "avi"})
"""Containers whose header counts the frames, so that a loss inside decord is seen."""


class UndecodableVideo(ValueError):
    """A file is no video that can be decoded; the text is one line: value, rule, cure."""


@dataclass(frozen=True)
class VideoHeader:
    """What the container says before anything is decoded; none of it is trusted as a count."""

    container: str
    """First name of the demuxer, such as `mov` or `mpegts`."""
    codec: str
    """Name of the codec, such as `h264`."""
    stream_index: int
    """Index of the video stream to read, among all streams of the container."""
    streams: str
    """One line that names the video streams left out; empty where there is one only."""
    num_frames: int | None
    """Frames the header promises; None where the container does not count them."""
    frame_rate: float
    """Average frames a second; 25 where neither container nor stream has a rate."""
    rate_source: RateSource
    """Whether container or stream has it."""
    has_times: bool
    """Whether the container has time stamps; those of a raw stream FFmpeg makes up."""
    width_pixels: int
    """Width as stored, before rotation."""
    height_pixels: int
    """Height as stored, before rotation."""
    duration_s: float | None
    """Duration of the whole file in seconds, where the header has one."""
    file_bytes: int
    """Size of the file."""


def read_header(path: Path) -> VideoHeader:
    """Open the file, choose its video stream, look at it, close it.

    Raises:
        UndecodableVideo: no such file, no permission, no video inside, or frames beyond the limits.
    """
    file_bytes = readable_bytes(path)
    try:
        with open_container(path) as container:
            return _header_of(_video_stream(container), container, file_bytes)
    except UndecodableVideo:
        raise
    except (av.FFmpegError, ValueError) as error:
        raise UndecodableVideo(not_a_video(error)) from error


def open_container(path: Path) -> av.container.InputContainer:
    """The file opened for demuxing, as a video file and nothing else.

    Where no video is seen at once, as where the sound starts long before it, it is looked for
    further on. In a transport stream a video that changes its packet identifier stays one stream.
    """
    container = _opened(path, {})
    if not any(stream.width for stream in video_streams(container)):
        container.close()
        container = _opened(path, LOOK_FURTHER)
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
    """Size of the file; raises UndecodableVideo where it cannot be read at all."""
    try:
        if path.exists() and not path.is_file():
            raise UndecodableVideo(
                "not a regular file (a folder, pipe or device); give a video file"
            )
        with path.open("rb") as file:
            file_bytes = file.seek(0, 2)
    except OSError as error:
        raise UndecodableVideo(
            f"{error.strerror or error}; the file must exist and be readable by this user"
        ) from error
    if file_bytes == 0:
        raise UndecodableVideo("0 bytes; the file is empty, fetch it again")
    return file_bytes


def not_a_video(error: Exception) -> str:
    """One line for a file that FFmpeg does not open."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return (
        f"not a readable video ({' '.join(said.split())}); damaged, cut off or another kind of file"
    )


def check_frame_size(width_pixels: int, height_pixels: int) -> None:
    """Raise UndecodableVideo for a frame too large or too long to decode in bounded memory."""
    size = f"frames of {width_pixels}x{height_pixels} pixels"
    if width_pixels < 1 or height_pixels < 1:
        raise UndecodableVideo(f"{size}; the header is damaged or the stream is empty")
    if width_pixels * height_pixels > MAX_FRAME_PIXELS:
        raise UndecodableVideo(
            f"{size}; at most {MAX_FRAME_PIXELS} (8K) are decoded, shrink it first"
        )
    if max(width_pixels, height_pixels) > MAX_ASPECT * min(width_pixels, height_pixels):
        raise UndecodableVideo(f"{size}; at most {MAX_ASPECT} to 1 is decoded, crop it first")


def why_not_decord(header: VideoHeader) -> str:
    """Why the file should go to PyAV at once; empty where decord is known to be exact."""
    if header.container not in COUNTED_CONTAINERS:
        return f"container {header.container} has no frame count to check decord against"
    if header.streams:
        return "decord chooses among several video streams by itself"
    if header.width_pixels < LEAST_DECORD_WIDTH:
        return f"decord gives frames under {LEAST_DECORD_WIDTH} pixels wide a wrong shape"
    if header.codec not in EXACT_IN_DECORD:
        return f"decord does not decode {header.codec}"
    if header.num_frames is None:
        return "the header has no frame count"
    return ""


def _video_stream(container: av.container.InputContainer) -> VideoStream:
    """The one to read; raises UndecodableVideo where there is none."""
    chosen = choose_stream(container)
    if chosen is not None:
        return chosen
    if container.streams.video and not any(s.codec_context for s in container.streams.video):
        raise UndecodableVideo("no decoder knows this video's codec; convert it to H.264 first")
    kinds = ", ".join(sorted({stream.type for stream in container.streams}))
    kinds = kinds.replace("video", "still pictures")
    raise UndecodableVideo(f"no video stream inside (only {kinds or 'nothing'}); give a video file")


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
        # more frames than bytes are a place that the writer never filled in, as in an AVI to a pipe
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
    """Frames a second of a raw stream by its parameter sets or sequence header; 0 without.

    FFmpeg itself says 25 of every raw stream. Reads packets.
    """
    decoder = cast(VideoCodecContext, CodecContext.create(stream.codec_context.name, "r"))
    try:
        for packet in islice(packets_of(container, stream), MAX_PROBED_PACKETS):
            if decoder.decode(packet):
                break
    except av.FFmpegError:
        return 0.0
    rate = float(decoder.framerate or 0)
    return rate if LEAST_RATE <= rate <= LARGEST_RATE else 0.0
