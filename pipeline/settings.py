"""How a run is carried out: what changes its speed and place, never its results; the scores."""

import math
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from c2fpl.models.settings import ScoreOptions

Engine = Literal["local", "ray"]
Layout = Literal["auto", "segments-first", "crops-first", "crop-files", "video-files"]
FramesPerSegment = int | Literal["auto", "equal"]


@dataclass(frozen=True, kw_only=True)
class Execution:
    """Machine, resume and words on screen. No field here may change a result."""

    device: str = "auto"
    """auto (a GPU if there is one), cpu, cuda, cuda:1, or several: cuda:0,cuda:1."""
    workers: int = 0
    """Decoder processes a device; 0 chooses by the number of cores."""
    segments_per_call: int = 0
    """Segments a network call; 0 measures the best number on a GPU. On a CPU it changes nothing."""
    overwrite: bool = False
    """Do everything again; by default what is done and unchanged stays."""
    shard: str = "1/1"
    """i/n: this process takes every n-th video from the i-th on (SLURM arrays: --shard $ID/$N)."""
    engine: Engine = "local"
    """This machine, or a Ray cluster (extra [ray])."""
    quiet: bool = False
    """No progress; errors and the last line only."""
    log_file: Path | None = None
    """Also write what is said, with times, to this file."""

    def __post_init__(self) -> None:
        if self.workers < 0 or self.segments_per_call < 0:
            raise ValueError("workers and segments per call cannot be negative; 0 chooses them")
        index, count = self.shard_of
        if not 1 <= index <= count:
            raise ValueError(f"shard {self.shard!r} is not i/n with 1 <= i <= n; 3/8 is an example")

    @property
    def shard_of(self) -> tuple[int, int]:
        """(i, n) of the shard, 1-based; (0, 0) where it cannot be read."""
        match = re.fullmatch(r"(\d+)/(\d+)", self.shard)
        return (int(match[1]), int(match[2])) if match else (0, 0)

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices by name, one extraction process each."""
        return tuple(name.strip() for name in self.device.split(","))


@dataclass(frozen=True, kw_only=True)
class ScoreSettings(ScoreOptions):
    """What is done to the scores, and what is written of them."""

    format: str = "npy"
    """npy, or npy,csv for a table (frame, time_s, score) beside each array."""

    def __post_init__(self) -> None:
        super().__post_init__()
        unknown = set(self.formats) - {"npy", "csv"}
        if unknown or "npy" not in self.formats:
            raise ValueError(f"format {self.format!r} is not npy or npy,csv")

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats one by one."""
        return tuple(part.strip() for part in self.format.split(","))


@dataclass(frozen=True, kw_only=True)
class ReadingSettings:
    """How published features are read. Those that `extract` wrote say all of this themselves."""

    layout: Layout = "auto"
    """Axes of each file (segments-first: segments, crops, dim; crops-first: crops, segments, dim),
    or what `_0` to `_9` at the end of file names are (crop-files: crops; video-files: videos)."""
    frames_per_segment: FramesPerSegment = "auto"
    """Frames a segment: 64, say, or equal for equal parts of every video (Sultani et al.); auto is
    16, and equal where all videos have exactly 32 segments."""
    names: Path | None = None
    """List of the videos of a concatenation, in the order of its offsets."""
    frame_counts: Path | None = None
    """CSV with columns video and n_frames. With it, scores of published features are as long as
    the videos; equal parts, and concatenations without offsets, cannot be read without it."""

    def __post_init__(self) -> None:
        if isinstance(self.frames_per_segment, int) and self.frames_per_segment < 1:
            raise ValueError(
                f"frames per segment {self.frames_per_segment} must be at least 1; 16 is usual"
            )


@dataclass(frozen=True, kw_only=True)
class WatchSettings:
    """When a video that arrives is whole, and who hears of its events."""

    settle_s: float = 10.0
    """A file is read once its size and date have not changed for so many seconds."""
    command: str = ""
    """Program to start for each event, with its arguments; it reads the event as JSON from its
    standard input. No shell is involved."""
    webhook: str = ""
    """Address to which each event is posted as JSON, such as http://localhost:8000/events."""
    poll: bool = False
    """Ask the disk for changes: for network disks, which do not announce them."""

    def __post_init__(self) -> None:
        if not 0 <= self.settle_s < math.inf:
            raise ValueError(f"settle {self.settle_s} is not a number of seconds >= 0")
        if self.webhook and not self.webhook.startswith(("http://", "https://")):
            raise ValueError(f"webhook {self.webhook!r} must start with http:// or https://")
        try:
            shlex.split(self.command)
        except ValueError as error:
            raise ValueError(f"command {self.command!r}: {error}; close the quotes") from error


@dataclass(frozen=True, kw_only=True)
class EventSettings:
    """How scores become events."""

    threshold: float | None = None
    """Score above which an event begins; without it chosen from the run's own scores."""
    quantile: float | None = None
    """Share of all frames below the threshold, for example 0.99; instead of a threshold."""
    hysteresis: float = 0.8
    """An event lasts while the score stays above this share of the way from the run's median score
    up to the threshold; 1 ends it at the threshold itself."""
    merge_gap_s: float = 2.0
    """Events closer than this many seconds become one."""
    min_length_s: float = 0.5
    """Shorter events are left out; one segment (16 frames at 30 a second) is just long enough."""

    def __post_init__(self) -> None:
        for name in ("threshold", "quantile", "hysteresis"):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"{name} {value} is not in [0, 1]")
        for name in ("merge_gap_s", "min_length_s"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} {getattr(self, name)} is not a number of seconds >= 0")
        if self.threshold is not None and self.quantile is not None:
            raise ValueError("threshold and quantile both given; leave one of them out")
