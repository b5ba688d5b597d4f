"""Writes files atomically: complete under their final names, or not at all."""

import hashlib
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PART_PREFIX = ".part-"
"""Prefix of unfinished files. They are renamed when complete; a later run removes leftovers."""


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that is synced and renamed to `path` only if the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(path)
    try:
        with part.open("wb") as file:
            yield file
            finish(file)
        publish(part, path)
    finally:
        part.unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    """Path of the unfinished file next to `path`, with a short unique name."""
    own = f"{path.name}\0{platform.node()}".encode("utf-8", "surrogateescape")
    digest = hashlib.sha256(own).hexdigest()[:16]
    return path.with_name(f"{PART_PREFIX}{digest}-{os.getpid()}")


def finish(file: IO[bytes]) -> None:
    """Flush the file to the disk."""
    file.flush()
    os.fsync(file.fileno())


def publish(part: Path, path: Path) -> None:
    """Rename a finished file to its final name and sync the folder."""
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
