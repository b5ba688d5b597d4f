"""Read the table of test videos with their frame and segment counts, in list order."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from c2fpl.errors import BadAnnotation, BadFile, BadSettings
from c2fpl.pipeline.files.run_files import load_table
from c2fpl.pipeline.truth.protocols import Counts
from c2fpl.pipeline.videos.names import video_name, video_path_name

NAME_COLUMNS = ("video", "path")
"""Accepted columns of video names, with or without folders and suffixes."""

FRAMES_COLUMNS = ("n_frames", "n_mask_frames")
"""Accepted columns of frame counts; an empty cell is an unknown count."""


@dataclass(frozen=True)
class CountTable:
    """Counts of each video."""

    path: Path
    counts: Mapping[str, Counts]
    """By joining name, in list order."""
    gap: str = ""
    """Message about a lost or moved row, found by the column `order`; empty if there is none."""

    @property
    def frames(self) -> dict[str, int]:
        """Known frame counts by joining name."""
        return {n: counts.frames for n, counts in self.counts.items() if counts.frames is not None}


def read_count_table(path: Path, segments_column: str | None = None) -> CountTable:
    """Read a CSV with columns `video` and `n_frames` (or `n_mask_frames`), rows in list order.

    Args:
        path: the CSV; an optional column `order` (0, 1, ...) reveals lost rows.
        segments_column: column with the segment counts of a feature set.

    Raises:
        BadAnnotation: the file cannot be read, a column or all rows are missing, a video is listed
            twice, or a count is not a number.
    """
    rows = _rows(path)
    frames_column = next((c for c in FRAMES_COLUMNS if c in rows[0]), None)
    name_column = next((c for c in NAME_COLUMNS if c in rows[0]), None)
    if name_column is None:
        raise BadAnnotation(f"{path} has no column 'video': add it; {_columns(rows[0])}")
    if segments_column is not None and segments_column not in rows[0]:
        raise BadAnnotation(
            f"{path} has no column {segments_column!r}: add it; {_columns(rows[0])}"
        )
    if frames_column is None and segments_column is None:
        raise BadAnnotation(f"{path} has no column 'n_frames': add it; {_columns(rows[0])}")
    names = _names([row[name_column] or "" for row in rows])
    _check_names(path, names)
    counts = {
        name: _counts(path, name, row.get(frames_column or ""), row.get(segments_column or ""))
        for name, row in zip(names, rows, strict=True)
    }
    return CountTable(path, MappingProxyType(counts), _gap(path, rows, names))


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        rows = load_table(path)
    except OSError as error:
        raise BadAnnotation(f"{path} cannot be read ({error.strerror}): check the path") from error
    except BadFile as error:
        raise BadAnnotation(f"{error}: give the table of counts") from error
    if not rows:
        raise BadAnnotation(f"{path} has no rows: give a CSV with columns video and n_frames")
    return rows


def _names(written: list[str]) -> list[str]:
    """Joining names: file names, or paths if two videos share a file name."""
    names = [video_name(entry) for entry in written]
    return names if len(set(names)) == len(names) else [video_path_name(e) for e in written]


def _columns(row: dict[str, str]) -> str:
    return f"its columns are {', '.join(str(column) for column in row)}"


def _check_names(path: Path, names: list[str]) -> None:
    seen: set[str] = set()
    for row, name in enumerate(names, start=2):
        if not name or name in seen:
            fault = f"{name!r} a second time" if name else "no video"
            raise BadAnnotation(f"{path}, line {row} names {fault}: keep one row per video")
        seen.add(name)


def _gap(path: Path, rows: list[dict[str, str]], names: list[str]) -> str:
    """Describe the first row whose `order` is not its row number: a row was lost or moved."""
    if "order" not in rows[0]:
        return ""
    for place, (row, name) in enumerate(zip(rows, names, strict=True)):
        if row["order"] != str(place):
            before = f"between {names[place - 1]} and {name}" if place else f"before {name}"
            return (
                f"{path}: a row was lost or moved {before} (order {row['order']!r}, expected"
                f" {place}): every frame after it would shift; restore the table"
            )
    return ""


def _counts(path: Path, name: str, frames: str | None, segments: str | None) -> Counts:
    try:
        return Counts(_count(frames), _count(segments))
    except ValueError as error:
        raise BadAnnotation(f"{path}, video {name}: {error}") from error


def _count(cell: str | None) -> int | None:
    digits = (cell or "").strip()
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit() and len(digits) < 12):
        raise BadSettings(f"{cell!r} is not a count: write digits only")
    return int(digits)
