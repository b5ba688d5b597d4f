"""Runs the work on one file in a sandboxed fork, so that it cannot affect the next file."""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

from c2fpl.extractors.confinement import sandbox

HANG_UPS: Final = (EOFError, BrokenPipeError, ConnectionResetError)
"""Errors of a connection whose other end is closed."""


def work_apart(readable: Path, work: Callable[[], None]) -> None:
    """Do the work in a fork that can read only this file; outside Linux, without a fork.

    The process must have one thread. It waits for the fork. If the fork crashes, the process ends
    by the same signal or with the same exit code.
    """
    if sys.platform != "linux":
        work()
        return
    fork = os.fork()
    if fork == 0:
        _work_in_sandbox(readable, work)
    _, status = os.waitpid(fork, 0)
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    if status:
        sys.exit(os.waitstatus_to_exitcode(status))


def _work_in_sandbox(readable: Path, work: Callable[[], None]) -> NoReturn:
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
