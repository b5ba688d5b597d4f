"""Small videos whose every frame carries its own number, written with PyAV.

A frame is a grid of 4 x 4 blocks, dark or orange. The corners tell which way is up (only the upper
left one is orange); the twelve others are the bits of the frame number, so the number can be read
back off the pixels after any lossy codec, resize or rotation. Orange, so that swapped colours show.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias, cast

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

GRID = 4
DARK = (16, 16, 16)
ORANGE = (250, 160, 40)
BIT_CELLS = [cell for cell in np.ndindex(GRID, GRID) if not set(cell) <= {0, GRID - 1}]
Packet: TypeAlias = "av.Packet[Any]"
TIME_BASE = Fraction(1, 600)
"""Finer than any frame rate used, and a multiple of 24, 25 and 30."""


@dataclass(frozen=True, eq=False)
class Synthetic:
    """A video to write."""

    name: str
    """File name; its suffix chooses the container."""
    codec: str = "libx264"
    frames: int = 40
    width: int = 128
    height: int = 96
    rate: int = 25
    pix_fmt: str = "yuv420p"
    gop: int = 12
    options: dict[str, str] = field(default_factory=dict)
    """Private options of the encoder."""
    times: Sequence[float] | None = None
    """Seconds at which frames are shown; a constant rate without."""
    start_s: float = 0.0
    """Time of the first frame; before 0 the container cuts frames off with an edit list."""

    def write(self, folder: Path) -> Path:
        """Write the video into a folder."""
        path = folder / self.name
        with av.open(str(path), "w") as container:
            stream = cast(VideoStream, container.add_stream(self.codec, rate=self.rate))
            stream.width, stream.height, stream.pix_fmt = self.width, self.height, self.pix_fmt
            stream.gop_size = self.gop
            time_base = TIME_BASE if self.times else Fraction(1, self.rate)
            stream.codec_context.time_base = time_base
            stream.options = dict(self.options)
            for frame in self._frames(time_base):
                container.mux(self._moved(stream.encode(frame)))
            container.mux(self._moved(stream.encode()))
        return path

    def _frames(self, time_base: Fraction) -> Iterable[av.VideoFrame]:
        for number in range(self.frames):
            pixels = numbered_frame(number, self.width, self.height)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            time_s = self.times[number] if self.times else Fraction(number, self.rate)
            frame.pts, frame.time_base = round(time_s / time_base), time_base
            yield frame

    def _moved(self, packets: list[Packet]) -> list[Packet]:
        for packet in packets:
            assert packet.pts is not None
            assert packet.dts is not None
            assert packet.time_base is not None
            packet.pts += round(self.start_s / packet.time_base)
            packet.dts += round(self.start_s / packet.time_base)
        return packets


def numbered_frame(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """RGB, uint8 (height, width, 3), that carries a number below 4096."""
    grid = np.full((GRID, GRID, 3), DARK, np.uint8)
    grid[0, 0] = ORANGE
    for bit, cell in enumerate(BIT_CELLS):
        if number >> bit & 1:
            grid[cell] = ORANGE
    rows = np.arange(height) * GRID // height
    columns = np.arange(width) * GRID // width
    return grid[rows][:, columns]


def number_of(frame: NDArray[np.uint8]) -> int:
    """The number that a frame carries; -1 where it is not upright or its colours are swapped."""
    height, width = frame.shape[:2]
    rows = (2 * np.arange(GRID) + 1) * height // (2 * GRID)
    columns = (2 * np.arange(GRID) + 1) * width // (2 * GRID)
    cells = frame[rows][:, columns].astype(int)
    lit = cells[..., 0] > 130
    upright = lit[0, 0] and not (lit[0, -1] or lit[-1, 0] or lit[-1, -1])
    if not upright or np.any(cells[lit][:, 0] - cells[lit][:, 2] < 60):
        return -1
    return sum(1 << bit for bit, cell in enumerate(BIT_CELLS) if lit[cell])


def numbers_of(frames: Iterable[NDArray[np.uint8]]) -> list[int]:
    """The numbers of several frames, in order."""
    return [number_of(frame) for frame in frames]


def rotate_tag(path: Path, degrees: int) -> None:
    """Tag an mp4 so that players turn it clockwise, by writing the matrix of its track header."""
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    matrix = [cosine << 16, sine << 16, 0, -sine << 16, cosine << 16, 0, 0, 0, 1 << 30]
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 40
    data[start : start + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    path.write_bytes(data)
