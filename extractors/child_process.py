"""Starts a child process, exchanges messages with it, and reports how it ended.

A child is a fresh interpreter, which inherits no modules, threads or locks. It has its own process
group, so that Ctrl-C reaches only the parent, and its own error stream, so that output of libraries
does not reach the terminal. It ends when its parent ends, however that happens.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection, Mapping
from multiprocessing.connection import Connection, Pipe, wait
from typing import Final, Generic, Protocol, TypeVar

from c2fpl.extractors.unix_only import fcntl

EXIT_TIMEOUT_S: Final = 5.0
"""Limit on the time from a child's closed connection to its exit code."""


Received = TypeVar("Received")
"""What a child sends."""


class ChildDied(Exception):
    """A child ended without being asked to; the message says how."""


class ChildProcess(Generic[Received]):
    """A running child; `ready_children` waits for its messages and its death.

    Args:
        module: the module whose `main` runs in the child, with the descriptors of its connection
            and lifeline (see `connect_to_parent`), then `descriptors`.
        descriptors: file descriptors that the child inherits.
        environment: variables that the child has in addition to those of this process.
    """

    def __init__(
        self,
        module: str,
        descriptors: tuple[int, ...] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        open_standard_streams()
        self.connection, child_connection = Pipe()
        lifeline_read, self._lifeline = os.pipe()
        self._errors = os.fdopen(anonymous_file("c2fpl-errors"), "w+b")
        inherited = (child_connection.fileno(), lifeline_read, *descriptors)
        start = f"import sys; from {module} import main; main(*map(int, sys.argv[1:]))"
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", start, *map(str, inherited)],
            pass_fds=inherited,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            process_group=0,
        )
        self.pid = self._process.pid
        self._ended_by = ""
        child_connection.close()
        os.close(lifeline_read)

    def send(self, message: object) -> None:
        """Send a message; a dead child is reported by `receive`."""
        try:
            self.connection.send(message)
        except OSError:
            return

    def receive(self) -> Received:
        """Wait for the next message.

        Raises:
            ChildDied: the child has ended; its resources are released.
        """
        try:
            return self.read_message()
        except (EOFError, OSError):
            raise ChildDied(self.end(patience_s=EXIT_TIMEOUT_S)) from None

    def read_message(self) -> Received:
        """Read one message from the connection."""
        message: Received = self.connection.recv()
        return message

    def end(self, *, patience_s: float = 0.0) -> str:
        """Wait up to `patience_s`, kill the child, release its resources; return how it ended."""
        if self._ended_by:
            return self._ended_by
        try:
            ending = _ending(self._process.wait(patience_s))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            ending = "killed"
        error_line = self._last_error_line()
        self._ended_by = f"{ending}: {error_line}" if error_line else ending
        self.release()
        return self._ended_by

    def release(self) -> None:
        """Release the resources of the child, once."""
        self.connection.close()
        os.close(self._lifeline)
        self._errors.close()

    def _last_error_line(self) -> str:
        """Last line of the child's error stream, up to 200 characters."""
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(size - 2000, 0))
        lines = self._errors.read().decode(errors="replace").split("\n")
        return next((" ".join(line.split())[:200] for line in reversed(lines) if line.strip()), "")


class Connected(Protocol):
    """Something with a connection to a child."""

    @property
    def connection(self) -> Connection:
        """Connection to the child."""


Child = TypeVar("Child", bound=Connected)


def ready_children(children: Collection[Child], timeout_s: float | None = None) -> list[Child]:
    """Wait for children that have sent a message or died; none if the time is over."""
    ready = wait([child.connection for child in children], timeout_s)
    return [child for child in children if child.connection in ready]


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    return f"signal {signal.Signals(-code).name}"


def connect_to_parent(connection_descriptor: int, lifeline: int) -> Connection:
    """In the child: its end of the connection. From here on it ends with its parent.

    The kernel kills the child when the parent's end of the lifeline closes. This uses a signal
    because a thread cannot run while stuck native code holds the interpreter lock.
    """
    if hasattr(fcntl, "F_SETSIG"):
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        try:
            alive = os.read(lifeline, 1)
        except BlockingIOError:
            return Connection(connection_descriptor)
        sys.exit(f"lifeline closed on start ({alive!r})")
    threading.Thread(target=lambda: os._exit(len(os.read(lifeline, 1))), daemon=True).start()
    return Connection(connection_descriptor)


def open_standard_streams() -> None:
    """Open /dev/null in place of closed standard streams, which a daemon may start with.

    Otherwise the next file gets the number 0, 1 or 2, and is replaced by a stream in a child.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)


def anonymous_file(name: str) -> int:
    """Descriptor of an unnamed file; in memory if the system supports that."""
    open_standard_streams()
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
