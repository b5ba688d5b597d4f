"""Locks an output folder for one run, or for the shards of one extraction together."""

import os
import platform
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from c2fpl.errors import FolderInUse
from c2fpl.extractors.unix_only import fcntl
from c2fpl.pipeline.files.atomic import PART_PREFIX
from c2fpl.pipeline.files.run_files import RunFiles

WAIT_FOR_SHARDS_S = 10.0
"""How long a shard waits while another one cleans up the folder."""
POLL_S = 0.05


@contextmanager
def only_writer(files: RunFiles, shard: tuple[int, int] = (1, 1)) -> Iterator[None]:
    """Lock the output folder within the block; first remove unfinished files of a killed run.

    Shards (i, n) with the same n share the folder; all other writers exclude each other. The kernel
    releases a lock when its process ends for any reason, so a stale lock file never blocks.

    Raises:
        FolderInUse: another process has locked the folder.
    """
    with ExitStack() as held:
        for folder in _folders(files):
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(_shared(folder, shard) if shard[1] > 1 else _alone(folder))
        yield


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait for exclusive access to a file that several shards update."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock-merge").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def remove_parts(folder: Path) -> None:
    """Remove unfinished files of a killed run. The caller must hold the lock of the folder."""
    for part in folder.rglob(PART_PREFIX + "*"):
        part.unlink(missing_ok=True)


def _folders(files: RunFiles) -> tuple[Path, ...]:
    """The folders to lock. `extract` can write features into a run, so they have their own lock."""
    return (files.features, files.root) if files.holds == "run" else (files.root,)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("a+") as file:
        if not _taken(file, fcntl.LOCK_EX):
            raise _in_use(folder, _holder_of(file))
        _write_holder(file, f"process {os.getpid()} on {platform.node()}")
        remove_parts(folder)
        try:
            yield
        except BaseException:
            remove_parts(folder)  # left by worker processes that were killed with the run
            raise


@contextmanager
def _shared(folder: Path, shard: tuple[int, int]) -> Iterator[None]:
    index, count = shard
    own_path = folder / f".lock-{index}-of-{count}"
    with (folder / ".lock").open("a+") as common, own_path.open("a+") as own:
        _join(folder, common, f"shards of {count}")
        if not _taken(own, fcntl.LOCK_EX):
            raise _in_use(folder, f"shard {index}/{count}, {_holder_of(own)}")
        _write_holder(own, f"process {os.getpid()} on {platform.node()}")
        yield


def _join(folder: Path, common: IO[str], division: str) -> None:
    """Share the folder with shards of the same division; the first one cleans it up."""
    deadline_s = time.monotonic() + WAIT_FOR_SHARDS_S
    while True:
        if _taken(common, fcntl.LOCK_EX):
            remove_parts(folder)
            _write_holder(common, division)
        if _taken(common, fcntl.LOCK_SH) and _holder_of(common) == division:
            return
        fcntl.flock(common, fcntl.LOCK_UN)
        if time.monotonic() > deadline_s:
            raise _in_use(folder, _holder_of(common))
        time.sleep(POLL_S)


def _taken(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder_of(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip() or "a process that has just started"


def _write_holder(file: IO[str], holder: str) -> None:
    file.truncate(0)
    file.write(holder)
    file.flush()


def _in_use(folder: Path, holder: str) -> FolderInUse:
    return FolderInUse(
        f"{folder} is being written by {holder}; wait for it, stop it, or choose another -o"
    )
