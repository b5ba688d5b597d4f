"""What a run would do: which videos are done, which are left, and about how long that takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from c2fpl.extractors.cores import default_workers
from c2fpl.extractors.segments import SegmentPlan, TooShort
from c2fpl.extractors.settings import DecodingSettings, Fps
from c2fpl.models.settings import TrainingSettings
from c2fpl.pipeline.extraction.extract_features import still_to_do
from c2fpl.pipeline.extraction.inspect_videos import INSPECT_SHORT_SIDE_PIXELS
from c2fpl.pipeline.extraction.worker import FeatureSettings
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.words import counted
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import VideoFile

if TYPE_CHECKING:
    from rich.table import Table

    from c2fpl.extractors.decoder_messages import HeaderMessage


@dataclass(frozen=True)
class PlannedVideo:
    """One video as it stands before the run."""

    video: VideoFile
    """The file."""
    done: bool
    """Features of these settings are there."""
    frames: int
    """As its header promises, or its duration and rate make; 0 where it cannot be read."""
    problem: str
    """Why the video will fail: its header cannot be read, or its name carries no outputs."""


def plan_videos(
    files: RunFiles, videos: Sequence[VideoFile], settings: FeatureSettings, execution: Execution
) -> list[PlannedVideo]:
    """Read every header; nothing is decoded or written."""
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
    """For the screen: a row a video."""
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
    """Probe this machine and say how long extraction, and training where wanted, may take.

    Args:
        videos: path, frames, and whether the features are there already.
        settings: of the extraction.
        execution: devices and workers.
        training: None where nothing will be trained.
    """
    from c2fpl.pipeline.extraction.estimate import measure_speed, spoken

    every = sum(_segments(frames, settings) for _, frames, _ in videos)
    todo = sum(_segments(frames, settings) for _, frames, done in videos if not done)
    readable = [path for path, frames, _ in videos if frames]
    speed = measure_speed(readable[:8], settings, execution, training or TrainingSettings())
    if speed is None:
        return ["no estimate: nothing decodes"]
    extraction = settings.extraction
    crops = counted(extraction.crops, "crop")
    lines = [
        f"{todo} of {counted(every, 'segment')} to extract with {extraction.backbone}, {crops}, on "
        f"{speed.device}: about {spoken(speed.extraction_s(todo))}"
    ]
    if training is not None:
        passes = training.epochs * training.passes(every)
        seconds = speed.training_s(every, passes)
        lines.append(f"training, {passes} passes over them: about {spoken(seconds)}")
    return [*lines, "an estimate from a probe of about two seconds, as busy as the machine is now"]


def _headers(
    videos: Sequence[VideoFile], decoding: DecodingSettings, workers: int
) -> dict[str, "HeaderMessage"]:
    """By name; read in watched children, as everything that a file may break."""
    from c2fpl.extractors.decoder_process import WatchedDecoders

    workers = workers or default_workers()
    with WatchedDecoders(decoding, INSPECT_SHORT_SIDE_PIXELS, workers=workers) as decoders:
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
