"""Commands as the documentation shows them, run in a folder."""

import contextlib
import os
import re
import runpy
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from pytest import CaptureFixture

from command_line import c2fpl


def run_here(command: str, where: Path, capfd: CaptureFixture[str]) -> str:
    """As `run`; c2fpl and Python programs in this process, which has imported torch already."""
    program, *words = shlex.split(command)
    if program not in ("c2fpl", "python") or re.search(r"[|&;<>$`]|--install", command):
        return run(command, where)
    capfd.readouterr()
    with contextlib.chdir(where):
        code = c2fpl(*words) if program == "c2fpl" else python(*words)
    said = "".join(capfd.readouterr())
    assert code == 0, f"{command}: {said[-2000:]}"
    return said


def python(path: str, *arguments: str) -> int:
    """Run a program in this process; an error of it is raised."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [path, *arguments])
        runpy.run_path(path, run_name="__main__")
    return 0


@cache
def run(command: str, where: Path) -> str:
    """What the command says, on both streams; it must end well. Run once in each folder."""
    environment = {**os.environ, "HOME": str(where), "COLUMNS": "100", "OMP_NUM_THREADS": "1"}
    words = command.replace("c2fpl ", f"{shlex.quote(sys.executable)} -m c2fpl ", 1)
    done = subprocess.run(
        words,
        shell=True,
        cwd=where,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, f"{command}: {said[-2000:]}"
    return said
