"""Work on one file in a fork of the process, closed in, so that the next file finds nothing."""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

from c2fpl.extractors.confinement import sandbox

HANG_UPS: Final = (EOFError, BrokenPipeError, ConnectionResetError)
"""What a connection says when the other end is gone."""


def work_apart(readable: Path, work: Callable[[], None]) -> None:
    """Do the work in a fork that can read this file alone; without a fork outside Linux.

    The process, which must have one thread, waits for the fork. It ends as the fork does where that
    crashes: by the same signal, or with the same exit code.
    """
    if sys.platform != "linux":
        work()
        return
    fork = os.fork()
    if fork == 0:
        _work_closed_in(readable, work)
    _, status = os.waitpid(fork, 0)
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    if status:
        sys.exit(os.waitstatus_to_exitcode(status))


def _work_closed_in(readable: Path, work: Callable[[], None]) -> NoReturn:
    code = 1
    try:
        sandbox.enter(readable)
        work()
        code = 0
    except HANG_UPS:
        code = 0
    finally:
        if code:
            traceback.print_exc()
        os._exit(code)
