"""Read frames of scored videos by number, decoded in a supervised child process."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from c2fpl.errors import BadVideo
from c2fpl.extractors.decoder_messages import FrameRead, Undecodable
from c2fpl.extractors.decoding.frame_reader import FrameRequest, NumberedFrame, Span
from c2fpl.extractors.settings import DecodingSettings
from c2fpl.pipeline.steps.scored_videos import ScoredVideo

SHORT_SIDE_PIXELS = 256
"""A size the decoders require for segments; no segments are read here."""

Picture = NDArray[np.uint8]
"""uint8 (height, width, 3), RGB."""


class VideoFrames:
    """Reads frames of videos, one video at a time, in a child process.

    Use as a context manager; leaving it ends the child process.
    """

    def __init__(self) -> None:
        # Imported here because it needs POSIX, which the command line checks first.
        from c2fpl.extractors.decoder_pool import DecoderPool

        self._decoders = DecoderPool(DecodingSettings(), SHORT_SIDE_PIXELS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._decoders.__exit__(*error)

    def read(self, video: ScoredVideo, spans: Iterable[Span]) -> Iterator[NumberedFrame]:
        """Yield the frames [start, end) of each span, in order, each once.

        Raises:
            BadVideo: the video is missing, or some of the frames cannot be decoded.
        """
        source = video.playable
        if source is None:
            where = f" at {video.source}" if video.source else ""
            raise BadVideo(f"the video is missing{where}; restore it or score it again")
        request = FrameRequest(source, tuple(spans), video.times(), video.fps)
        with closing(self._decoders.read([(video.name, request)])) as messages:
            for message in messages:
                if isinstance(message, Undecodable):
                    raise BadVideo(message.reason)
                if isinstance(message, FrameRead):
                    yield message.frame

    def stills(
        self, video: ScoredVideo, frames: Sequence[int], height_pixels: int
    ) -> list[Picture | None]:
        """The given frames, scaled to one height with square pixels.

        Stills are optional: one that cannot be read is None, not an error.
        """
        found: dict[int, Picture] = {}
        try:
            for each in self.read(video, [(frame, frame + 1) for frame in frames]):
                found[each.frame] = scaled(each, height_pixels)
        except BadVideo:
            pass  # keep the frames read so far
        return [found.get(frame) for frame in frames]


def scaled(frame: NumberedFrame, height_pixels: int) -> Picture:
    """The frame at the given height, its width by the display aspect ratio."""
    height, width = frame.pixels.shape[:2]
    size = max(1, round(width * frame.pixel_aspect * height_pixels / height)), height_pixels
    return np.asarray(Image.fromarray(frame.pixels).resize(size, Image.Resampling.BILINEAR))
