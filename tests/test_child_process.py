"""Child processes: how they ended is known, and one that keeps dying ends the run."""

import os
from pathlib import Path

import pytest

from c2fpl.errors import WorkersDied
from c2fpl.extractors.child_process import ChildDied, ChildProcess
from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.pipeline.extraction import device_processes
from c2fpl.pipeline.extraction.device_processes import extract_on_devices
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.extraction.worker import ExtractionWork
from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.videos.find import VideoFile

DEATHS = {
    "signal SIGKILL": "os.kill(os.getpid(), 9)",
    "exit code 3": "os._exit(3)",
    "exit code 1: boom": "sys.exit('boom')",
    "exit code 1: KeyError: 'x'": "raise KeyError('x')",
}


@pytest.fixture
def dying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module `dying`, to be written."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path / "dying.py"


def write(module: Path, death: str) -> None:
    module.write_text(f"import os, sys\ndef main(*descriptors):\n    {death}\n")


@pytest.mark.parametrize("ending", DEATHS)
def test_a_death_is_reported_with_its_reason_however_often_it_is_asked(
    ending: str, dying: Path
) -> None:
    write(dying, DEATHS[ending])
    child = ChildProcess[object]("dying")
    child.send("a message that nobody reads")
    with pytest.raises(ChildDied) as died:
        child.receive()
    assert str(died.value) == ending
    assert child.end() == child.end() == ending


def test_a_process_of_a_device_that_dies_three_times_in_a_row_ends_the_run(
    tmp_path: Path, dying: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(dying, DEATHS["signal SIGKILL"])
    monkeypatch.setattr(device_processes, "__name__", "dying")
    settings = FeatureSettings(ExtractionSettings(backbone="flow"), DecodingSettings())
    wanted = {VideoFile(name, tmp_path / name): "" for name in "ab"}
    with (
        progress("", 0, "", quiet=True) as silent,
        pytest.raises(WorkersDied, match=r"on cpu died \(signal SIGKILL\) 3 times in a row"),
    ):
        work = ExtractionWork(RunFiles(tmp_path), settings, Execution(device="cpu,cpu"), wanted)
        extract_on_devices(work, silent)
