"""Restricts a process before it reads an untrusted file.

Linux only: Landlock restricts files, a system call filter (seccomp) denies network, programs,
processes and their memory, and limits bound memory and file size. `missing_parts` names what the
kernel does not offer. Source: the kernel's documentation, userspace-api/landlock and
userspace-api/seccomp_filter.
"""

import ctypes
import os
import signal
import struct
import sys
from pathlib import Path
from typing import Final

from c2fpl.extractors.confinement.system_calls import filter_program
from c2fpl.extractors.unix_only import resource

MEMORY_BYTES: Final = 8 * 2**30
"""Address space that a decoder may add: several times the frames of an 8K video."""
FILE_BYTES: Final = 2**20
"""Largest file that it may write: the error stream is one."""

PR_SET_PDEATHSIG: Final = 1
PR_SET_SECCOMP: Final = 22
PR_SET_NO_NEW_PRIVS: Final = 38
SECCOMP_MODE_FILTER: Final = 2
LANDLOCK_CREATE_RULESET: Final = 444
LANDLOCK_ADD_RULE: Final = 445
LANDLOCK_RESTRICT_SELF: Final = 446
LANDLOCK_VERSION: Final = 1
LANDLOCK_PATH_BENEATH: Final = 1
READ_FILE: Final = 1 << 2
READ_FOLDER: Final = 1 << 3
FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 5: 16}
"""Number of rights on files (the lowest bits) since each version of Landlock."""
TCP_RIGHTS: Final = 0b11
"""Bind and connect, since version 4."""
SCOPES: Final = 0b11
"""Abstract UNIX sockets and signals, since version 6."""


class _Filter(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_char_p))


def enter(readable: Path) -> None:
    """Restrict this process permanently; it must have one thread.

    Afterwards it can read `readable` and Python's modules (libraries import some late), and use
    open files. It cannot open, write or change other files, connect, start a program or a process,
    or reach another process.
    """
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _limit(resource.RLIMIT_FSIZE, FILE_BYTES)
    _limit(resource.RLIMIT_AS, _address_space_bytes() + MEMORY_BYTES)
    if not _prctl(PR_SET_NO_NEW_PRIVS, 1):
        return
    if version := landlock_version():
        _restrict_files(readable, version)
    _filter_system_calls()


def no_core_dump() -> None:
    """Have a crash write no core file, which could contain frames."""
    _limit(resource.RLIMIT_CORE, 0)


def missing_parts() -> str:
    """Parts of the sandbox that this system lacks; empty if it lacks none."""
    if sys.platform != "linux":
        return "only Linux has the system calls for it"
    missing = []
    if not landlock_version():
        missing.append("the kernel has no Landlock: files of this user can be opened")
    if filter_program(os.getpid()) is None or not Path("/proc/sys/kernel/seccomp").is_dir():
        missing.append("no seccomp filter: network and programs are not denied")
    return "; ".join(missing)


def landlock_version() -> int:
    """Version of the kernel's Landlock; 0 if it has none or does not allow it."""
    version = _libc().syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), LANDLOCK_VERSION)
    return max(int(version), 0)


def _restrict_files(readable: Path, version: int) -> None:
    rights = (1 << max(count for since, count in FILE_RIGHTS.items() if since <= version)) - 1
    ruleset = struct.pack(
        "QQQ", rights, TCP_RIGHTS if version >= 4 else 0, SCOPES if version >= 6 else 0
    )
    libc = _libc()
    rules = libc.syscall(LANDLOCK_CREATE_RULESET, ruleset, ctypes.c_size_t(len(ruleset)), 0)
    _allow(rules, readable, READ_FILE)
    for folder in {*sys.path, str(Path(__file__).parents[1])}:
        if Path(folder).is_dir():
            _allow(rules, Path(folder), READ_FILE | READ_FOLDER)
    libc.syscall(LANDLOCK_RESTRICT_SELF, rules, 0)
    os.close(rules)


def _allow(rules: int, path: Path, rights: int) -> None:
    """Allow reading below the path, if it exists."""
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    rule = struct.pack("=Qi", rights, beneath)
    _libc().syscall(LANDLOCK_ADD_RULE, rules, LANDLOCK_PATH_BENEATH, rule, 0)
    os.close(beneath)


def _filter_system_calls() -> None:
    program = filter_program(os.getpid())
    if program is not None:
        wrapped = _Filter(len(program) // 8, program)
        _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(wrapped))


def _limit(kind: int, most: int) -> None:
    hard = resource.getrlimit(kind)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def _address_space_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _prctl(option: int, first: int, second: int = 0) -> bool:
    arguments = (ctypes.c_ulong(value) for value in (first, second, 0, 0))
    return bool(_libc().prctl(option, *arguments) == 0)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
