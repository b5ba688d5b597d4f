"""Frames of scored videos by number, for pictures and clips; decoded in a watched child."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from c2fpl.extractors.decoder_messages import FrameRead, Undecodable
from c2fpl.extractors.decoding.frame_reader import FrameRequest, NumberedFrame, Span
from c2fpl.extractors.settings import DecodingSettings
from c2fpl.pipeline.steps.scored_videos import ScoredVideo

SHORT_SIDE_PIXELS = 256
"""Of segments, of which none is read here."""

Picture = NDArray[np.uint8]
"""uint8 (height, width, 3), RGB."""


class NotPlayable(ValueError):
    """A video of which a wanted picture cannot be read or written."""


class VideoFrames:
    """Reads one video after the other; use as a context manager, the child lives until its end."""

    def __init__(self) -> None:
        # as late as this: it needs a POSIX system, which the command line checks by itself
        from c2fpl.extractors.decoder_process import WatchedDecoders

        self._decoders = WatchedDecoders(DecodingSettings(), SHORT_SIDE_PIXELS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._decoders.__exit__(kind, error, trace)

    def read(self, video: ScoredVideo, spans: Iterable[Span]) -> Iterator[NumberedFrame]:
        """Frames [start, end) of each span, in order, each once.

        Raises:
            NotPlayable: the video is not in its place, or does not give all of them.
        """
        source = video.playable
        if source is None:
            where = f" at {video.source}" if video.source else ""
            raise NotPlayable(f"the video is no longer{where}; put it back or score it again")
        request = FrameRequest(source, tuple(spans), video.times(), video.fps)
        with closing(self._decoders.read([(video.name, request)])) as messages:
            for message in messages:
                if isinstance(message, Undecodable):
                    raise NotPlayable(message.reason)
                if isinstance(message, FrameRead):
                    yield message.frame

    def stills(
        self, video: ScoredVideo, frames: Sequence[int], height_pixels: int
    ) -> list[Picture | None]:
        """The given frames scaled to one height, pixels made square.

        A picture is a comfort: one that cannot be read is None, never an error.
        """
        found: dict[int, Picture] = {}
        try:
            for each in self.read(video, [(frame, frame + 1) for frame in frames]):
                found[each.frame] = scaled(each, height_pixels)
        except NotPlayable:
            pass  # what was read before will do
        return [found.get(frame) for frame in frames]


def scaled(frame: NumberedFrame, height_pixels: int) -> Picture:
    """A picture of the given height, width by the aspect ratio as displayed."""
    height, width = frame.pixels.shape[:2]
    size = max(1, round(width * frame.pixel_aspect * height_pixels / height)), height_pixels
    return np.asarray(Image.fromarray(frame.pixels).resize(size, Image.Resampling.BILINEAR))
