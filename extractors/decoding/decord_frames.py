"""Decodes frames with decord, in bounded memory, and gives up if they may be wrong.

The module can be imported where decord is not installed; only `DecordFrames` needs it.
"""

import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.damage.broken_files import broken_parts
from c2fpl.extractors.damage.mp4_boxes import mp4_layout
from c2fpl.extractors.decoding.header import VideoHeader
from c2fpl.extractors.decoding.pyav_frames import TimedFrame

if TYPE_CHECKING:
    import decord

WINDOW_BYTES: Final = 224 * 2**20
"""Largest window of decoded frames held in memory."""
WINDOW_FRAMES: Final = 128
"""Groups of pictures are read together up to this many frames."""
FILE_BYTES: Final = 192 * 2**20
"""Largest file: decord reads packets ahead without limit, so the whole file may be in memory."""
FIRST_REPEAT: Final = 1e-9
"""Fault tolerance: raise an error instead of replacing even one frame by another."""
BUILTIN_ERRORS: Final = (AssertionError, IndexError, RuntimeError, UnicodeEncodeError)
"""Built-in errors that decord raises; the last one for file names that are not UTF-8."""
NO_TIME_S: Final = -1e9
"""Times below this mean that a frame has no timestamp."""


class DecordGaveUp(ValueError):
    """decord cannot read this file, or its frames may be wrong; the message says why."""


class DecordFrames:
    """Iterates over the frames of one file once, in display order, rotated as displayed.

    decord decodes ahead without limit until it seeks. To bound memory, frames are read in windows:
    a seek to 0 after each window stops the decoder. Each window starts at a key frame, so only this
    frame is decoded twice. Both copies must be equal, otherwise the seek was not exact.
    """

    num_frames_lost = 0
    """Always 0: decord gives up if a frame is lost."""

    def __init__(self, path: Path, header: VideoHeader) -> None:
        self._path = path
        self._header = header

    @property
    def damage(self) -> str:
        """Damage to the container, in words; decord does not report damaged pixels."""
        return "; ".join(broken_parts(self._path, self._header.container))

    def __iter__(self) -> Iterator[TimedFrame]:
        """Yield all frames.

        Raises:
            DecordGaveUp: at any frame, also the first; discard all frames yielded so far.
        """
        import decord

        decord_errors = (decord.DECORDError, decord.DECORDLimitReachedError, *BUILTIN_ERRORS)
        frames = _windowed_frames(self._path, self._header)
        while True:
            try:
                frame = next(frames, None)
            except decord_errors as error:
                raise DecordGaveUp(f"decord failed: {_first_line(error)}") from error
            if frame is None:
                return
            yield frame


def key_windows(
    key_frames: list[int], frame_count: int, *, joined_frames: int, max_frames: int
) -> list[tuple[int, int]]:
    """Windows [start, end) of whole groups of pictures, joined up to `joined_frames`.

    >>> key_windows([0, 50, 100, 150], 180, joined_frames=128, max_frames=1000)
    [(0, 100), (100, 180)]

    Raises:
        DecordGaveUp: a single group of pictures has more than `max_frames`.
    """
    windows, start, end = [], 0, 0
    for border in [*(key for key in key_frames if 0 < key < frame_count), frame_count]:
        if end > start and border - start > joined_frames:
            windows.append((start, end))
            start = end
        end = border
    windows.append((start, end))
    longest = max(end - start for start, end in windows)
    if longest > max_frames:
        raise DecordGaveUp(
            f"{longest} frames without a key frame, more than the {max_frames} held in memory"
        )
    return windows


def _windowed_frames(path: Path, header: VideoHeader) -> Iterator[TimedFrame]:
    import decord

    if header.file_bytes > FILE_BYTES:
        raise DecordGaveUp(
            f"file of {header.file_bytes >> 20} MiB, more than the {FILE_BYTES >> 20} MiB that "
            "decord may hold in memory"
        )
    if header.container == "mov" and mp4_layout(path).may_be_shifted:
        raise DecordGaveUp(
            "foreign bytes follow the frames, and decord does not report damaged pixels"
        )
    decord.logging.set_level(decord.logging.QUIET)
    reader = decord.VideoReader(str(path.absolute()), num_threads=1, fault_tol=FIRST_REPEAT)
    frame_count = len(reader)
    if frame_count != header.num_frames:
        raise DecordGaveUp(f"decord counts {frame_count} frames, the header {header.num_frames}")
    max_frames = max(WINDOW_BYTES // (header.width_pixels * header.height_pixels * 3), 1)
    windows = key_windows(
        reader.get_key_indices(),
        frame_count,
        joined_frames=min(WINDOW_FRAMES, max_frames),
        max_frames=max_frames,
    )
    times = _frame_times(reader, frame_count)
    border: NDArray[np.uint8] | None = None
    for start, end in windows:
        frames = _window_frames(reader, start, min(end + 1, frame_count))
        if border is not None and not np.array_equal(frames[0].asnumpy(), border):
            raise DecordGaveUp(f"decord's seek to key frame {start} gives a different frame")
        border = frames.pop().asnumpy() if end < frame_count else None
        for time_s in times[start:end]:
            yield TimedFrame(frames.popleft().asnumpy(), time_s)


def _frame_times(reader: "decord.VideoReader", frame_count: int) -> list[float | None]:
    """Presentation times in seconds, rounded to float32 (4 ms at 12 hours).

    All are None if one is: the table is sorted, so a frame without a time displaces the others.
    """
    try:
        times = reader.get_frame_timestamp(range(frame_count))[:, 0].tolist()
    except IndexError:  # fewer packets than the header counts
        return [None] * frame_count
    return [None] * frame_count if min(times, default=0.0) < NO_TIME_S else times


def _window_frames(
    reader: "decord.VideoReader", start: int, end: int
) -> "deque[decord.ndarray.NDArray]":
    """Frames [start, end), uint8 (height, width, 3), read without a pause; stops the decoder."""
    reader.seek_accurate(start)
    frames = deque(reader.next() for _ in range(start, end))
    reader.seek(0)
    return frames


def _first_line(error: Exception) -> str:
    """The error's message without stack trace, source positions and file name."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return re.sub(r"(\[[^]]*\] ?|\S+\.cc:\d+: ?)", "", lines[0]).strip()[:160]
