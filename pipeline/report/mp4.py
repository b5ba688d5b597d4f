"""Writes mp4 files that every browser and player shows: H.264, 4:2:0, picture only."""

import errno
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import av
import numpy as np
from PIL import Image

from c2fpl.pipeline.files.run_files import finish, part_of, publish
from c2fpl.pipeline.report.frames import NotPlayable, Picture

TIME_BASE = Fraction(1, 90_000)
CONSTANT_QUALITY = "23"
"""x264's own default."""
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG)
LEAST_SIDE_PIXELS = 16
"""Smaller pictures are enlarged by a whole number: a macroblock of H.264."""


class Mp4Writer:
    """An mp4 that appears under its name only when it is finished.

    It starts with the first picture and keeps the times between them. Pictures of another size
    than the first are fitted to it. An odd last row or column is cut off: 4:2:0 has none.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._part = path, part_of(path)
        self._file: IO[bytes] = self._part.open("wb")
        self._container = av.open(self._file, "w", format="mp4")
        self._stream = self._container.add_stream("libx264", options={"crf": CONSTANT_QUALITY})
        self._stream.codec_context.time_base = TIME_BASE
        self._start_s = 0.0
        self._last_ticks = -1
        self.num_pictures = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.discard()

    def add(self, picture: Picture, time_s: float, pixel_aspect: Fraction = Fraction(1)) -> None:
        """Write the next picture.

        Args:
            picture: RGB, uint8 (height, width, 3).
            time_s: when it is shown; one that is not later than the last is moved behind it.
            pixel_aspect: width over height of a pixel; that of the first counts.

        Raises:
            NotPlayable: it cannot be encoded.
        """
        if self.num_pictures == 0:
            self._begin(picture, time_s, pixel_aspect)
        fitted = self._fitted(picture)
        frame = av.VideoFrame.from_ndarray(fitted, format="rgb24")
        ticks = max(round((time_s - self._start_s) / TIME_BASE), self._last_ticks + 1)
        frame.time_base, frame.pts, self._last_ticks = TIME_BASE, ticks, ticks
        self.num_pictures += 1
        with self._encoding():
            self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Write what the encoder holds back, and give the file its name.

        Raises:
            NotPlayable: there was no picture.
        """
        if self.num_pictures == 0:
            self.discard()
            raise NotPlayable(f"no frame for {self._path.name}; see `c2fpl inspect`")
        with self._encoding():
            self._container.mux(self._stream.encode())
            self._container.close()
        finish(self._file)
        self._file.close()
        publish(self._part, self._path)

    def discard(self) -> None:
        """Forget everything written."""
        with suppress(av.FFmpegError, OSError, ValueError):  # of an encoder that never began
            self._container.close()
        self._file.close()
        self._part.unlink(missing_ok=True)

    def _begin(self, picture: Picture, time_s: float, pixel_aspect: Fraction) -> None:
        height, width = picture.shape[:2]
        scale = math.ceil(LEAST_SIDE_PIXELS / min(height, width))
        self._start_s = time_s
        self._stream.width, self._stream.height = (
            side * scale - side * scale % 2 for side in (width, height)
        )
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.sample_aspect_ratio = pixel_aspect

    def _fitted(self, picture: Picture) -> Picture:
        width, height = self._stream.width, self._stream.height
        if 0 <= picture.shape[0] - height <= 1 and 0 <= picture.shape[1] - width <= 1:
            return np.ascontiguousarray(picture[:height, :width])
        resized = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(resized)

    @contextmanager
    def _encoding(self) -> Iterator[None]:
        """An encoder's refusal is said of the video; a full disk is an error as everywhere."""
        try:
            yield
        except av.FFmpegError as error:
            if isinstance(error, OSError) and error.errno in DISK_ERRORS:
                raise
            raise NotPlayable(f"{self._path.name} cannot be encoded ({error.strerror})") from error
