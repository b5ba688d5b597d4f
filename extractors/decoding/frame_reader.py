"""Reads frames of a video by number, exactly as extraction counted them.

Seeking is used only if every frame has a unique time. The first key frame after a seek must then
have the recorded time of a frame, and each later frame that of the next. Otherwise frames are
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

from c2fpl.errors import BadVideo
from c2fpl.extractors.decoding.header import (
    VideoHeader,
    check_frame_size,
    open_container,
    read_header,
)
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.extractors.decoding.pyav_frames import PyavFrames, make_reproducible, rgb_of
from c2fpl.extractors.decoding.resampling import at_constant_rate
from c2fpl.extractors.decoding.timestamps import (
    LARGEST_DISORDER_S,
    FrameClock,
    StoredFrame,
    time_of,
)
from c2fpl.extractors.settings import Fps

WORTH_SEEKING_FRAMES: Final = 64
"""Frames closer than this are reached by decoding on, without a seek."""
SEEK_MARGINS_S: Final = (0.0, 2.0, 10.0, 60.0)
"""Seconds before the wanted frame to seek to, tried in this order, before counting from 0."""
MAX_FRAMES_WITHOUT_KEY: Final = 1500
"""Frames without a key frame after which a seek is given up: a minute at 25 fps."""
TOLERANCE_S: Final = 0.005
"""Times in files are rounded to 1 ms, those from decord to 4 ms at twelve hours."""
MAX_TIME_ERROR_S: Final = 0.1
"""A counted frame whose time differs by more is not the frame that was scored."""
CHANGED: Final = "the file has changed since it was scored, score it again"

Span = tuple[int, int]


@dataclass(frozen=True)
class FrameRequest:
    """Frames to read from one video."""

    path: Path
    spans: tuple[Span, ...]
    """Spans of frames [start, end); they may overlap."""
    times: PresentationTimes
    """Times of all frames, as recorded by extraction."""
    fps: Fps = "native"
    """Frame rate used in extraction; frames are numbered after the resampling."""


@dataclass(frozen=True, eq=False)
class NumberedFrame:
    """One requested frame."""

    frame: int
    """Its number, from 0."""
    time_s: float
    """Seconds from the first frame."""
    pixels: NDArray[np.uint8]
    """RGB, uint8 (height, width, 3), rotated as displayed."""
    pixel_aspect: Fraction
    """Width over height of a displayed pixel; 1 for square pixels."""


def read_frames(request: FrameRequest) -> Iterator[NumberedFrame | None]:
    """Yield the requested frames in order, each once, and None for each frame skipped.

    Raises:
        BadVideo: the file cannot be opened, ends early, or has changed since extraction.
    """
    with _Reader(request) as reader:
        for start, end in joined(request.spans):
            yield from reader.span(start, end)


def joined(spans: Iterable[Span]) -> list[Span]:
    """Sort the spans and merge those that touch: [(5, 9), (0, 6)] -> [(0, 9)]."""
    result: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


class _Reader:
    """Reads frames of one file by seeking or by counting from its start."""

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
        """Frames [start, end): by seeking if that is exact and faster, else by counting."""
        wanted = start
        near = start - (self._next_counted or 0) in range(WORTH_SEEKING_FRAMES)
        if self._times.seekable and self._request.fps == "native" and not near:
            for found in self._by_seeking(start, end):
                yield found
                wanted = wanted if found is None else found.frame + 1
        if wanted < end:
            yield from self._by_counting(wanted, end)

    def _by_seeking(self, start: int, end: int) -> Iterator[NumberedFrame | None]:
        if self._seeker is None:
            self._seeker = self._open.enter_context(_Seeker(self._request, self._header))
        for margin_s in SEEK_MARGINS_S:
            found = False
            for frame in self._seeker.frames(start, end, self._times.start_s(start) - margin_s):
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
        raise BadVideo(
            f"the video ends at frame {self._next_counted}, before frame {end - 1}; {CHANGED}"
        )

    def _from_the_start(self) -> Iterator[StoredFrame]:
        """All frames as extraction counts them; the time of each is checked."""
        rate, fps = self._header.frame_rate, self._request.fps
        frames = PyavFrames(self._request.path, self._header).stored()
        clock = FrameClock(rate if fps == "native" else float(fps))
        if fps != "native":
            frames = at_constant_rate(frames, float(fps), rate)
        limit_s = MAX_TIME_ERROR_S + (0.0 if self._times.seekable else LARGEST_DISORDER_S)
        for number, stored in enumerate(frames):
            error_s = abs(clock.add(stored.time_s) - self._times.start_s(number))
            if self._times.source == "file" and error_s > limit_s:
                raise BadVideo(
                    f"frame {number} is {error_s:.2f} s away from its recorded time; {CHANGED}"
                )
            yield stored


class _Seeker:
    """Seeks in one file; times count from its first frame, which is decoded on entry."""

    def __init__(self, request: FrameRequest, header: VideoHeader) -> None:
        self._times = request.times
        self._header = header
        self._container = open_container(request.path)
        self._stream = cast(VideoStream, self._container.streams[header.stream_index])
        make_reproducible(self._stream)
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
        """Frames [start, end) after a seek to `seek_s`; stops at the first time without a match."""
        if self._first_s is None or seek_s <= 0:
            return
        last: int | None = None
        for passed, frame in enumerate(self._decoded(self._first_s + seek_s)):
            if last is None and not frame.key_frame and passed < MAX_FRAMES_WITHOUT_KEY:
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
        """Number of the recorded frame with this time; None if the match is not unique."""
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
        (error_s, number), others = near[0], near[1:]
        is_unique = all(error_s < 0.5 * other_s for other_s, _ in others)
        return number if error_s <= TOLERANCE_S and is_unique else None

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
    """Convert a decoded frame to RGB with its number, time and displayed pixel aspect."""
    pixels = rgb_of(stored.picture)
    turned = stored.picture.rotation % 180 == 90
    aspect = stored.pixel_aspect if stored.pixel_aspect > 0 else Fraction(1)
    return NumberedFrame(number, times.start_s(number), pixels, 1 / aspect if turned else aspect)
