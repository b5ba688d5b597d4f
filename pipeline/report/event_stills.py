"""Still images of the events in the report."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from c2fpl.pipeline.files.atomic import whole_file
from c2fpl.pipeline.report.events import Event
from c2fpl.pipeline.report.frames import VideoFrames
from c2fpl.pipeline.steps.scored_videos import ScoredVideo

STILL_HEIGHT_PIXELS = 160
JPEG_QUALITY = 80


def write_stills(
    folder: Path, videos: Mapping[str, ScoredVideo], events: Sequence[Event]
) -> dict[Event, str]:
    """Save the frame at each event's peak as a JPEG, unless it exists already.

    Returns:
        File name by event. Events that have no still, and whose video is missing or cannot be
        decoded there, are left out.
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
    """Save the stills of one video's events, opening the video once.

    A still that exists is kept, also after its video was deleted.
    """
    names = {event: still_name(video, event) for event in events}
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


def still_name(video: ScoredVideo, event: Event) -> str:
    """A file name that differs for each video file, its scores and the frame."""
    scores_digest = hashlib.sha256(video.scores().tobytes()).hexdigest()
    text = "\0".join((str(video.source), scores_digest, str(event.peak_frame)))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:20] + ".jpg"
