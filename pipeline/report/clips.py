"""Cut the events with the highest scores out of their videos, one mp4 file each."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from c2fpl.errors import BadVideo
from c2fpl.extractors.decoding.frame_reader import NumberedFrame, Span
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.pipeline.files.outcomes import Failure
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.wording import counted
from c2fpl.pipeline.report.events import Event, load_events, timecode
from c2fpl.pipeline.report.frames import VideoFrames
from c2fpl.pipeline.report.mp4 import Mp4Writer
from c2fpl.pipeline.settings import ClipSettings
from c2fpl.pipeline.steps.scored_videos import ScoredVideo, scored_videos

STEP = "clips"
LONGEST_NAME = 80

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Clips:
    """The result of cutting."""

    paths: tuple[Path, ...]
    """The clips, highest peak first."""
    failures: tuple[Failure, ...]
    """Events that could not be cut, with the reason."""


class Clip:
    """One event being written to a file."""

    def __init__(self, event: Event, path: Path) -> None:
        self.event = event
        self.path = path
        self.span: Span = (event.start_frame, event.end_frame)
        self.done = False
        self._writer: Mp4Writer | None = None

    def widen(self, times: PresentationTimes, settings: ClipSettings) -> None:
        """Extend the span by the seconds before and after the event.

        Raises:
            BadVideo: the scores have changed since the event was found.
        """
        start, end = self.span
        if end > times.frame_count:
            raise BadVideo(
                f"the video has scores for {times.frame_count} frames, but the event ends at frame "
                f"{end - 1}; run `c2fpl report` again"
            )
        first = times.frame_at(times.start_s(start) - settings.before_s)
        last = times.frame_at(times.end_s(end) + settings.after_s)
        self.span = min(first, start), max(last, end)

    def take(self, frame: NumberedFrame) -> None:
        """Write a frame if it is in the clip; the last one completes the file."""
        start, end = self.span
        if self.done or not start <= frame.frame < end:
            return
        if self._writer is None:
            self._writer = Mp4Writer(self.path)
        self._writer.add(frame.pixels, frame.time_s, frame.pixel_aspect)
        if frame.frame == end - 1:
            self._writer.finish()
            self._writer, self.done = None, True

    def discard(self) -> None:
        """Delete the partial file of an unfinished clip."""
        if self._writer is not None:
            self._writer.discard()

    def failure(self, error: BadVideo) -> Failure:
        """The failure record of this event."""
        first, last = self.event.start_frame, self.event.end_frame - 1
        return Failure(self.event.video, STEP, f"event of frames {first} to {last}: {error}")


def cut_clips(files: RunFiles, settings: ClipSettings, output: Path | None = None) -> Clips:
    """Cut the top events into clips/ (or `output`), as H.264 without sound.

    File names give rank, peak score, video and start: `003_0.912_gate_00-01-15.mp4`. Each video
    is read once. An event that cannot be written in full becomes a failure.

    Raises:
        BadScores: the run has no events yet.
        BadScores: the run has no scores.
    """
    videos = {video.name: video for video in scored_videos(files)}
    events = load_events(files).events[: settings.top]
    folder = output or files.clips
    clips = [Clip(event, folder / clip_name(rank, event)) for rank, event in enumerate(events, 1)]
    by_video: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        by_video[clip.event.video].append(clip)
    failures: list[Failure] = []
    with VideoFrames() as frames:
        for name, own in by_video.items():
            failures += cut_video(frames, videos.get(name), own, settings)
    paths = tuple(clip.path for clip in clips if clip.done)
    logger.info("%s in %s", counted(len(paths), "clip"), folder)
    return Clips(paths, tuple(failures))


def cut_video(
    frames: VideoFrames, video: ScoredVideo | None, clips: Sequence[Clip], settings: ClipSettings
) -> list[Failure]:
    """Write all clips of one video and return the failures."""
    if video is None:
        gone = BadVideo("the video no longer has scores; run `c2fpl report` again")
        return [clip.failure(gone) for clip in clips]
    try:
        times = video.times()
        for clip in clips:
            clip.widen(times, settings)
        for frame in frames.read(video, [clip.span for clip in clips]):
            for clip in clips:
                clip.take(frame)
    except BadVideo as error:
        return [clip.failure(error) for clip in clips if not clip.done]
    finally:
        for clip in clips:
            clip.discard()
    return []


def clip_name(rank: int, event: Event) -> str:
    """File name of a clip; a long video name keeps its end, which is the distinctive part."""
    name = event.video.replace("/", "_").replace("\\", "_")[-LONGEST_NAME:]
    while len(name.encode("utf-8", "surrogateescape")) > 2 * LONGEST_NAME:
        name = name[1:]
    start = timecode(event.start_s).partition(".")[0].replace(":", "-")
    return f"{rank:03d}_{event.peak_score:.3f}_{name}_{start}.mp4"
