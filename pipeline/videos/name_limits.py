"""Which video names cannot carry outputs: too long for the disk, or in the way of other files."""

import os
from collections.abc import Iterable
from pathlib import PurePosixPath

from c2fpl.pipeline.files.run_files import RunFiles

LONGEST_NAME_BYTES = 255
"""Of one file or folder name on all common file systems."""
OUTPUT_SUFFIXES = frozenset({".npy", ".json", ".csv", ".png"})
"""What outputs of a video are called after it; a name may not be a folder called so."""
OWN_NAMES = {"run": (), "labels": (), "features": ("run",), "scores": ("failed", "features/")}
"""Outputs that the folder holds itself where it holds one step alone: run.json, failed.csv."""


def unusable_names(files: RunFiles, names: Iterable[str]) -> dict[str, str]:
    """Name to reason, in one line with its cure, for every name that cannot be used."""
    known = set(names)
    found = {name: _unusable(files, name, known) for name in known}
    return {name: reason for name, reason in sorted(found.items()) if reason}


def _unusable(files: RunFiles, name: str, known: set[str]) -> str:
    path = PurePosixPath(name)
    longest = len(os.fsencode(path.name)) + len(".json")
    if longest > LONGEST_NAME_BYTES:
        return (
            f"its outputs would have names of {longest} bytes and {LONGEST_NAME_BYTES} is the "
            "most a disk takes; rename the video"
        )
    for folder in path.parents:
        if folder.suffix in OUTPUT_SUFFIXES and str(folder.with_suffix("")) in known:
            return (
                f"its folder {str(folder)!r} is called as an output of the video "
                f"{str(folder.with_suffix(''))!r}; rename the folder"
            )
    for own in OWN_NAMES[files.holds]:
        if name == own or (own.endswith("/") and name.startswith(own)):
            return f"{own!r} is a name of the output folder's own; rename the video or its folder"
    return ""
