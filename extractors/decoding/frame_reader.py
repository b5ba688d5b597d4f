"""Frames of a video by number, exactly as extraction counted them.

A seek is trusted only where each frame has a time of its own: the first key frame after it must
have the recorded time of one frame, and each later frame that of the next. Otherwise frames are
counted from the start.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Self, cast

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from c2fpl.extractors.decoding.frame_clock import (
    LARGEST_DISORDER_S,
    FrameClock,
    StoredFrame,
    time_of,
)
from c2fpl.extractors.decoding.header import (
    UndecodableVideo,
    VideoHeader,
    check_frame_size,
    open_container,
    read_header,
)
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.extractors.decoding.pyav_frames import PyavFrames, decode_alike, rgb_of
from c2fpl.extractors.decoding.resampling import at_constant_rate
from c2fpl.extractors.settings import Fps

WORTH_SEEKING_FRAMES: Final = 64
"""So many frames are decoded on rather than sought."""
BACK_S: Final = (0.0, 2.0, 10.0, 60.0)
"""Seconds before the wanted frame that are sought, one after the other; then the start."""
MOST_WITHOUT_KEY: Final = 1500
"""Frames after a seek without a key frame before the next try: a minute at 25 a second."""
TOLERANCE_S: Final = 0.005
"""Times in files are rounded to 1 ms, decord's to 4 ms at twelve hours."""
MOST_OFF_S: Final = 0.1
"""A frame counted from the start whose time differs by more is not the one that was scored."""
CHANGED: Final = "the file has changed since it was scored: score it again"

Span = tuple[int, int]


@dataclass(frozen=True)
class FrameRequest:
    """Which frames of which file are wanted."""

    path: Path
    """The video."""
    spans: tuple[Span, ...]
    """Frames [start, end) of each; they may overlap."""
    times: PresentationTimes
    """Of all frames, as extraction recorded them."""
    fps: Fps = "native"
    """As in extraction: the frames of a resampled video are numbered after the resampling."""


@dataclass(frozen=True, eq=False)
class NumberedFrame:
    """One frame that was asked for."""

    frame: int
    """Its number, from 0."""
    time_s: float
    """Seconds from the first frame."""
    pixels: NDArray[np.uint8]
    """RGB, uint8 (height, width, 3), upright."""
    pixel_aspect: Fraction
    """Width over height of a pixel as displayed; 1 for square ones."""


def read_frames(request: FrameRequest) -> Iterator[NumberedFrame | None]:
    """Yield the wanted frames in order, each once, and None at each frame that is passed over.

    Raises:
        UndecodableVideo: the file cannot be opened, ends early, or is not the one that was scored.
    """
    with _Reader(request) as reader:
        for start, end in joined(request.spans):
            yield from reader.span(start, end)


def joined(spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those that touch made one: [(5, 9), (0, 6)] -> [(0, 9)]."""
    result: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


class _Reader:
    """One file, open for seeking and for counting from its start."""

    def __init__(self, request: FrameRequest) -> None:
        self._request = request
        self._times = request.times
        self._header = read_header(request.path)
        self._open = ExitStack()
        self._counted: Iterator[StoredFrame] = iter(())
        self._next_counted: int | None = None
        self._seeker: _Seeker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def span(self, start: int, end: int) -> Iterator[NumberedFrame | None]:
        """Frames [start, end): by seeking where that is exact and shorter, else by counting."""
        wanted = start
        near = start - (self._next_counted or 0) in range(WORTH_SEEKING_FRAMES)
        if self._times.seekable and self._request.fps == "native" and not near:
            for found in self._sought(start, end):
                yield found
                wanted = wanted if found is None else found.frame + 1
        if wanted < end:
            yield from self._by_counting(wanted, end)

    def _sought(self, start: int, end: int) -> Iterator[NumberedFrame | None]:
        if self._seeker is None:
            self._seeker = self._open.enter_context(_Seeker(self._request, self._header))
        for back_s in BACK_S:
            found = False
            for frame in self._seeker.frames(start, end, self._times.start_s(start) - back_s):
                found = found or frame is not None
                yield frame
            if found:
                return

    def _by_counting(self, start: int, end: int) -> Iterator[NumberedFrame | None]:
        if self._next_counted is None or self._next_counted > start:
            self._counted, self._next_counted = self._from_the_start(), 0
        for stored in self._counted:
            number = self._next_counted
            self._next_counted += 1
            if number < start:
                yield None
                continue
            yield numbered(stored, number, self._times)
            if number == end - 1:
                return
        raise UndecodableVideo(
            f"ends at frame {self._next_counted}, frames {start} to {end - 1} are wanted; {CHANGED}"
        )

    def _from_the_start(self) -> Iterator[StoredFrame]:
        """All frames as extraction sees them, each checked by its time."""
        rate, fps = self._header.frame_rate, self._request.fps
        frames = PyavFrames(self._request.path, self._header).stored()
        clock = FrameClock(rate if fps == "native" else float(fps))
        if fps != "native":
            frames = at_constant_rate(frames, float(fps), rate)
        most_off_s = MOST_OFF_S if self._times.seekable else LARGEST_DISORDER_S + MOST_OFF_S
        for number, stored in enumerate(frames):
            off_s = clock.add(stored.time_s) - self._times.start_s(number)
            if self._times.source == "file" and abs(off_s) > most_off_s:
                raise UndecodableVideo(
                    f"frame {number} is {abs(off_s):.2f} s away from where it was; {CHANGED}"
                )
            yield stored


class _Seeker:
    """The file opened for seeking; its first frame is decoded, since times count from there."""

    def __init__(self, request: FrameRequest, header: VideoHeader) -> None:
        self._times = request.times
        self._header = header
        self._container = open_container(request.path)
        self._stream = cast(VideoStream, self._container.streams[header.stream_index])
        decode_alike(self._stream)
        self._first_s: float | None = None

    def __enter__(self) -> Self:
        try:
            first = next(self._container.decode(self._stream), None)
        except (av.FFmpegError, ValueError, IndexError):
            first = None
        self._first_s = None if first is None else time_of(first, self._header)
        return self

    def __exit__(self, *error: object) -> None:
        self._container.close()

    def frames(self, start: int, end: int, seek_s: float) -> Iterator[NumberedFrame | None]:
        """Frames [start, end) after a seek; fewer, or none, where a time does not fit."""
        if self._first_s is None or seek_s <= 0:
            return
        last: int | None = None
        for passed, frame in enumerate(self._decoded(self._first_s + seek_s)):
            if last is None and not frame.key_frame and passed < MOST_WITHOUT_KEY:
                yield None
                continue
            number = self._number_of(frame, self._first_s)
            if number is None or (number > start if last is None else number != last + 1):
                return
            last = number
            stored = StoredFrame(frame, None, self._stream.sample_aspect_ratio or Fraction(1))
            yield numbered(stored, number, self._times) if number >= start else None
            if number == end - 1:
                return

    def _number_of(self, frame: VideoFrame, first_s: float) -> int | None:
        """The frame that has this one's time; None where none is near, or two are."""
        time_s = time_of(frame, self._header)
        if time_s is None or frame.is_corrupt:
            return None
        seconds = time_s - first_s
        after = self._times.frame_at(seconds)
        near = sorted(
            (abs(self._times.start_s(number) - seconds), number)
            for number in (after - 1, after, after + 1)
            if 0 <= number < self._times.frame_count
        )
        (off_s, number), others = near[0], near[1:]
        told_apart = all(off_s < 0.5 * other_s for other_s, _ in others)
        return number if off_s <= TOLERANCE_S and told_apart else None

    def _decoded(self, time_s: float) -> Iterator[VideoFrame]:
        """Frames after a seek, up to the first error."""
        ticks = round(time_s / float(self._stream.time_base or 1))
        try:
            self._container.seek(ticks, stream=self._stream, backward=True)
            for frame in self._container.decode(self._stream):
                check_frame_size(frame.width, frame.height)
                yield frame
        except (av.FFmpegError, OverflowError, IndexError):
            return


def numbered(stored: StoredFrame, number: int, times: PresentationTimes) -> NumberedFrame:
    """A decoded frame as it was asked for."""
    pixels = rgb_of(stored.picture)
    turned = stored.picture.rotation % 180 == 90
    aspect = stored.pixel_aspect if stored.pixel_aspect > 0 else Fraction(1)
    return NumberedFrame(number, times.start_s(number), pixels, 1 / aspect if turned else aspect)
