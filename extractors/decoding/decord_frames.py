"""Frames of a video by decord: in bounded memory, checked, giving up where not to be trusted."""

import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import decord
import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.damage.broken_files import broken_parts
from c2fpl.extractors.damage.mp4_boxes import mp4_layout
from c2fpl.extractors.decoding.header import VideoHeader
from c2fpl.extractors.decoding.pyav_frames import TimedFrame

decord.logging.set_level(decord.logging.QUIET)

WINDOW_BYTES: Final = 224 * 2**20
"""Largest window of decoded frames held at once."""
WINDOW_FRAMES: Final = 128
"""Groups of pictures are read together up to this many frames."""
FILE_BYTES: Final = 192 * 2**20
"""Largest file: decord reads packets ahead without bound, so the whole file may lie in memory."""
FIRST_REPEAT: Final = 1e-9
"""Fault tolerance: the first frame that decord would replace by another one is an error."""
DECORD_ERRORS: Final = (
    *(decord.DECORDError, decord.DECORDLimitReachedError),
    *(AssertionError, IndexError, RuntimeError, UnicodeEncodeError),
)
"""What decord raises; the last one for file names that are not UTF-8."""


NO_TIME_S: Final = -1e9
"""Times below are FFmpeg's word for none."""


class DecordGaveUp(ValueError):
    """decord cannot read this file, or its frames cannot be trusted; the text says why."""


class DecordFrames:
    """Iterates over the frames of one file once, in display order, rotated as displayed.

    decord decodes ahead as fast as it can, into memory without bound, until it is told to seek. So
    frames are taken window by window as fast as they come, a seek to 0 stops the decoder, and the
    next window starts at a key frame, where nothing is decoded twice. The key frame is decoded in
    both windows and must be the same, else the seek was not exact.
    """

    num_frames_lost = 0
    """None: where one is lost decord gives up."""

    def __init__(self, path: Path, header: VideoHeader) -> None:
        self._path = path
        self._header = header

    @property
    def damage(self) -> str:
        """What of the container is broken, in words; decord does not tell of damaged pixels."""
        return "; ".join(broken_parts(self._path, self._header.container))

    def __iter__(self) -> Iterator[TimedFrame]:
        """Yield all frames.

        Raises:
            DecordGaveUp: before the first frame or at any later one; all frames must be redone.
        """
        frames = _windowed_frames(self._path, self._header)
        while True:
            try:
                frame = next(frames, None)
            except DECORD_ERRORS as error:
                raise DecordGaveUp(f"decord failed: {_first_line(error)}") from error
            if frame is None:
                return
            yield frame


def key_windows(
    key_frames: list[int], frame_count: int, *, joined_frames: int, max_frames: int
) -> list[tuple[int, int]]:
    """Windows [start, end) of whole groups of pictures, joined while short.

    >>> key_windows([0, 50, 100, 150], 180, joined_frames=128, max_frames=1000)
    [(0, 100), (100, 180)]

    Raises:
        DecordGaveUp: one group of pictures alone has more than `max_frames`.
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
            f"{longest} frames without a key frame, over the {max_frames} held in memory at once"
        )
    return windows


def _windowed_frames(path: Path, header: VideoHeader) -> Iterator[TimedFrame]:
    if header.file_bytes > FILE_BYTES:
        raise DecordGaveUp(
            f"file of {header.file_bytes >> 20} MiB, over the {FILE_BYTES >> 20} held in memory"
        )
    if header.container == "mov" and mp4_layout(path).may_be_shifted:
        raise DecordGaveUp("foreign bytes follow the frames: decord does not tell damaged pixels")
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
            raise DecordGaveUp(f"decord's seek to key frame {start} gives another frame")
        border = frames.pop().asnumpy() if end < frame_count else None
        for time_s in times[start:end]:
            yield TimedFrame(frames.popleft().asnumpy(), time_s)


def _frame_times(reader: decord.VideoReader, frame_count: int) -> list[float | None]:
    """Presentation times in seconds, as float32 (to 4 ms at 12 hours).

    All None where one is: the table is sorted, and what has no time stands first in it.
    """
    try:
        times = reader.get_frame_timestamp(range(frame_count))[:, 0].tolist()
    except IndexError:  # fewer packets than the header counts
        return [None] * frame_count
    return [None] * frame_count if min(times, default=0.0) < NO_TIME_S else times


def _window_frames(
    reader: decord.VideoReader, start: int, end: int
) -> "deque[decord.ndarray.NDArray]":
    """Frames [start, end), taken without a pause; then the decoder is stopped."""
    reader.seek_accurate(start)
    frames = deque(reader.next() for _ in range(start, end))
    reader.seek(0)
    return frames


def _first_line(error: Exception) -> str:
    """What decord says, without its stack trace, source positions and the file's name."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return re.sub(r"(\[[^]]*\] ?|\S+\.cc:\d+: ?)", "", lines[0]).strip()[:160]
