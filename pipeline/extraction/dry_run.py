"""Predicts a run: which videos are done, which remain, and how long they will take."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from c2fpl.errors import TooShort
from c2fpl.extractors.cores import default_workers
from c2fpl.extractors.segments import SegmentPlan
from c2fpl.extractors.settings import DecodingSettings, Fps
from c2fpl.models.settings import TrainingSettings
from c2fpl.pipeline.extraction.extract_features import still_to_do
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.extraction.inspect_videos import INSPECT_SHORT_SIDE_PIXELS
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.wording import counted, format_duration
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import VideoFile

if TYPE_CHECKING:
    from rich.table import Table

    from c2fpl.extractors.decoder_messages import HeaderMessage


@dataclass(frozen=True)
class PlannedVideo:
    """State of one video before the run."""

    video: VideoFile
    done: bool
    """Whether features of these settings exist."""
    frames: int
    """Frames by the header's count, or by its duration and rate; 0 if it cannot be read."""
    problem: str
    """Why the video will fail: unreadable header, or unusable name; empty if it will not."""


def plan_videos(
    files: RunFiles, videos: Sequence[VideoFile], settings: FeatureSettings, execution: Execution
) -> list[PlannedVideo]:
    """Read the header of every video; nothing is decoded or written."""
    work = still_to_do(files, videos, settings, execution)
    todo, refused = set(work.todo), {failure.video: failure.reason for failure in work.refused}
    read = [video for video in work.videos if video.name not in refused]
    headers = _headers(read, settings.decoding, execution.workers)
    return [
        PlannedVideo(video, False, 0, refused[video.name])
        if video.name in refused
        else _planned(video, headers[video.name], settings.decoding.fps, done=video not in todo)
        for video in work.videos
    ]


def plan_table(planned: Sequence[PlannedVideo]) -> "Table":
    """Table for the terminal, one row per video."""
    from rich.table import Table
    from rich.text import Text

    table = Table("video", "features", "frames by header", "problem")
    for item in planned:
        state = "done" if item.done else "will fail" if item.problem else "to do"
        cells = (item.video.name, state, str(item.frames or "-"), item.problem)
        table.add_row(*map(Text, cells))
    return table


def estimate_lines(
    videos: Sequence[tuple[Path, int, bool]],
    settings: FeatureSettings,
    execution: Execution,
    training: TrainingSettings | None,
) -> list[str]:
    """Measure the speed of this machine and estimate the time of extraction and training.

    Args:
        videos: path, number of frames, and whether the features exist already.
        settings: settings of the extraction.
        execution: devices and workers.
        training: settings of the training; None if nothing will be trained.
    """
    from c2fpl.pipeline.extraction.estimate import measure_speed

    every = sum(_segments(frames, settings) for _, frames, _ in videos)
    todo = sum(_segments(frames, settings) for _, frames, done in videos if not done)
    readable = [path for path, frames, _ in videos if frames]
    speed = measure_speed(readable[:8], settings, execution, training or TrainingSettings())
    if speed is None:
        return ["no estimate: no video could be decoded"]
    extraction = settings.extraction
    crops = counted(extraction.crops, "crop")
    lines = [
        f"{todo} of {counted(every, 'segment')} to extract with {extraction.backbone}, {crops}, on "
        f"{speed.device}: about {format_duration(speed.extraction_s(todo))}"
    ]
    if training is not None:
        passes = training.epochs * training.passes(every)
        seconds = speed.training_s(every, passes)
        lines.append(f"training, {passes} passes over them: about {format_duration(seconds)}")
    return [
        *lines,
        "estimated from a measurement of two seconds; beside other programs it may take several "
        "times as long",
    ]


def _headers(
    videos: Sequence[VideoFile], decoding: DecodingSettings, workers: int
) -> dict[str, "HeaderMessage"]:
    """Headers by video name, read in supervised child processes."""
    from c2fpl.extractors.decoder_pool import DecoderPool

    workers = workers or default_workers()
    with DecoderPool(decoding, INSPECT_SHORT_SIDE_PIXELS, workers=workers) as decoders:
        found = decoders.headers((video.name, video.path) for video in videos)
        return {str(message.key): message for message in found}


def _planned(video: VideoFile, message: "HeaderMessage", fps: Fps, *, done: bool) -> PlannedVideo:
    from c2fpl.extractors.decoder_messages import Undecodable

    if isinstance(message, Undecodable):
        return PlannedVideo(video, done, 0, message.reason)
    header = message.header
    frames = header.num_frames or round((header.duration_s or 0) * header.frame_rate)
    if fps != "native":
        frames = round(frames * float(fps) / header.frame_rate)
    return PlannedVideo(video, done, frames, "")


def _segments(frames: int, settings: FeatureSettings) -> int:
    if not frames:
        return 0
    try:
        return SegmentPlan(frames, tail=settings.extraction.tail).segment_count
    except TooShort:
        return 0
