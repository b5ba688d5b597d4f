"""The scored videos of a run, with what is known about their files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadScores
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.extractors.settings import Fps
from c2fpl.pipeline.files.npy_header import load_npy, read_npy_header
from c2fpl.pipeline.files.outcomes import load_failures
from c2fpl.pipeline.files.run_files import RunFiles, beside, load_json
from c2fpl.pipeline.files.saved_times import SUFFIX, load_times
from c2fpl.pipeline.steps.score_index import score_files


@dataclass(frozen=True)
class ScoredVideo:
    """One video of a run."""

    name: str
    """Path below the given folder, with forward slashes and without suffix."""
    scores_file: Path
    """float32 .npy (frames,)."""
    source: Path | None
    """Path of the video when its features were made; None if not recorded."""
    times_file: Path
    """File with the time of each frame; exists only if the rate varies."""
    times_facts: Mapping[str, Any]
    """Facts about the times, from the record."""
    frames_lost: int
    """Frames that the header announced but decoding did not produce."""
    fps: Fps = "native"
    """Whether scores are for the frames in the file or for resampled ones (`--fps 30`)."""
    picture_pixels: tuple[int, int] | None = None
    """Width and height of its pictures; None if not recorded."""
    damage: str = ""
    """Description of damage to the file, which may have lost more frames than `frames_lost`."""

    def scores(self) -> NDArray[np.float32]:
        """Load the scores, float32 (frames,) in [0, 1].

        Raises:
            BadScores: the file does not hold one number a frame.
            BadFile: no plain array.
        """
        scores = load_npy(self.scores_file)
        if scores.ndim != 1 or not len(scores) or scores.dtype.kind != "f":
            raise BadScores(
                f"{self.scores_file} holds {scores.dtype} {scores.shape}, not one float a frame; "
                "remove it and score again"
            )
        return scores.astype(np.float32, copy=False)

    def times(self) -> PresentationTimes:
        """Presentation times, one for each score.

        Raises:
            BadScores, BadFile: as `scores`.
        """
        shape = read_npy_header(self.scores_file).shape
        return load_times(self.times_file, self.times_facts, shape[0] if shape else 0)

    @property
    def playable(self) -> Path | None:
        """Path of the video if it still exists."""
        return self.source if self.source is not None and self.source.is_file() else None


def scored_videos(files: RunFiles) -> list[ScoredVideo]:
    """All videos whose scores count (`score_files`), in name order.

    Raises:
        BadScores: there are none.
    """
    found = score_files(files.scores)
    counted = {
        name: path
        for name, path in found.counted.items()
        if not path.is_relative_to(files.features)
    }
    if not counted:
        left_out = f" ({found.remark})" if found.remark else ""
        raise BadScores(
            f"no scores in {files.scores}{left_out}; run `c2fpl score` or `c2fpl run` first"
        )
    return [
        scored_video(files, name, path, found.rows.get(name, {})) for name, path in counted.items()
    ]


def videos_without_scores(files: RunFiles) -> list[str]:
    """Videos that failed or whose features were not scored, in name order."""
    scored = score_files(files.scores).counted
    failed = {failure.video for failure in load_failures(files)}
    extracted: set[str] = set()
    if files.holds == "run" and files.features.is_dir():
        extracted = {
            path.relative_to(files.features).as_posix().removesuffix(".npy")
            for path in files.features.rglob("*.npy")
            if not path.name.startswith(".")
        }
    return sorted((failed | extracted) - scored.keys())


def scored_video(
    files: RunFiles, name: str, scores_file: Path, row: Mapping[str, str]
) -> ScoredVideo:
    """Combine a score file with facts about its video.

    They come from the provenance beside the features if the run has it, else from the index row.
    """
    record = beside(files.features, name, ".json")
    facts: Mapping[str, Any] = load_json(record) if record.is_file() else row
    times_files = [beside(folder, name, SUFFIX) for folder in (files.scores, files.features)]
    times_file = next((path for path in times_files if path.exists()), times_files[0])
    try:
        return _from_facts(name, scores_file, times_file, facts)
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise BadScores(
            f"the entry of {name!r} in {record if record.is_file() else files.score_index} is "
            f"damaged ({error}); remove the file, then run the same command again"
        ) from error


def _from_facts(
    name: str, scores_file: Path, times_file: Path, facts: Mapping[str, Any]
) -> ScoredVideo:
    source, rate = facts.get("source"), float(facts.get("frame_rate") or 0)
    fps = facts.get("fps") or (facts.get("settings") or {}).get("fps", "native")
    return ScoredVideo(
        name,
        scores_file,
        Path(source).absolute() if source else None,
        times_file,
        {"frame_rate": rate, "times": facts.get("times"), "seekable": facts.get("seekable")},
        int(facts.get("num_frames_lost") or 0),
        "native" if fps == "native" else "30",
        _picture_pixels(facts),
        str(facts.get("damage") or ""),
    )


def _picture_pixels(facts: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = (int(facts.get(f"{side}_pixels") or 0) for side in ("width", "height"))
    return (width, height) if width > 0 and height > 0 else None
