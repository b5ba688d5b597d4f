"""Write mp4 files that all browsers and players can play: H.264, 4:2:0, no sound."""

import errno
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import IO, Self

import av
import numpy as np
from PIL import Image

from c2fpl.errors import BadVideo
from c2fpl.pipeline.files.atomic import finish, part_of, publish
from c2fpl.pipeline.report.frames import Picture

TIME_BASE = Fraction(1, 90_000)
CONSTANT_QUALITY = "23"
"""The default of x264."""
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG)
LEAST_SIDE_PIXELS = 16
"""Side of an H.264 macroblock; smaller pictures are enlarged by an integer factor."""


class Mp4Writer:
    """Writes an mp4 file, which gets its final name only when finished.

    The file starts at the time of the first picture. Pictures of a different size are resized to
    the first one. 4:2:0 needs even sides, so an odd last row or column is cropped.
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

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.finish()
        else:
            self.discard()

    def add(self, picture: Picture, time_s: float, pixel_aspect: Fraction = Fraction(1)) -> None:
        """Write the next picture.

        Args:
            picture: RGB, uint8 (height, width, 3).
            time_s: presentation time; moved just after the previous one if not later.
            pixel_aspect: width over height of a pixel; only that of the first picture is used.

        Raises:
            BadVideo: the picture cannot be encoded.
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
        """Flush the encoder and give the file its final name.

        Raises:
            BadVideo: no picture was added.
        """
        if self.num_pictures == 0:
            self.discard()
            raise BadVideo(f"no frames for {self._path.name}; check the video with `c2fpl inspect`")
        with self._encoding():
            self._container.mux(self._stream.encode())
            self._container.close()
        finish(self._file)
        self._file.close()
        publish(self._part, self._path)

    def discard(self) -> None:
        """Delete the partial file."""
        with suppress(av.FFmpegError, OSError, ValueError):  # the encoder may not have started
            self._container.close()
        self._file.close()
        self._part.unlink(missing_ok=True)

    def _begin(self, picture: Picture, time_s: float, pixel_aspect: Fraction) -> None:
        """Take size and time of the first picture, uint8 (height, width, 3)."""
        height, width = picture.shape[:2]
        scale = math.ceil(LEAST_SIDE_PIXELS / min(height, width))
        self._start_s = time_s
        self._stream.width, self._stream.height = (
            side * scale - side * scale % 2 for side in (width, height)
        )
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.sample_aspect_ratio = pixel_aspect

    def _fitted(self, picture: Picture) -> Picture:
        """The picture, uint8 (height, width, 3), in the size of the file."""
        width, height = self._stream.width, self._stream.height
        if 0 <= picture.shape[0] - height <= 1 and 0 <= picture.shape[1] - width <= 1:
            return np.ascontiguousarray(picture[:height, :width])
        resized = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(resized)

    @contextmanager
    def _encoding(self) -> Iterator[None]:
        """Turn encoder errors into BadVideo; disk errors, such as a full disk, pass through."""
        try:
            yield
        except av.FFmpegError as error:
            if isinstance(error, OSError) and error.errno in DISK_ERRORS:
                raise
            raise BadVideo(f"{self._path.name} cannot be encoded ({error.strerror})") from error
