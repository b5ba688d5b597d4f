"""One writer a folder: refused while the first lives, taken over when it is dead."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from c2fpl.errors import FolderInUse
from c2fpl.pipeline.files.atomic import PART_PREFIX
from c2fpl.pipeline.files.lock import only_writer
from c2fpl.pipeline.files.run_files import RunFiles

HOLD = """
import sys
from pathlib import Path
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.lock import only_writer
with only_writer(RunFiles(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_is_refused_by_name_and_takes_over_after_kill_9(tmp_path: Path) -> None:
    files = RunFiles(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"held\n"
        with (
            pytest.raises(FolderInUse, match=f"written by process {first.pid} on .*; wait"),
            only_writer(files),
        ):
            pass
        (tmp_path / f"{PART_PREFIX}x-{first.pid}").write_text("half")
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    with only_writer(files):
        assert str(os.getpid()) in (tmp_path / ".lock").read_text()
        assert not list(tmp_path.glob(PART_PREFIX + "*"))


def test_the_folder_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="x"), only_writer(RunFiles(tmp_path)):
        raise RuntimeError("x")
    with only_writer(RunFiles(tmp_path)):
        assert (tmp_path / ".lock").exists()
