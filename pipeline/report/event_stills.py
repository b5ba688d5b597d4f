"""A picture of every event in the report, made once."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from c2fpl.pipeline.files.run_files import whole_file
from c2fpl.pipeline.report.events import Event
from c2fpl.pipeline.report.frames import VideoFrames
from c2fpl.pipeline.steps.scored_videos import ScoredVideo

STILL_HEIGHT_PIXELS = 160
JPEG_QUALITY = 80


def write_stills(
    folder: Path, videos: Mapping[str, ScoredVideo], events: Sequence[Event]
) -> dict[Event, str]:
    """Write the frame at each event's peak as a JPEG; those that are there already stay.

    Returns:
        File name by event; an event whose video is gone or does not decode there has none.
    """
    by_video: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_video[event.video].append(event)
    names: dict[Event, str] = {}
    with VideoFrames() as frames:
        for video_name, own in by_video.items():
            names |= stills_of(folder, frames, videos[video_name], own)
    return names


def stills_of(
    folder: Path, frames: VideoFrames, video: ScoredVideo, events: Sequence[Event]
) -> dict[Event, str]:
    """The pictures of one video's events, all read with the file opened once."""
    source = video.playable
    if source is None:
        return {}
    names = {event: still_name(source, event) for event in events}
    missing = [event for event in events if not (folder / names[event]).is_file()]
    peaks = [event.peak_frame for event in missing]
    pictures = frames.stills(video, peaks, STILL_HEIGHT_PIXELS) if missing else []
    for event, picture in zip(missing, pictures, strict=True):
        if picture is None:
            del names[event]
            continue
        with whole_file(folder / names[event]) as file:
            Image.fromarray(picture).save(file, "JPEG", quality=JPEG_QUALITY)
    return names


def still_name(source: Path, event: Event) -> str:
    """Another name for another video, another frame or a changed file."""
    facts = (str(source), source.stat().st_mtime_ns, event.peak_frame)
    text = "\0".join(str(fact) for fact in facts)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:20] + ".jpg"
