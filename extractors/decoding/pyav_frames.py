"""Decodes frames with PyAV, one at a time, skips bad packets and counts what is lost."""

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

from c2fpl.errors import BadVideo
from c2fpl.extractors.damage.broken_files import broken_parts, ends_in_zeros
from c2fpl.extractors.decoding.header import (
    COUNTED_CONTAINERS,
    MAX_FRAME_PIXELS,
    VideoHeader,
    check_frame_size,
    not_a_video,
    open_container,
)
from c2fpl.extractors.decoding.missing_frames import MissingFrames
from c2fpl.extractors.decoding.streams import packets_of
from c2fpl.extractors.decoding.timestamps import StoredFrame, time_of

MAX_READ_ERRORS_IN_A_ROW: Final = 64
"""Reading stops after this many errors without a packet in between."""
SILENTLY_DROPPED: Final = frozenset({"h264", "hevc", "mpeg2video"})
"""Codecs whose decoders drop frames without an error, such as those before the first key frame.
Each of their packets holds a frame, or half of one if interlaced. Packets of other codecs need not
hold a frame."""
LONGEST_JOINT_GAP_S: Final = 0.5
"""If the counter of a transport stream jumps between two frames, frames are lost in gaps up to
this. A longer gap is a pause between two recordings."""


@dataclass(frozen=True)
class TimedFrame:
    """One decoded frame."""

    pixels: NDArray[np.uint8]
    """RGB, uint8 (height, width, 3), as displayed (rotation applied)."""
    time_s: float | None
    """Presentation time in seconds; None if the file has none."""


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
        self._times = MissingFrames()
        self._num_missing = 0
        self._broken: list[str] = []

    def __iter__(self) -> Iterator[TimedFrame]:
        """Yield frames in display order.

        Raises:
            BadVideo: see `stored`.
        """
        for stored in self.stored():
            yield TimedFrame(rgb_of(stored.picture), stored.time_s)

    def stored(self) -> Iterator[StoredFrame]:
        """Yield frames in display order, not yet converted to RGB.

        Raises:
            BadVideo: the file cannot be opened, or a frame exceeds the size limits.
        """
        errors_before = decoder_errors()
        try:
            container = open_container(self._path)
        except (av.FFmpegError, ValueError) as error:
            raise BadVideo(not_a_video(error)) from error
        with container:
            stream = cast(VideoStream, container.streams[self._header.stream_index])
            make_reproducible(stream)
            aspect = stream.sample_aspect_ratio or Fraction(1)
            for packet in self._packets(container, stream):
                for frame in self._decoded(packet):
                    yield StoredFrame(frame, self._time_of(frame), aspect)
            if ends_in_zeros(self._path):  # FFmpeg reports errors in harmless padding
                self._num_unreadable = 0
            else:
                self._num_decoder_errors = decoder_errors() - errors_before
            ticks_a_second = 1 / float(stream.time_base or 1)
            self._num_missing = self._times.missing(ticks_a_second)
            jump = self._times.missing(ticks_a_second, LONGEST_JOINT_GAP_S) > 0
            self._broken = self._broken_parts(stream.id, times_jump=jump)

    @property
    def num_frames_lost(self) -> int:
        """Frames in the file that did not decode, plus frames missing from a broken file.

        The header's count is not used for an intact file: a segment of a longer recording, a late
        clock or empty index entries make it too large although nothing is lost.
        """
        unread = self._unread_frames() + self._num_hidden
        if self._header.codec in SILENTLY_DROPPED and not self._interlaced:
            return unread + max(self._num_packets - self._num_frames, 0)
        return unread + self._num_failed

    @property
    def damage(self) -> str:
        """Damage found in the file, in words; empty if there is none."""
        errors = self._num_decoder_errors
        return "; ".join([*self._broken, *([f"decoder errors: {errors}"] if errors else [])])

    def _unread_frames(self) -> int:
        """Frames missing from a broken file, by its frame count or else its times and duration."""
        promised = self._header.num_frames
        if promised is None:
            return self._num_missing + self._frames_after_the_end() if self._broken else 0
        if not (self._broken or self._num_decoder_errors):
            return 0
        if self._header.container == "avi" and self._end_ticks:
            # The count and the times include empty entries, which repeat the previous picture.
            share = self._num_packets / self._end_ticks
            return max(round((promised - self._end_ticks) * share), 0)
        return max(promised - self._num_discarded - self._num_packets, 0)

    def _frames_after_the_end(self) -> int:
        """Frames between the last packet and the header's duration; a lower bound.

        Containers with a frame count give 0. In mp4, a duration without a count may cover several
        files of which this is one segment. In AVI, the duration follows from a count that was never
        filled in.
        """
        if self._header.container in COUNTED_CONTAINERS or not self._num_packets:
            return 0
        gap_s = (self._header.duration_s or 0.0) - self._end_s
        return max(round(gap_s * self._header.frame_rate), 0)

    def _broken_parts(self, stream_id: int, *, times_jump: bool) -> list[str]:
        """Damage to the container; errors of the decoder only are not included."""
        counted = (
            (self._num_unreadable, "unreadable places"),
            (self._num_broken_packets, "broken packets"),
        )
        faults = [f"{what}: {count}" for count, what in counted if count]
        container = self._header.container
        return faults + broken_parts(self._path, container, stream_id, times_jump=times_jump)

    def _packets(
        self, container: av.container.InputContainer, stream: VideoStream
    ) -> Iterator["av.Packet[VideoStream]"]:
        """Packets of the stream, then the empty one that flushes the decoder."""
        # Without a frame count, read the other streams too (without decoding them): the longest of
        # them determines the end of the file.
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
            # For transport streams, broken_parts counts these more exactly.
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
            # FFmpeg discards some fragments of an mp4 whose clock restarts midway.
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


def make_reproducible(stream: VideoStream) -> None:
    """Make a decoder give the same frames in every run: one thread, no frames larger than 8K."""
    stream.thread_type = "NONE"
    stream.codec_context.thread_count = 1
    stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}


def rgb_of(frame: VideoFrame) -> NDArray[np.uint8]:
    """Pixels of a frame: RGB uint8 (height, width, 3), rotated as displayed."""
    # swscale's defaults give the same bits as decord's scale filter.
    return upright(cast(NDArray[np.uint8], frame.to_ndarray(format="rgb24")), frame.rotation)


def upright(pixels: NDArray[np.uint8], rotation_degrees: int) -> NDArray[np.uint8]:
    """Rotate a stored picture as displayed.

    Args:
        pixels: RGB, uint8 (height, width, 3), as stored.
        rotation_degrees: the file's rotation tag, counterclockwise; ignored, as in decord, if it is
            not a multiple of 90.
    """
    turns = rotation_degrees // 90 % 4 if rotation_degrees % 90 == 0 else 0
    return np.ascontiguousarray(np.rot90(pixels, turns))


def decoder_errors() -> int:
    """Errors logged by FFmpeg in this process so far; 0 if its log is disabled."""
    return av.logging.get_last_error()[0]
