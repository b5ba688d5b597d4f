"""Join score files with the videos of a test set by name, regardless of their folders."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadAnnotation, BadScores
from c2fpl.pipeline.files.npy_header import load_npy
from c2fpl.pipeline.steps.score_index import score_files
from c2fpl.pipeline.videos.names import named, video_path_name


@dataclass(frozen=True)
class JoinedScores:
    """Score files of a test set."""

    files: Mapping[str, Path]
    """Score file by joining name."""
    missing: tuple[str, ...]
    """Test videos without scores."""
    extra: tuple[str, ...]
    """Score files outside the test set."""
    notes: tuple[str, ...]
    """Notes on identical duplicates and ignored files (`score_files`)."""


def join_scores(folder: Path, wanted: Collection[str]) -> JoinedScores:
    """Find the score file of each wanted video in `folder`, searched recursively.

    Of name and path, the shorter must be the end of the longer. `cam1/day2` matches
    `all/cam1/day2.npy`, and also `day2.npy` if no other wanted name ends in `day2`, but never
    `cam2/day2.npy`. Identical duplicates count once.

    Raises:
        BadAnnotation: there are no scores, or a video has two different score files.
    """
    below = score_files(folder)
    paths = [(video_path_name(f"{name}.npy"), path) for name, path in below.counted.items()]
    if not paths:
        left_out = f" ({below.remark})" if below.remark else ""
        raise BadAnnotation(
            f"{folder} has no scores (.npy){left_out}: run c2fpl score into it first"
        )
    by_end = _by_end(wanted)
    found: dict[str, list[Path]] = defaultdict(list)
    extra = []
    for written, path in paths:
        name = _match(written, wanted, by_end)
        found[name].append(path) if name is not None else extra.append(written)
    duplicates = [_same_scores(name, files) for name, files in found.items() if len(files) > 1]
    files = {name: found[name][0] for name in wanted if name in found}
    flat = [name for name, path in files.items() if "/" in name and path.parent == folder]
    by_file_name = [f"joined by file name only, without folders: {named(flat)}"] if flat else []
    notes = (*duplicates, *by_file_name, *([below.remark] if below.remark else []))
    missing = tuple(name for name in wanted if name not in found)
    return JoinedScores(files, missing, tuple(extra), notes)


def load_scores(path: Path) -> NDArray[np.float32]:
    """Load the scores of one video, (frames,) float32.

    Raises:
        BadScores: the array is not 1-D or not of floats.
        BadFile: the file is not a plain array.
    """
    scores = load_npy(path)
    if scores.ndim != 1 or scores.dtype.kind != "f":
        raise BadScores(
            f"{path} has shape {scores.shape} and dtype {scores.dtype}: a score file has one float"
            " per frame; write it with c2fpl score"
        )
    return scores.astype(np.float32)


def _by_end(wanted: Collection[str]) -> dict[str, str | None]:
    """Map every end of a wanted name to that name, or to None if several names share it."""
    found: dict[str, str | None] = {}
    for name in wanted:
        for end in _ends(name):
            found[end] = None if end in found else name
    return found


def _match(written: str, wanted: Collection[str], by_end: Mapping[str, str | None]) -> str | None:
    name = next((end for end in _ends(written) if end in wanted), None)
    return name if name is not None else by_end.get(written)


def _ends(name: str) -> list[str]:
    """Path suffixes: `a/b/c` gives `a/b/c`, `b/c` and `c`."""
    parts = name.split("/")
    return ["/".join(parts[first:]) for first in range(len(parts))]


def _same_scores(name: str, files: list[Path]) -> str:
    first: NDArray[Any] = load_scores(files[0])
    for other in files[1:]:
        if not np.array_equal(first, load_scores(other)):
            raise BadAnnotation(
                f"{name} has two score files that differ, {files[0]} and {other}: its frames"
                " would count twice; remove one"
            )
    return f"{name} has {len(files)} identical score files, counted once"


def refuse_missing(missing: Collection[str], effect: str) -> None:
    """Refuse an incomplete test set.

    Raises:
        BadAnnotation: videos are missing; they are named.
    """
    if missing:
        raise BadAnnotation(
            f"no scores for {named(missing)} of the test set; {effect}, so the figures would"
            " describe a different test set: score the missing videos, or give --allow-missing"
        )
