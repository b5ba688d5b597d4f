"""Data of the report as small script files: a page on disk can load scripts but cannot fetch."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.pipeline.files.outcomes import load_failures
from c2fpl.pipeline.files.run_files import RunFiles, beside, finite, load_json
from c2fpl.pipeline.report.curves import Curve, curve_of
from c2fpl.pipeline.report.events import Event, RunEvents
from c2fpl.pipeline.steps.scored_videos import ScoredVideo
from c2fpl.pipeline.truth.windows import Windows

MOST_STEPS = 20_000
"""Most steps of a curve on the page: all segments of a 3-hour video, about 250 KB."""
SPARK_PARTS = 48
SPARK_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""One letter per part of the video, from A (score 0) to _ (score 1)."""
SCORE_DIGITS = 5
MILLISECONDS = 3
"""Decimal digits of times in seconds."""

Json = dict[str, Any]


def script(function: str, *values: object) -> bytes:
    """A script that passes values to a function of the page; `<` is escaped, so none can end it."""
    texts = (json.dumps(value, separators=(",", ":"), allow_nan=False) for value in values)
    return f"c2fpl.{function}({','.join(texts)});\n".replace("<", "\\u003c").encode("ascii")


def link(target: Path, page_folder: Path) -> str:
    """Relative URL of a file, with special characters quoted."""
    relative = os.path.relpath(target.absolute(), page_folder.absolute())
    return quote_from_bytes(os.fsencode(relative))


def video_row(
    video: ScoredVideo, scores: NDArray[np.float32], threshold: float, event_count: int
) -> list[object]:
    """One row of the video table, from scores (frames,); report_lists.js has this order too."""
    return [
        video.name,
        round(video.times().duration_s, 2),
        round(float(scores.max()), SCORE_DIGITS),
        round(float(scores.mean(dtype=np.float64)), SCORE_DIGITS),
        event_count,
        round(float((scores > threshold).mean()), 4),
        video.frames_lost,
        spark(scores),
        video.damage,
    ]


def spark(scores: NDArray[np.float32]) -> str:
    """The highest score of each of 48 equal parts (or one per frame, if fewer), as letters."""
    parts = min(SPARK_PARTS, len(scores))
    highest = np.maximum.reduceat(scores, np.arange(parts) * len(scores) // parts)
    return "".join(SPARK_LETTERS[level] for level in np.rint(highest * 63).astype(int))


def video_data(
    files: RunFiles, video: ScoredVideo, scores: NDArray[np.float32], windows: Windows
) -> Json:
    """Data of the panel of one video, from scores (frames,)."""
    curve, times = curve_of(scores, MOST_STEPS), video.times()
    plot = beside(files.plots, video.name, ".png")
    source = video.source
    return {
        "name": video.name,
        "sources": [link(source, files.report), source.as_uri()] if source else [],
        "rate": times.frame_rate,
        "duration": round(times.duration_s, MILLISECONDS),
        "frames": len(scores),
        "starts": curve.starts.tolist(),
        "values": np.round(curve.values.astype(np.float64), SCORE_DIGITS).tolist(),
        "uneven": uneven(times, curve),
        "windows": [[times.start_s(start), times.end_s(end)] for start, end in windows],
        "lost": video.frames_lost,
        "damage": video.damage,
        "timing": times.remark,
        "scores": link(video.scores_file, files.report),
        "plot": link(plot, files.report) if plot.is_file() else None,
    }


def uneven(times: PresentationTimes, curve: Curve) -> list[list[float]] | None:
    """Start and end of each curve step in seconds; None if the frame rate is constant."""
    if times.seconds is None:
        return None
    starts_s, ends_s = times.start_s(curve.starts), times.end_s(curve.edges[1:])
    return [np.round(seconds, MILLISECONDS).tolist() for seconds in (starts_s, ends_s)]


def event_data(event: Event, video_index: int, still: str | None) -> list[object]:
    """One event; report_lists.js reads the columns in this order."""
    times = round(event.start_s, 3), round(event.end_s, 3)
    score = round(event.peak_score, SCORE_DIGITS)
    return [video_index, *times, score, still, event.start_frame, event.end_frame]


def run_data(
    files: RunFiles, rows: Sequence[Sequence[Any]], found: RunEvents, unscored: Sequence[str]
) -> Json:
    """Data of the whole run: counts, threshold, settings, times, failures, links.

    `rows` are the rows of the video table and `unscored` the names of videos without scores.
    """
    failures = load_failures(files)
    return {
        "name": files.root.absolute().name,
        "videos": len(rows),
        "unscored": list(unscored),
        "seconds": round(sum(float(row[1]) for row in rows), 1),
        "events": len(found.events),
        "threshold": found.threshold.value,
        "background": found.threshold.background,
        "rule": found.threshold.rule,
        "hysteresis": found.settings.hysteresis,
        "mergeGap": found.settings.merge_gap_s,
        "minLength": found.settings.min_length_s,
        "failures": [[f.video, f.step, f.reason] for f in failures],
        "record": finite(load_json(files.record)) if files.record.is_file() else {},
        "metrics": finite(load_json(files.metrics)) if files.metrics.is_file() else {},
        "links": links(files),
    }


def links(files: RunFiles) -> Json:
    """Links to the files of the run that exist."""
    named = {
        "events.csv": files.events,
        "events.json": files.events_json,
        "failed.csv": files.failed,
        "run.json": files.record,
        "metrics.json": files.metrics,
        "scores": files.scores,
    }
    return {name: link(path, files.report) for name, path in named.items() if path.exists()}
