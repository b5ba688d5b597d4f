"""The events with the highest scores, each cut out of its video as an mp4 of its own."""

import logging
from dataclasses import dataclass
from pathlib import Path

from c2fpl.pipeline.clip_settings import ClipSettings
from c2fpl.pipeline.files.outcomes import Failure
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.words import counted
from c2fpl.pipeline.report.events import Event, load_events, timecode
from c2fpl.pipeline.report.mp4 import NotPlayable, read_pictures, write_pictures
from c2fpl.pipeline.steps.scored_videos import ScoredVideo, scored_videos

STEP = "clips"
LONGEST_NAME = 80

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Clips:
    """What was cut."""

    paths: tuple[Path, ...]
    """The clips, highest peak first."""
    failures: tuple[Failure, ...]
    """Videos of events that could not be cut."""


def cut_clips(files: RunFiles, settings: ClipSettings, output: Path | None = None) -> Clips:
    """Cut the top events into clips/ (or `output`): H.264 without sound.

    A name tells rank, peak score, video and start: `003_0.912_gate_00-01-15.mp4`.

    Raises:
        NoEvents: the run has no events yet.
        NoScores: the run has no scores.
    """
    videos = {video.name: video for video in scored_videos(files)}
    events = load_events(files).events[: settings.top]
    folder = output or files.clips
    paths, failures = [], []
    for rank, event in enumerate(events, start=1):
        path = folder / clip_name(rank, event)
        try:
            cut(videos.get(event.video), event, settings, path)
            paths.append(path)
        except NotPlayable as error:
            failures.append(Failure(event.video, STEP, str(error)))
    logger.info("%s in %s", counted(len(paths), "clip"), folder)
    return Clips(tuple(paths), tuple(failures))


def cut(video: ScoredVideo | None, event: Event, settings: ClipSettings, path: Path) -> None:
    """Write one clip.

    Raises:
        NotPlayable: the video is not where it was, or gives no frame there.
    """
    source = video.playable if video else None
    if source is None:
        where = f" at {video.source}" if video and video.source else ""
        raise NotPlayable(f"the video is no longer{where}; put it back or score it again")
    start_s, end_s = max(0.0, event.start_s - settings.before_s), event.end_s + settings.after_s
    write_pictures(path, read_pictures(source, start_s, end_s))


def clip_name(rank: int, event: Event) -> str:
    """A file name without folders; the end of a very long video name is what tells it apart."""
    name = event.video.replace("/", "_").replace("\\", "_")[-LONGEST_NAME:]
    while len(name.encode("utf-8", "surrogateescape")) > 2 * LONGEST_NAME:
        name = name[1:]
    start = timecode(event.start_s).partition(".")[0].replace(":", "-")
    return f"{rank:03d}_{event.peak_score:.3f}_{name}_{start}.mp4"
