"""The filter that the kernel runs before each system call of a decoder, in classic BPF.

Source: include/uapi/linux/{filter,seccomp,audit}.h and the architectures' tables of system calls.
"""

import platform
import struct
from typing import Final

DENIED: Final = {
    "x86_64": {
        **{"socket": 41, "connect": 42, "bind": 49, "socketpair": 53},
        **{"fork": 57, "vfork": 58, "execve": 59, "execveat": 322},
        **{"ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "pidfd_getfd": 438},
        **{"rt_sigqueueinfo": 129, "tkill": 200, "rt_tgsigqueueinfo": 297},
        **{"pidfd_send_signal": 424, "process_madvise": 440},
        **{"pivot_root": 155, "chroot": 161, "mount": 165, "unshare": 272, "setns": 308},
        **{"add_key": 248, "request_key": 249, "keyctl": 250, "perf_event_open": 298},
        **{"name_to_handle_at": 303, "open_by_handle_at": 304},
        **{"bpf": 321, "userfaultfd": 323, "io_uring_setup": 425},
        **{"chmod": 90, "fchmod": 91, "fchmodat": 268, "fchmodat2": 452},
        **{"chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260},
        **{"utime": 132, "utimes": 235, "futimesat": 261, "utimensat": 280},
        **{"setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "setxattrat": 463},
        **{"removexattr": 197, "lremovexattr": 198, "fremovexattr": 199, "removexattrat": 466},
    },
    "aarch64": {
        **{"socket": 198, "connect": 203, "bind": 200, "socketpair": 199},
        **{"execve": 221, "execveat": 281},
        **{"ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "pidfd_getfd": 438},
        **{"rt_sigqueueinfo": 138, "tkill": 130, "rt_tgsigqueueinfo": 240},
        **{"pidfd_send_signal": 424, "process_madvise": 440},
        **{"pivot_root": 41, "chroot": 51, "mount": 40, "unshare": 97, "setns": 268},
        **{"add_key": 217, "request_key": 218, "keyctl": 219, "perf_event_open": 241},
        **{"name_to_handle_at": 264, "open_by_handle_at": 265},
        **{"bpf": 280, "userfaultfd": 282, "io_uring_setup": 425},
        **{"fchmod": 52, "fchmodat": 53, "fchmodat2": 452, "fchown": 55, "fchownat": 54},
        **{"setxattr": 5, "lsetxattr": 6, "fsetxattr": 7, "setxattrat": 463, "utimensat": 88},
        **{"removexattr": 14, "lremovexattr": 15, "fremovexattr": 16, "removexattrat": 466},
    },
}
"""Calls that decoders do not need; they fail with EPERM."""
OWN_PROCESS_ONLY: Final = {
    "x86_64": {"kill": 62, "tgkill": 234, "prlimit64": 302},
    "aarch64": {"kill": 129, "tgkill": 131, "prlimit64": 261},
}
"""Calls that fail with EPERM unless their first argument is this process (or 0 for prlimit64)."""
CLONE: Final = {"x86_64": 56, "aarch64": 220}
"""Starts threads, which decoders need, or processes, which are denied."""
CLONE3: Final = 435
"""A filter cannot read its flags. It fails as unknown, and the C library uses clone instead."""
CLONE_THREAD: Final = 0x10000
ARCHITECTURE: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_CALLS: Final = 0x40000000
"""First number of x86-64's second table of calls."""

LOAD: Final = 0x20
JUMP_IF_EQUAL: Final = 0x15
JUMP_IF_AT_LEAST: Final = 0x35
JUMP_IF_SET: Final = 0x45
RETURN: Final = 0x06
CALL_OFFSET, ARCHITECTURE_OFFSET, ARGUMENT_OFFSET = 0, 4, 16
"""Offsets in struct seccomp_data, in bytes; of the first argument, the lower half."""
ALLOW: Final = 0x7FFF0000
FAIL: Final = 0x00050000
KILL: Final = 0x80000000
EPERM, ENOSYS = 1, 38


def filter_program(process: int) -> bytes | None:
    """The filter for a process ID; None on other processors than the two above."""
    machine = platform.machine()
    if machine not in DENIED:
        return None
    deny = _step(RETURN, FAIL | EPERM)
    steps = [
        _step(LOAD, ARCHITECTURE_OFFSET),
        _step(JUMP_IF_EQUAL, ARCHITECTURE[machine], true=1),
        _step(RETURN, KILL),
        _step(LOAD, CALL_OFFSET),
        *(_step(JUMP_IF_AT_LEAST, X32_CALLS, false=1), _step(RETURN, KILL)),
        *(_step(JUMP_IF_EQUAL, CLONE3, false=1), _step(RETURN, FAIL | ENOSYS)),
    ]
    for number in DENIED[machine].values():
        steps += [_step(JUMP_IF_EQUAL, number, false=1), deny]
    steps += [
        _step(JUMP_IF_EQUAL, CLONE[machine], false=4),
        _step(LOAD, ARGUMENT_OFFSET),
        *(_step(JUMP_IF_SET, CLONE_THREAD, true=1), deny, _step(RETURN, ALLOW)),
    ]
    for name, number in OWN_PROCESS_ONLY[machine].items():
        steps += [
            _step(JUMP_IF_EQUAL, number, false=5),
            _step(LOAD, ARGUMENT_OFFSET),
            _step(JUMP_IF_EQUAL, process, true=2),
            _step(JUMP_IF_EQUAL, 0 if name == "prlimit64" else process, true=1),
            *(deny, _step(RETURN, ALLOW)),
        ]
    return b"".join([*steps, _step(RETURN, ALLOW)])


def _step(code: int, value: int, *, true: int = 0, false: int = 0) -> bytes:
    """One instruction; `true` and `false` are the instructions to skip after a test."""
    return struct.pack("HBBI", code, true, false, value)
