"""What a hostile file's code would try from inside a decoder: each attempt fails."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from c2fpl.extractors.confinement import sandbox
from c2fpl.extractors.decoder_messages import Restarted, SegmentFrames
from c2fpl.extractors.decoder_pool import DecoderPool
from c2fpl.extractors.settings import DecodingSettings
from decoder_children import SIDE, all_messages, assert_whole, children
from synthetic import Synthetic

pytestmark = pytest.mark.skipif(
    bool(sandbox.missing_parts()), reason=f"no whole sandbox here: {sandbox.missing_parts()}"
)

ATTEMPTS = """
import ctypes, json, os, platform, socket, subprocess, sys, threading
from pathlib import Path
from c2fpl.extractors.confinement.system_calls import DENIED
own, other = Path(sys.argv[1]), Path(sys.argv[2])
parent, libc = os.getppid(), ctypes.CDLL(None, use_errno=True)


def in_a_thread():
    heard = []
    thread = threading.Thread(target=heard.append, args=(1,))
    thread.start()
    thread.join()
    return heard


def call(name, *arguments):
    if libc.syscall(DENIED[platform.machine()][name], *arguments) == -1:
        raise OSError(ctypes.get_errno(), "refused")


ATTEMPTS = {
    "read own": own.read_bytes,
    "start a thread": in_a_thread,
    "read other": other.read_bytes,
    "read other through a link": Path(str(other) + ".link").read_bytes,
    "append to own": lambda: own.open("ab"),
    "truncate own": lambda: os.truncate(own, 0),
    "replace own": lambda: os.replace(own, other),
    "remove own": own.unlink,
    "change mode of own": lambda: own.chmod(0o777),
    "change times of own": lambda: os.utime(own, (0, 0)),
    "create": lambda: own.with_name("new").open("w"),
    "make a folder": lambda: own.with_name("folder").mkdir(),
    "link": lambda: own.with_name("hard").hardlink_to(own),
    "list": lambda: os.listdir(own.parent),
    "read the parent's memory": lambda: open(f"/proc/{parent}/mem", "rb"),
    "read the parent's environment": lambda: open(f"/proc/{parent}/environ", "rb"),
    "write the parent's memory": lambda: call("process_vm_writev", parent, None, 0, None, 0, 0),
    "connect": socket.socket,
    "connect locally": lambda: socket.socket(socket.AF_UNIX),
    "fork": os.fork,
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "spawn": lambda: subprocess.run(["/bin/true"]),
    "exec a file in memory": lambda: os.execve(os.memfd_create("program"), ["x"], {}),
    "signal the parent": lambda: os.kill(parent, 0),
    "signal all": lambda: os.kill(-1, 0),
    "take 16 GiB": lambda: bytearray(16 * 2**30),
    "raise the limit": lambda: __import__("resource").setrlimit(9, (2**60, 2**60)),
    "io_uring": lambda: call("io_uring_setup", 1, None),
    "new namespace": lambda: call("unshare", 1 << 28),
}


def outcome(attempt):
    try:
        attempt()
    except (OSError, MemoryError, ValueError) as error:
        return type(error).__name__
    return "done"
"""
SCRIPT = """
from c2fpl.extractors.confinement import sandbox
if {kernel_has_landlock} is False:
    sandbox.landlock_version = lambda: 0
sandbox.enter(own)
print(json.dumps({{name: outcome(attempt) for name, attempt in ATTEMPTS.items()}}), flush=True)
os._exit(0)
"""
ALLOWED = {"read own", "start a thread"}


def outcomes(folder: Path, *, kernel_has_landlock: bool = True) -> dict[str, str]:
    """What each attempt comes to, from inside."""
    own, other = folder / "own.mp4", folder / "other.mp4"
    own.write_bytes(b"own")
    other.write_bytes(b"other")
    (folder / "other.mp4.link").symlink_to(other)
    code = ATTEMPTS + SCRIPT.format(kernel_has_landlock=kernel_has_landlock)
    command = [sys.executable, "-c", code, str(own), str(other)]
    end = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(end.stdout)
    return found


def test_nothing_but_reading_the_own_file_succeeds(tmp_path: Path) -> None:
    found = outcomes(tmp_path)
    assert {name for name, end in found.items() if end == "done"} == ALLOWED
    assert found.pop("take 16 GiB") == "MemoryError"
    assert found.pop("raise the limit") in ("ValueError", "PermissionError")
    assert {end for name, end in found.items() if name not in ALLOWED} <= {"PermissionError"}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("other.mp4", "other.mp4.link", "own.mp4")
    ]
    assert (tmp_path / "own.mp4").read_bytes() == b"own"


def test_without_landlock_files_are_open_but_network_and_programs_stay_shut(tmp_path: Path) -> None:
    found = outcomes(tmp_path, kernel_has_landlock=False)
    assert found["read other"] == "done"
    for name in ("connect", "connect locally", "fork", "exec", "spawn", "signal the parent"):
        assert found[name] == "PermissionError"


ATTACK = """
import socket, subprocess
class DECORDError(Exception): pass
class DECORDLimitReachedError(Exception): pass
class logging:
    QUIET = 0
    set_level = staticmethod(lambda level: None)
def refused(attempt):
    try: attempt()
    except OSError as error: return error.errno
def VideoReader(path, **how):
    open(path, "rb").close()
    attempts = lambda: open({other!r}), socket.socket, lambda: subprocess.run(["/bin/true"])
    raise DECORDError(" ".join(str(refused(attempt)) for attempt in attempts))
"""


def test_a_decoder_that_a_file_has_taken_over_is_closed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "fake"
    folder.mkdir()
    video, other = (Synthetic(f"{name}.mp4", frames=20).write(tmp_path) for name in "ab")
    (folder / "decord.py").write_text(ATTACK.format(other=str(other)))
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    messages = all_messages([video, other])
    for path in (video, other):
        assert_whole(messages[path], 20)
    (restart,) = (m for m in messages[video] if isinstance(m, Restarted))
    assert restart.reason == "decord failed: 13 1 1"


def test_a_killed_child_takes_its_fork_along(tmp_path: Path) -> None:
    path = Synthetic("long.mkv", frames=400).write(tmp_path)
    with DecoderPool(DecodingSettings(), SIDE) as decoders:
        messages = decoders.decode([("key", path)])
        assert isinstance(next(messages), SegmentFrames)
        forks = children()[0].children()
        assert len(forks) == 1
        messages.close()
    assert psutil.wait_procs(forks, timeout=600)[1] == []
