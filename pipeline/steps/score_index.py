"""The index of a folder of scores, which decides which score files count.

All videos in an index were scored by one detector with one set of options. Score files that it does
not list, such as those of an earlier detector, stay on disk but are left out.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from c2fpl.pipeline.files.run_files import RunFiles, load_table, save_table
from c2fpl.pipeline.files.wording import counted
from c2fpl.pipeline.videos.names import named

INDEX_HEADER = (
    *("video", "fingerprint", "detector", "source", "frame_rate", "times", "seekable", "fps"),
    *("width_pixels", "height_pixels", "num_frames_lost", "damage"),
)
"""Columns: what the scores were made from, and facts about the video."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScoreFiles:
    """The score files of one folder."""

    counted: Mapping[str, Path]
    """Score file by video name, in name order."""
    left_out: tuple[str, ...]
    """Names of score files that the index does not list."""
    rows: Mapping[str, Mapping[str, str]]
    """Row of the index by video name; empty without an index."""

    @property
    def remark(self) -> str:
        """One line about the files left out; empty if there are none."""
        if not self.left_out:
            return ""
        return (
            f"{counted(len(self.left_out), '.npy file')} left out, not written by the last scoring:"
            f" {named(self.left_out)} (made by another detector or an unfinished"
            " scoring; score their videos again)"
        )


def score_files(folder: Path) -> ScoreFiles:
    """Find the score files below a folder; without an index, every .npy file counts.

    Raises:
        BadFile: the index is damaged.
    """
    found = {
        path.relative_to(folder).as_posix().removesuffix(".npy"): path
        for path in sorted(folder.rglob("*.npy"))
        if not path.name.startswith(".")
    }
    index = RunFiles(folder, holds="scores").score_index
    if not index.is_file():
        return ScoreFiles(found, (), {})
    rows = {row["video"]: row for row in load_table(index, INDEX_HEADER)}
    counted = {name: path for name, path in found.items() if name in rows}
    left_out = (name for name in found.keys() - rows.keys() if not _is_features(found[name]))
    return ScoreFiles(counted, tuple(sorted(left_out)), rows)


def save_index(folder: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write the index of a folder of scores, in name order; missing values stay empty."""
    in_order = sorted(rows, key=lambda row: str(row["video"]))
    save_table(
        RunFiles(folder, holds="scores").score_index,
        INDEX_HEADER,
        ([row.get(column, "") for column in INDEX_HEADER] for row in in_order),
    )


def warn_of_left_out(folder: Path) -> None:
    """Warn about score files that do not count."""
    if remark := score_files(folder).remark:
        logger.warning("%s: %s", folder, remark)


def _is_features(path: Path) -> bool:
    """Whether a .npy below the scores is a feature file: `c2fpl score` keeps features there."""
    return path.with_name(path.name.removesuffix(".npy") + ".json").exists()
