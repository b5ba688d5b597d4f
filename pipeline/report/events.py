"""Turn frame-level scores into events: stretches of video worth watching."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadScores, BadSettings
from c2fpl.extractors.decoding.presentation_times import SHORTEST_S, PresentationTimes
from c2fpl.pipeline.files.run_files import RunFiles, load_json, save_json, save_table
from c2fpl.pipeline.report.thresholds import Threshold, choose_threshold, count_scores
from c2fpl.pipeline.settings import EventSettings
from c2fpl.pipeline.steps.scored_videos import ScoredVideo, scored_videos, videos_without_scores
from c2fpl.pipeline.truth.frame_runs import runs_of_ones

COLUMNS = (
    *("video", "start_frame", "end_frame", "start_s", "end_s", "peak_score", "peak_frame"),
    *("start_timecode", "end_timecode"),
)


@dataclass(frozen=True)
class Event:
    """A stretch of one video with high scores."""

    video: str
    """Name of the video in the run."""
    start_frame: int
    """First frame, 0-based."""
    end_frame: int
    """One past the last frame."""
    start_s: float
    """Start in seconds from the first frame."""
    end_s: float
    """End in seconds from the first frame."""
    peak_score: float
    """Highest score, in [0, 1]."""
    peak_frame: int
    """Middle of the first stretch of frames with the highest score."""


@dataclass(frozen=True)
class RunEvents:
    """All events of a run, highest peak first, with the threshold and settings used."""

    threshold: Threshold
    settings: EventSettings
    events: tuple[Event, ...]


def lower_threshold(threshold: Threshold, hysteresis: float) -> float:
    """The score below which an event ends; never above the threshold."""
    background = min(threshold.background, threshold.value)
    return background + hysteresis * (threshold.value - background)


def find_events(
    scores: NDArray[np.float32],
    times: PresentationTimes,
    threshold: Threshold,
    settings: EventSettings,
) -> list[tuple[int, int]]:
    """Find [start, end) of every event, in frames, in order.

    A stretch above the lower threshold is an event if one of its frames is above the threshold.
    Close events are merged, then short ones dropped. In a video shorter than the minimum length,
    an event must span the whole video.

    Args:
        scores: float32 (frames,) in [0, 1].
        times: presentation times of the frames.
        threshold: the run's threshold.
        settings: hysteresis, merge gap and minimum length.
    """
    high = scores > lower_threshold(threshold, settings.hysteresis)
    runs = [
        (start, end)
        for start, end in runs_of_ones(high)
        if scores[start:end].max() > threshold.value
    ]
    shortest_s = min(settings.min_length_s, times.duration_s) - SHORTEST_S
    return [
        (start, end)
        for start, end in merge(runs, times, settings.merge_gap_s)
        if times.end_s(end) - times.start_s(start) >= shortest_s
    ]


def merge(
    runs: Sequence[tuple[int, int]], times: PresentationTimes, gap_s: float
) -> list[tuple[int, int]]:
    """Merge sorted runs that are less than `gap_s` apart.

    At 1 frame per second and a gap of 3 s, [(0, 4), (6, 9)] becomes [(0, 9)].
    """
    merged: list[tuple[int, int]] = []
    for start, end in runs:
        if merged and times.start_s(start) - times.end_s(merged[-1][1]) < gap_s - SHORTEST_S:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def peak_frame_of(scores: NDArray[np.float32], start: int, end: int) -> int:
    """The middle frame of the first stretch with the highest score in [start, end).

    `scores` is float32 (frames,).
    """
    within = scores[start:end]
    first = int(np.argmax(within))
    lower = np.flatnonzero(within[first:] < within[first])
    length = int(lower[0]) if len(lower) else len(within) - first
    return start + first + (length - 1) // 2


def events_of(video: ScoredVideo, threshold: Threshold, settings: EventSettings) -> list[Event]:
    """The events of one video in chronological order."""
    scores, times = video.scores(), video.times()
    events = []
    for start, end in find_events(scores, times, threshold, settings):
        peak = peak_frame_of(scores, start, end)
        seconds = times.start_s(start), times.end_s(end)
        events.append(Event(video.name, start, end, *seconds, float(scores[peak]), peak))
    return events


def find_run_events(videos: Sequence[ScoredVideo], settings: EventSettings) -> RunEvents:
    """Choose one threshold for all videos and find their events, highest peak first."""
    counts = count_scores(video.scores() for video in videos)
    threshold = choose_threshold(counts, value=settings.threshold, quantile=settings.quantile)
    events = [event for video in videos for event in events_of(video, threshold, settings)]
    return RunEvents(threshold, settings, ranked(events))


def ranked(events: Iterable[Event]) -> tuple[Event, ...]:
    """The events with the highest peak first."""
    in_order = sorted(events, key=lambda event: (-event.peak_score, event.video, event.start_frame))
    return tuple(in_order)


def events_by_video(found: RunEvents) -> dict[str, list[Event]]:
    """The events of each video that has any."""
    by_video: dict[str, list[Event]] = {}
    for event in found.events:
        by_video.setdefault(event.video, []).append(event)
    return by_video


def write_events(files: RunFiles, settings: EventSettings) -> RunEvents:
    """Find the events of a run and write events.csv and events.json.

    Raises:
        BadScores: the run has no scores yet.
    """
    videos = scored_videos(files)
    found = find_run_events(videos, settings)
    save_events(files, found, len(videos), videos_without_scores(files))
    return found


def save_events(
    files: RunFiles, found: RunEvents, video_count: int, unscored: Sequence[str]
) -> None:
    """Write events.csv and events.json.

    `video_count` is the number of videos with scores, `unscored` the names of the others.
    """
    save_table(files.events, COLUMNS, (row_of(event) for event in found.events))
    save_json(
        files.events_json,
        {
            "threshold": asdict(found.threshold),
            "settings": asdict(found.settings),
            "videos": video_count,
            "videos_without_scores": list(unscored),
            "events": [dict(zip(COLUMNS, row_of(event), strict=True)) for event in found.events],
        },
    )


def load_events(files: RunFiles) -> RunEvents:
    """Read the events that `write_events` wrote.

    Raises:
        BadScores: events.json is missing or damaged.
    """
    if not files.events_json.is_file():
        raise BadScores(
            f"no {files.events_json}; `c2fpl report {files.root}` writes it once `c2fpl run` or "
            "`c2fpl score` has written scores there"
        )
    stored = load_json(files.events_json)
    try:
        events = tuple(_event(row) for row in stored["events"])
        threshold, settings = stored["threshold"], EventSettings(**stored["settings"])
        return RunEvents(
            Threshold(
                float(threshold["value"]), float(threshold["background"]), str(threshold["rule"])
            ),
            settings,
            events,
        )
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise BadScores(
            f"{files.events_json} is damaged ({reason}); `c2fpl report {files.root}` rewrites it"
        ) from error


def _event(row: Mapping[str, Any]) -> Event:
    """Read one stored event and check its numbers."""
    start, end, peak = (int(row[name]) for name in ("start_frame", "end_frame", "peak_frame"))
    seconds = float(row["start_s"]), float(row["end_s"])
    score = float(row["peak_score"])
    if not (0 <= start <= peak < end and 0 <= seconds[0] <= seconds[1] < math.inf):
        raise BadSettings(f"event from {start} to {end}, peak at {peak}")
    if not 0 <= score <= 1:
        raise BadSettings(f"peak score {score}")
    return Event(str(row["video"]), start, end, *seconds, score, peak)


def row_of(event: Event) -> tuple[str | int | float, ...]:
    """One event as a row in the order of COLUMNS, seconds rounded to milliseconds."""
    return (
        event.video,
        event.start_frame,
        event.end_frame,
        round(event.start_s, 3),
        round(event.end_s, 3),
        round(event.peak_score, 6),
        event.peak_frame,
        timecode(event.start_s),
        timecode(event.end_s),
    )


def timecode(seconds: float) -> str:
    """Seconds as HH:MM:SS.mmm: 3661.5 -> 01:01:01.500."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
