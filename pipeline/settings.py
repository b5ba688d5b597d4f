"""Settings of the pipeline: execution, features to read, scores, events, clips and watching."""

import math
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from c2fpl.errors import BadSettings
from c2fpl.field_checks import check_fields
from c2fpl.models.settings import ScoreOptions

Engine = Literal["local", "ray"]
Layout = Literal["auto", "segments-first", "crops-first", "crop-files", "video-files"]
FramesPerSegment = int | Literal["auto", "equal"]


@dataclass(frozen=True, kw_only=True)
class Execution:
    """Hardware, resuming and log output. No field here changes a result."""

    device: str = "auto"
    """Device: auto (a GPU if there is one), cpu, cuda, cuda:1, or several such as cuda:0,cuda:1."""
    workers: int = 0
    """Decoder processes per device; 0 chooses by the number of cores."""
    segments_per_call: int = 0
    """Segments per network call. 0 measures the fastest number on a GPU; a CPU runs them one by
    one."""
    overwrite: bool = False
    """Compute everything again. By default, results whose inputs are unchanged are kept."""
    shard: str = "1/1"
    """i/n: process every n-th video, starting with the i-th (SLURM arrays: --shard $ID/$N)."""
    engine: Engine = "local"
    """local runs on this machine, ray on a Ray cluster (extra [ray])."""
    quiet: bool = False
    """Print only warnings, errors and the last line."""
    log_file: Path | None = None
    """Also write the log, with times, to this file."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.workers < 0 or self.segments_per_call < 0:
            raise BadSettings(
                f"workers {self.workers} and segments per call {self.segments_per_call} must not"
                " be negative; 0 chooses them"
            )
        index, count = self.shard_of
        if not 1 <= index <= count:
            raise BadSettings(f"shard {self.shard!r} is not i/n with 1 <= i <= n, such as 3/8")

    @property
    def shard_of(self) -> tuple[int, int]:
        """(i, n) of the shard, counted from 1; (0, 0) if it is malformed."""
        match = re.fullmatch(r"(\d+)/(\d+)", self.shard)
        return (int(match[1]), int(match[2])) if match else (0, 0)

    def refuse_shards(self) -> None:
        """Reject --shard in a command other than `extract`.

        Raises:
            BadSettings: --shard was given.
        """
        if self.shard_of[1] > 1:
            raise BadSettings(
                f"--shard {self.shard} works only with `c2fpl extract`; the other steps need all "
                "videos: extract every shard into OUTPUT/features, then `c2fpl run ... -o OUTPUT`"
            )

    @property
    def devices(self) -> tuple[str, ...]:
        """Names of the devices. Each gets one extraction process."""
        return tuple(name.strip() for name in self.device.split(","))


@dataclass(frozen=True, kw_only=True)
class ScoreSettings(ScoreOptions):
    """Post-processing of the scores, and the file formats to write."""

    format: str = "npy"
    """npy, or npy,csv to also write a table (frame, time_s, score) for each video."""

    def __post_init__(self) -> None:
        super().__post_init__()
        unknown = set(self.formats) - {"npy", "csv"}
        if unknown or "npy" not in self.formats:
            raise BadSettings(f"format {self.format!r} must be npy or npy,csv")

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats as a tuple."""
        return tuple(part.strip() for part in self.format.split(","))


@dataclass(frozen=True, kw_only=True)
class ReadingSettings:
    """How to read published features. Features of `c2fpl extract` need none of these settings."""

    layout: Layout = "auto"
    """Axes of each array (segments-first: segments, crops, dim; crops-first: crops, segments, dim),
    or what `_0` to `_9` at the end of file names count (crop-files: crops; video-files: videos)."""
    frames_per_segment: FramesPerSegment = "auto"
    """Frames per segment, such as 16 or 64, or equal for videos divided into parts of equal length
    (Sultani et al.). auto is equal if all videos have exactly 32 segments, else 16."""
    names: Path | None = None
    """List of the videos in a concatenated feature file, in the order of its offsets."""
    frame_counts: Path | None = None
    """CSV with columns video and n_frames: scores of published features get exactly as many frames
    as the videos. Required for equal parts and for concatenated features without offsets."""

    def __post_init__(self) -> None:
        check_fields(self)
        if isinstance(self.frames_per_segment, int) and self.frames_per_segment < 1:
            raise BadSettings(
                f"frames per segment {self.frames_per_segment} must be at least 1; 16 is usual"
            )


@dataclass(frozen=True, kw_only=True)
class WatchSettings:
    """When a new video is complete, and where to report its events."""

    settle_s: float = 10.0
    """Process a file once its size and date have not changed for this many seconds."""
    command: str = ""
    """Program to start for each event, with its arguments. It gets the event as JSON on standard
    input and runs without a shell."""
    webhook: str = ""
    """URL to which each event is posted as JSON, such as http://localhost:8000/events."""

    def __post_init__(self) -> None:
        check_fields(self)
        if not 0 <= self.settle_s < math.inf:
            raise BadSettings(f"settle {self.settle_s} is not a number of seconds >= 0")
        if self.webhook and not self.webhook.startswith(("http://", "https://")):
            raise BadSettings(f"webhook {self.webhook!r} must start with http:// or https://")
        try:
            shlex.split(self.command)
        except ValueError as error:
            raise BadSettings(f"command {self.command!r}: {error}; close the quotes") from error


@dataclass(frozen=True, kw_only=True)
class EventSettings:
    """How to turn scores into events."""

    threshold: float | None = None
    """Score above which an event begins. By default it is chosen from the scores of the run."""
    quantile: float | None = None
    """Choose the threshold so that this fraction of all frames is below it, such as 0.99."""
    hysteresis: float = 0.8
    """An event continues while the score stays above the run's median score plus this fraction of
    the distance from there to the threshold. With 1 it ends at the threshold itself."""
    merge_gap_s: float = 2.0
    """Merge events that are less than this many seconds apart."""
    min_length_s: float = 0.5
    """Drop events shorter than this many seconds. One segment (16 frames at 30 fps) is just long
    enough."""

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("threshold", "quantile", "hysteresis"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise BadSettings(f"{name} {value} is not in [0, 1]")
        for name in ("merge_gap_s", "min_length_s"):
            if not 0 <= getattr(self, name) < math.inf:
                raise BadSettings(f"{name} {getattr(self, name)} is not a number of seconds >= 0")
        if self.threshold is not None and self.quantile is not None:
            raise BadSettings(
                f"threshold {self.threshold} and quantile {self.quantile} are both given; leave one"
                " out"
            )


@dataclass(frozen=True, kw_only=True)
class ClipSettings:
    """Which events to cut, and how much video around them."""

    top: int = 20
    """Number of events to cut, highest peak first."""
    before_s: float = 2.0
    """Seconds of video to include before the event."""
    after_s: float = 2.0
    """Seconds of video to include after the event."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.top < 1:
            raise BadSettings(f"top {self.top} must be at least 1: the number of events to cut")
        for name in ("before_s", "after_s"):
            if not 0 <= getattr(self, name) < 3600:
                raise BadSettings(f"{name} {getattr(self, name)} is not in [0, 3600) seconds")
