"""Names of videos that are HTML, shell, paths, too long, in the way: each costs only itself."""

import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from c2fpl.errors import BadDetector
from c2fpl.pipeline.files.run_files import RunFiles, load_table
from c2fpl.pipeline.steps.detector_files import load_detector
from c2fpl.pipeline.videos.name_limits import unusable_names
from command_line import c2fpl
from killing import write_short_videos

SETTINGS = (
    *("--backbone", "flow", "--crops", "1", "--device", "cpu"),
    *("--method", "paper", "--epochs", "1", "--epoch-steps", "1"),
    "--quiet",
)
USABLE = (
    *("-o", "--help", "$(touch hacked)", "`touch hacked`;&|", "%2e%2e%2f", "..", "...", " a "),
    *("<script>alert(1)</script", "a\nvideo,step,reason\nb", "\x1b[2J\x07", "=1+1", "videos"),
    *("run", "failed", os.fsdecode(b"\xff\xfe"), "n" * 249, "sub/.hid.den"),
)
TOO_LONG = "m" * 250
IN_THE_WAY = "sub/x.npy/y"


def test_a_run_over_hostile_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = sorted(write_short_videos(tmp_path / "made", 4).iterdir())
    folder = tmp_path / "videos"
    names = (*USABLE, TOO_LONG, "sub/x", IN_THE_WAY)
    for number, name in enumerate(names):
        path = folder / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(made[number % 4], path)
    found = {p.relative_to(folder).as_posix().removesuffix(".mp4") for p in folder.rglob("*.mp4")}
    shown = {name for name in found if not Path(name).name.startswith(".")}

    output = tmp_path / "out" / "run"
    assert c2fpl("run", folder, "-o", output, *SETTINGS, "--format", "npy,csv") == 1
    said = capsys.readouterr().err
    assert said.count("\n") == len(said.splitlines()) == 3
    assert said.replace("\n", "").isprintable()
    failed = {row["video"]: row["reason"] for row in load_table(output / "failed.csv")}
    assert set(failed) == {TOO_LONG, IN_THE_WAY}
    scores = {p.relative_to(output / "scores").as_posix() for p in output.rglob("scores/**/*.npy")}
    assert {name.removesuffix(".npy") for name in scores} == shown - set(failed)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["run"]
    assert not (Path.cwd() / "hacked").exists()
    page = (output / "report" / "index.html").read_bytes()
    assert b"<script>alert(1)" not in page
    assert len(load_table(output / "scores" / "videos.csv", ("frame", "time_s", "score"))) > 0


def test_names_of_outputs_are_refused_by_reason(tmp_path: Path) -> None:
    features = RunFiles(tmp_path, holds="features")
    scores = RunFiles(tmp_path, holds="scores")
    run = RunFiles(tmp_path)
    assert set(unusable_names(features, ["run", "failed", "b"])) == {"run"}
    assert set(unusable_names(scores, ["run", "failed", "features/a", "a"])) == {
        *("failed", "features/a")
    }
    assert unusable_names(run, ["run", "failed", "videos", "features/a"]) == {}
    assert unusable_names(run, ["a.npy/b", "c"]) == {}
    (reason,) = unusable_names(run, ["s/a.npy/b", "s/a"]).values()
    assert "output of the video 's/a'; rename the folder" in reason
    (reason,) = unusable_names(run, ["ü" * 126]).values()
    assert "would have 258 bytes and the limit of file systems is 255" in reason


class RunsCode:
    """A pickle that makes a file when it is loaded without care."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("form", ["pickle", "torch", "torch inside"])
def test_code_in_a_detector_file_is_refused_and_not_executed(form: str, tmp_path: Path) -> None:
    hacked, path = tmp_path / "hacked", tmp_path / "detector.pt"
    if form == "pickle":
        path.write_bytes(pickle.dumps(RunsCode(hacked)))
    else:
        torch.save(RunsCode(hacked) if form == "torch" else {"state": RunsCode(hacked)}, path)
    with pytest.raises(BadDetector, match="is not a detector of c2fpl") as caught:
        load_detector(path)
    assert "\n" not in str(caught.value)
    assert not hacked.exists()


def test_a_number_array_is_no_detector(tmp_path: Path) -> None:
    with (tmp_path / "detector.pt").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(BadDetector):
        load_detector(tmp_path / "detector.pt")
