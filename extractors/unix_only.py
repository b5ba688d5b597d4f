"""Imports the modules that exist only on Linux and macOS; elsewhere raises a clear error."""

from c2fpl.errors import Error

try:
    import fcntl
    import resource
except ImportError as error:

    class UnsupportedSystem(Error):
        """This system cannot run the program."""

    raise UnsupportedSystem(
        f"c2fpl needs Linux or macOS: this system has no {error.name}; on Windows, use WSL 2"
    ) from error

__all__ = ["fcntl", "resource"]
