"""Entry point of the command line: options, logging, one-line errors and exit codes."""

import errno
import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

from cyclopts import CycloptsError, Parameter

from c2fpl.errors import Error
from c2fpl.pipeline.cli.app import app
from c2fpl.pipeline.cli.configuration import configuration
from c2fpl.pipeline.files.progress import is_shown_when_quiet
from c2fpl.pipeline.settings import Execution

COMMAND_MODULES = ("run", "steps", "watch", "videos", "results", "events", "benchmark")
"""Modules that register their commands when they are imported."""


@app.meta.default
def _launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    config: Path | None = None,
) -> int:
    """Read the configuration file and run the command.

    Args:
        config: TOML file of option values, for this and other commands. Options on the command line
            take precedence.
    """
    commands, _, _ = app.parse_commands(tokens)
    app.config = [configuration(config, app, commands[0])] if config and commands else []
    command, bound, _ = app.parse_args(tokens, exit_on_error=False, print_error=False)
    how = bound.arguments.get("execution", Execution())
    _start_logging(how)
    code: int | None = command(*bound.args, **bound.kwargs)
    return code or 0


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 success, 1 some videos failed, 2 usage error, 130 stopped."""
    # OpenMP's threads spin while they wait for each other: on a busy machine, most of the time of
    # training. Read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    app.config = []  # may be set by an earlier call in this process
    with _terminated_as_interrupted():
        code = _run(arguments)
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    """Run the command and return its exit code. Errors of the user print one line to stderr."""
    try:
        load_commands()
        code: int = app.meta(arguments, exit_on_error=False, print_error=False, result_action=None)
    except KeyboardInterrupt:
        code = _refuse("stopped; run the same command again to continue from here", 130)
    except CycloptsError as error:
        code = _refuse(str(error))
    except OSError as error:
        code = _refuse(f"{error}{_cure(error)}")
    except Error as error:
        code = _refuse(str(error))
    return code


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C within the block, then restore the previous handler."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python can set signal handlers only in the main thread
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def load_commands() -> None:
    """Register all commands with the application."""
    for module in COMMAND_MODULES:
        importlib.import_module(f"c2fpl.pipeline.cli.{module}")


def _cure(error: OSError) -> str:
    """The cure for a file system error. Files are written atomically, so a run can continue."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "; free some space, then run the same command again to continue from here"
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return "; make it writable for this user, or give another -o"
    return ""


def _refuse(reason: str, code: int = 2) -> int:
    print(f"c2fpl: {_printable(' '.join(reason.split()))}", file=sys.stderr)
    return code


def _printable(text: str) -> str:
    """Escapes control characters, so that a file name cannot move the cursor or forge a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


class _OneLine(logging.Formatter):
    """Formats each record as one line."""

    def format(self, record: logging.LogRecord) -> str:
        return _printable(super().format(record))


def _start_logging(how: Execution) -> None:
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    handlers[0].setLevel(logging.INFO)
    if how.quiet:
        handlers[0].addFilter(is_shown_when_quiet)
    handlers[0].setFormatter(_OneLine("%(message)s"))
    if how.log_file is not None:
        handlers.append(
            logging.FileHandler(how.log_file, encoding="utf-8", errors="backslashreplace")
        )
        handlers[1].setFormatter(_OneLine("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    logging.getLogger("c2fpl").setLevel(logging.DEBUG if how.log_file else logging.INFO)
