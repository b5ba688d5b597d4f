"""Copy a video with its score curve drawn below the picture and a bar at the current frame."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from c2fpl.errors import UnknownVideo
from c2fpl.extractors.decoding.frame_reader import NumberedFrame
from c2fpl.pipeline.files.run_files import RunFiles, beside
from c2fpl.pipeline.report.curves import curve_of
from c2fpl.pipeline.report.events import load_events
from c2fpl.pipeline.report.frames import Picture, VideoFrames
from c2fpl.pipeline.report.mp4 import Mp4Writer
from c2fpl.pipeline.steps.scored_videos import ScoredVideo, scored_videos

PANEL_SHARE = 0.22
"""Height of the curve panel, below the picture, as a fraction of the picture height."""
LEAST_PANEL_PIXELS = 48
BACK, CURVE, PLAYED, LINE = (24, 26, 30), (110, 130, 155), (125, 181, 245), (200, 200, 200)
EVENT, BAR = (242, 165, 65), (255, 90, 80)
"""Colours as RGB."""


@dataclass(frozen=True)
class Panel:
    """The score curve of a whole video, drawn once in two versions."""

    before: Picture
    """uint8 (height, width, 3), RGB: the part after the current frame."""
    after: Picture
    """uint8 (height, width, 3), RGB: the part already played."""


def write_overlay(files: RunFiles, video: str, output: Path | None = None) -> Path:
    """Write a copy of a video with its scores drawn in, to overlays/<name>.mp4 or `output`.

    Args:
        files: a run with scores; if it has events, their threshold is drawn.
        video: name in the run, or path of the file.
        output: the mp4 file to write.

    Raises:
        UnknownVideo: the run has no scores for the video.
        BadVideo: the file is missing, or not every scored frame can be decoded.
    """
    found = find_video(files, video)
    threshold = load_events(files).threshold.value if files.events_json.is_file() else None
    path = output or beside(files.overlays, found.name, ".mp4")
    scores = found.scores()
    with VideoFrames() as frames, Mp4Writer(path) as mp4:
        whole = frames.read(found, [(0, len(scores))])
        for frame, picture in with_scores(whole, scores, threshold):
            mp4.add(picture, frame.time_s, frame.pixel_aspect)
    return path


def find_video(files: RunFiles, video: str) -> ScoredVideo:
    """Find a video of a run by name or path.

    Raises:
        UnknownVideo: no video matches.
    """
    videos = scored_videos(files)
    path = Path(video).absolute()
    for found in videos:
        if found.name == video or (found.source is not None and found.source == path):
            return found
    raise UnknownVideo(
        f"{video!r} has no scores in {files.root}; use a name such as {videos[0].name!r}"
    )


def with_scores(
    frames: Iterable[NumberedFrame], scores: NDArray[np.float32], threshold: float | None
) -> Iterator[tuple[NumberedFrame, Picture]]:
    """Append the panel below each picture; pictures are resized to the first one.

    Args:
        frames: frames of the video.
        scores: float32 (frames,) in [0, 1].
        threshold: drawn as a line; scores above it are marked.
    """
    panel: Panel | None = None
    size = 0, 0
    for frame in frames:
        if panel is None:
            height, width = frame.pixels.shape[:2]
            size = width, height
            panel = draw_panel(scores, threshold, width, panel_height(height))
        picture = frame.pixels
        if picture.shape[1::-1] != size:
            picture = np.asarray(Image.fromarray(picture).resize(size))
        strip = at_frame(panel, frame.frame, len(scores))
        write_score(strip, float(scores[frame.frame]), frame.time_s, threshold)
        yield frame, np.vstack([picture, strip])


def panel_height(picture_height: int) -> int:
    """Height of the panel; even, so that an even picture stays even."""
    return max(LEAST_PANEL_PIXELS, round(picture_height * PANEL_SHARE)) // 2 * 2


def draw_panel(
    scores: NDArray[np.float32], threshold: float | None, width: int, height: int
) -> Panel:
    """Draw the curve as a filled area, one value per pixel column, and the threshold line.

    `scores` is float32 (frames,) in [0, 1]; the pictures are uint8 (height, width, 3).
    """
    curve = curve_of(scores, width)
    columns = np.searchsorted(curve.starts, np.arange(width) * len(scores) // width, side="right")
    levels = curve.values[columns - 1]
    rows = np.arange(height)[:, None]
    filled = rows >= height - 1 - np.rint(levels * (height - 3))
    above = filled & (levels > threshold) if threshold is not None else np.zeros_like(filled)
    before = np.full((height, width, 3), BACK, dtype=np.uint8)
    after = before.copy()
    before[filled], after[filled], after[above] = CURVE, PLAYED, EVENT
    for picture in (before, after):
        if threshold is not None:
            picture[round((height - 1) - threshold * (height - 3)), ::4] = LINE
    return Panel(before, after)


def at_frame(panel: Panel, index: int, frame_count: int) -> Picture:
    """The panel at frame `index`, with a bar at its position."""
    width = panel.before.shape[1]
    place = min(width - 1, index * width // frame_count)
    strip = panel.before.copy()
    strip[:, :place] = panel.after[:, :place]
    strip[:, max(0, place - 1) : place + 1] = BAR
    return strip


def write_score(strip: Picture, score: float, time_s: float, threshold: float | None) -> None:
    """Write time and score in the upper left corner, in orange above the threshold."""
    scale = strip.shape[0] / 90
    minutes, seconds = divmod(time_s, 60)
    text = f"{int(minutes)}:{seconds:04.1f}  {score:.3f}"
    colour = EVENT if threshold is not None and score > threshold else (255, 255, 255)
    face, size = cv2.FONT_HERSHEY_SIMPLEX, 0.6 * scale
    (width, height), below = cv2.getTextSize(text, face, size, 1)
    strip[: height + below + 6, : width + 8] = BACK
    cv2.putText(strip, text, (4, height + 4), face, size, colour, 1, cv2.LINE_AA)
