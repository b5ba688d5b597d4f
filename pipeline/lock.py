"""One writer per output folder: a second is refused while the first lives, then takes over."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from c2fpl.pipeline.files import RunFiles, remove_parts


class FolderInUse(RuntimeError):
    """Another live process writes to this output folder."""


@contextmanager
def only_writer(files: RunFiles) -> Iterator[None]:
    """Hold the output folder; unfinished files of a dead writer are removed first.

    The kernel drops the lock with the process however it dies, so a stale file never blocks.

    Raises:
        FolderInUse: another process holds the folder.
    """
    files.root.mkdir(parents=True, exist_ok=True)
    with files.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise FolderInUse(
                f"{files.root} is being written by process {file.read().strip() or 'unknown'}; "
                "wait for it, stop it, or give another -o"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        remove_parts(files.root)
        yield
