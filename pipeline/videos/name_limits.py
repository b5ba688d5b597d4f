"""Finds video names that cannot be used for outputs: too long, or equal to other files."""

import os
from collections.abc import Iterable
from pathlib import PurePosixPath

from c2fpl.pipeline.files.run_files import RunFiles

LONGEST_NAME_BYTES = 255
"""Limit of a file or folder name on all common file systems."""
OUTPUT_SUFFIXES = frozenset({".npy", ".json", ".csv", ".png"})
"""Suffixes of the outputs of a video. A folder must not have the name of such an output."""
LONGEST_SUFFIX = ".times"
"""The longest suffix of the outputs of a video."""
OWN_NAMES = {"run": (), "labels": (), "features": ("run",), "scores": ("failed", "features/")}
"""Names used by the output folder of a single step: run.json, failed.csv, features/."""


def unusable_names(files: RunFiles, names: Iterable[str]) -> dict[str, str]:
    """For every name that cannot be used, the reason and the cure in one line."""
    known = set(names)
    found = {name: _unusable(files, name, known) for name in known}
    return {name: reason for name, reason in sorted(found.items()) if reason}


def _unusable(files: RunFiles, name: str, known: set[str]) -> str:
    path = PurePosixPath(name)
    longest = len(os.fsencode(path.name)) + len(LONGEST_SUFFIX)
    if longest > LONGEST_NAME_BYTES:
        return (
            f"the names of its outputs would have {longest} bytes and the limit of file systems is "
            f"{LONGEST_NAME_BYTES}; rename the video"
        )
    for folder in path.parents:
        if folder.suffix in OUTPUT_SUFFIXES and str(folder.with_suffix("")) in known:
            return (
                f"its folder {str(folder)!r} has the name of an output of the video "
                f"{str(folder.with_suffix(''))!r}; rename the folder"
            )
    for own in OWN_NAMES[files.holds]:
        if name == own or (own.endswith("/") and name.startswith(own)):
            return f"{own!r} is reserved in the output folder; rename the video or its folder"
    return ""
