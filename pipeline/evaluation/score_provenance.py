"""What is recorded of the frames of a folder of scores: their times and their frame rate."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from c2fpl.extractors.decoding.presentation_times import PresentationTimes, constant_times
from c2fpl.pipeline.files.run_files import RunFiles, beside, load_json
from c2fpl.pipeline.steps.score_index import score_files
from c2fpl.pipeline.steps.scored_videos import scored_video
from c2fpl.pipeline.videos.names import named


def recorded_times(
    scores: Path, path: Path, frame_rate: float | None = None
) -> PresentationTimes | None:
    """Presentation times of the frames of one score file, or None if unknown.

    Args:
        scores: folder of scores.
        path: file in this folder.
        frame_rate: frames per second to use if no times are recorded.
    """
    row = score_files(scores).rows.get(_name(scores, path), {})
    for files in (RunFiles(scores.parent), RunFiles(scores, holds="scores")):
        times = scored_video(files, _name(scores, path), path, row).times()
        if times.source != "assumed":
            return times
    return constant_times(times.frame_count, frame_rate, "rate") if frame_rate else None


def recorded_frame_rate(scores: Path, frames: Mapping[Path, int]) -> float | None:
    """Mean frames per second of these frames; None if the times of a video are not recorded.

    Args:
        scores: folder of scores.
        frames: number of frames of each video that count, by its file in this folder.
    """
    seconds = 0.0
    for path, count in frames.items():
        times = recorded_times(scores, path)
        if times is None or times.frame_count == 0:
            return None
        seconds += count * times.duration_s / times.frame_count
    return sum(frames.values()) / seconds if seconds > 0 else None


def resampling_note(scores: Path, files: Mapping[str, Path]) -> tuple[str, ...]:
    """Note on videos whose features were extracted at another frame rate than their own."""
    resampled = [name for name, path in files.items() if _is_resampled(_facts(scores, path))]
    if not resampled:
        return ()
    return (
        "scored at another frame rate than that of the video (as with --fps 30), so annotations"
        f" must use the scored frame rate: {named(resampled)}",
    )


def _is_resampled(facts: Mapping[str, Any]) -> bool:
    decoded = facts.get("num_frames_decoded")
    return bool(facts.get("num_frames_source", decoded) != decoded)


def _facts(scores: Path, path: Path) -> Mapping[str, Any]:
    """Provenance of the features, next to the scores or inside their folder; empty if missing."""
    for files in (RunFiles(scores.parent), RunFiles(scores, holds="scores")):
        record = beside(files.features, _name(scores, path), ".json")
        if record.is_file():
            return load_json(record)
    return {}


def _name(scores: Path, path: Path) -> str:
    return path.relative_to(scores).as_posix().removesuffix(".npy")
