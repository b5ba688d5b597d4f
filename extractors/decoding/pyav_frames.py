"""Frames of a video by PyAV: sequential, one at a time, past bad packets, counting what is lost."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, cast

import av
import av.logging
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from c2fpl.extractors.damage.broken_files import broken_parts, ends_in_zeros
from c2fpl.extractors.decoding.frame_clock import StoredFrame, time_of
from c2fpl.extractors.decoding.frame_times import FrameTimes
from c2fpl.extractors.decoding.header import (
    COUNTED_CONTAINERS,
    MAX_FRAME_PIXELS,
    UndecodableVideo,
    VideoHeader,
    check_frame_size,
    not_a_video,
    open_container,
)
from c2fpl.extractors.decoding.streams import packets_of

MAX_READ_ERRORS_IN_A_ROW: Final = 64
"""After so many unreadable places without one packet between them the rest is given up."""
DROPPED_IN_SILENCE: Final = frozenset({"h264", "hevc", "mpeg2video"})
"""Codecs whose decoders drop frames without an error, such as those before the first key frame.
With them each packet is a frame (but for interlaced ones, where it may be half a frame); other
codecs have packets that are no frames by design."""
LONGEST_JOINT_GAP_S: Final = 0.5
"""Where a transport stream's counter jumps between two frames, a longer gap in the times is a pause
between two recordings; frames are lost in a shorter one."""


@dataclass(frozen=True)
class TimedFrame:
    """One decoded frame."""

    pixels: NDArray[np.uint8]
    """RGB, uint8 (height, width, 3), as displayed (rotation applied)."""
    time_s: float | None
    """Presentation time in seconds, None where the file does not say."""


class PyavFrames:
    """Iterates over the frames of one file once.

    Afterwards `num_frames_lost` and `damage` are final.
    """

    def __init__(self, path: Path, header: VideoHeader) -> None:
        self._path = path
        self._header = header
        self._num_frames = 0
        self._num_packets = 0
        self._num_failed = 0
        self._num_discarded = 0
        self._num_hidden = 0
        self._interlaced = False
        self._num_broken_packets = 0
        self._num_unreadable = 0
        self._num_decoder_errors = 0
        self._end_s = 0.0
        self._end_ticks = 0
        self._times = FrameTimes()
        self._num_missing = 0
        self._broken: list[str] = []

    def __iter__(self) -> Iterator[TimedFrame]:
        """Yield frames in display order.

        Raises:
            UndecodableVideo: as `stored`.
        """
        for stored in self.stored():
            yield TimedFrame(rgb_of(stored.picture), stored.time_s)

    def stored(self) -> Iterator[StoredFrame]:
        """Yield frames in display order as the decoder gives them.

        Raises:
            UndecodableVideo: the file cannot be opened, or a frame is beyond the size limits.
        """
        errors_before = decoder_errors()
        try:
            container = open_container(self._path)
        except (av.FFmpegError, ValueError) as error:
            raise UndecodableVideo(not_a_video(error)) from error
        with container:
            stream = cast(VideoStream, container.streams[self._header.stream_index])
            decode_alike(stream)
            aspect = stream.sample_aspect_ratio or Fraction(1)
            for packet in self._packets(container, stream):
                for frame in self._decoded(packet):
                    yield StoredFrame(frame, self._time_of(frame), aspect)
            if ends_in_zeros(self._path):  # of which the container's reader complains, in vain
                self._num_unreadable = 0
            else:
                self._num_decoder_errors = decoder_errors() - errors_before
            ticks_a_second = 1 / float(stream.time_base or 1)
            self._num_missing = self._times.missing(ticks_a_second)
            jump = self._times.missing(ticks_a_second, LONGEST_JOINT_GAP_S) > 0
            self._broken = self._broken_parts(stream.id, times_jump=jump)

    @property
    def num_frames_lost(self) -> int:
        """Frames that are in the file and did not decode, and those that a broken one lacks.

        What a header promises is no evidence: segments, late clocks and empty index entries lose
        nothing.
        """
        unread = self._unread_frames() + self._num_hidden
        if self._header.codec in DROPPED_IN_SILENCE and not self._interlaced:
            return unread + max(self._num_packets - self._num_frames, 0)
        return unread + self._num_failed

    @property
    def damage(self) -> str:
        """What is broken in the file, in words; empty where nothing is seen."""
        errors = self._num_decoder_errors
        return "; ".join([*self._broken, *([f"decoder errors: {errors}"] if errors else [])])

    def _unread_frames(self) -> int:
        """Frames that a broken file lacks: by its count, else by its times and its duration."""
        promised = self._header.num_frames
        if promised is None:
            return self._num_missing + self._frames_after_the_end() if self._broken else 0
        if not (self._broken or self._num_decoder_errors):
            return 0
        if self._header.container == "avi" and self._end_ticks:
            # its count and its times include empty entries, at which no new picture is shown
            share = self._num_packets / self._end_ticks
            return max(round((promised - self._end_ticks) * share), 0)
        return max(promised - self._num_discarded - self._num_packets, 0)

    def _frames_after_the_end(self) -> int:
        """Frames between the last packet and the header's duration, in doubt the fewer.

        In mp4 a duration without a count may be that of many files, of which this is a segment;
        in AVI it is made of a count, which is not filled in.
        """
        if self._header.container in COUNTED_CONTAINERS or not self._num_packets:
            return 0
        gap_s = (self._header.duration_s or 0.0) - self._end_s
        return max(round(gap_s * self._header.frame_rate), 0)

    def _broken_parts(self, stream_id: int, *, times_jump: bool) -> list[str]:
        """What the container shows as broken; what only the decoder complains of is not."""
        counted = (
            (self._num_unreadable, "unreadable places"),
            (self._num_broken_packets, "broken packets"),
        )
        said = [f"{what}: {count}" for count, what in counted if count]
        container = self._header.container
        return said + broken_parts(self._path, container, stream_id, times_jump=times_jump)

    def _packets(
        self, container: av.container.InputContainer, stream: VideoStream
    ) -> Iterator["av.Packet[VideoStream]"]:
        """Packets of the stream, and at the end the empty one that flushes the decoder."""
        # Without a frame count the other streams are read too: the file's end is where the last of
        # them ends. Their packets are not decoded.
        streams = () if self._header.num_frames is None else (stream,)
        errors_in_a_row = 0
        packets = packets_of(container, *streams)
        while errors_in_a_row < MAX_READ_ERRORS_IN_A_ROW:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                errors_in_a_row += 1
                self._num_unreadable += 1
                packets = packets_of(container, *streams)
                continue
            if packet is None:
                return
            errors_in_a_row = 0
            # of a transport stream its own scan tells more
            self._num_broken_packets += packet.is_corrupt and self._header.container != "mpegts"
            if packet.pts is not None and packet.time_base is not None:
                end_s = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                self._end_s = max(self._end_s, end_s)
            if isinstance(packet.stream, VideoStream) and packet.stream.index == stream.index:
                yield cast("av.Packet[VideoStream]", packet)

    def _decoded(self, packet: "av.Packet[VideoStream]") -> list[VideoFrame]:
        if packet.size:
            if packet.pts is not None:
                self._times.add(packet.pts)
            if packet.dts is not None:
                self._end_ticks = max(self._end_ticks, packet.dts + 1)
            self._num_packets += not packet.is_discard
            self._num_discarded += packet.is_discard
            # FFmpeg does not show some fragments of an mp4 whose clock starts again midway
            in_fragments = self._header.container == "mov" and self._header.num_frames is None
            self._num_hidden += packet.is_discard and in_fragments and self._num_packets > 0
        errors_before = decoder_errors()
        try:
            return packet.decode()
        except av.FFmpegError:
            self._num_failed += bool(packet.size)
            return []
        finally:
            self._num_decoder_errors += decoder_errors() - errors_before

    def _time_of(self, frame: VideoFrame) -> float | None:
        check_frame_size(frame.width, frame.height)
        self._num_frames += 1
        self._interlaced |= frame.interlaced_frame
        return time_of(frame, self._header)


def decode_alike(stream: VideoStream) -> None:
    """Set a decoder so that it gives the same frames each time: in one thread, none beyond 8K."""
    stream.thread_type = "NONE"
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}


def rgb_of(frame: VideoFrame) -> NDArray[np.uint8]:
    """Pixels of a frame, RGB uint8 (height, width, 3), upright."""
    # swscale's defaults: the same bits as decord's scale filter
    return upright(cast(NDArray[np.uint8], frame.to_ndarray(format="rgb24")), frame.rotation)


def upright(pixels: NDArray[np.uint8], rotation_degrees: int) -> NDArray[np.uint8]:
    """Turn a stored picture as it is displayed.

    Args:
        pixels: RGB, uint8 (height, width, 3), as stored.
        rotation_degrees: the file's tag, counterclockwise; one that is no multiple of 90 turns
            nothing, as in decord.
    """
    turns = rotation_degrees // 90 % 4 if rotation_degrees % 90 == 0 else 0
    return np.ascontiguousarray(np.rot90(pixels, turns))


def decoder_errors() -> int:
    """Errors that FFmpeg has logged in this process so far; 0 where its log is switched off."""
    return av.logging.get_last_error()[0]
