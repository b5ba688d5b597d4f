"""README and docs are true: commands run, shown output is real, options and links exist.

Commands of README, own-videos, api and troubleshooting are run, in the order of the page, in a
folder with small made videos. Pages of long measurements are parsed and not run.
"""

import re
import shlex
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pytest import CaptureFixture, TempPathFactory

import c2fpl as package
from c2fpl.models.settings import TrainingSettings
from c2fpl.pipeline.cli import main as cli
from c2fpl.pipeline.cli.app import app
from c2fpl.pipeline.demo_videos import DemoVideo, write_videos
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.report.events import load_events
from cli_reference import PAGE
from command_line import c2fpl
from conftest import must_run
from shown_commands import run_here

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
RUN_PAGES = ("README.md", "docs/own-videos.md", "docs/api.md", "docs/troubleshooting.md")
NOT_RUN = {
    "python docs/worked_example.py": "has a test of its own",
    "c2fpl watch": "runs until it is stopped",
    "make demo": "makes a virtual environment and installs; .ci/run calls it",
    "make test": "is this suite",
    "pip install": "installs into the environment that runs the tests",
}
"""Commands shown and not run here, with the reason."""
REDUCED = {
    "../shared/data/ucf-crime-sample -o ucf-flow": "videos -o ucf-flow",
    "../shared/data/ped2/Test/Test009.mp4": "new-videos",
}
"""Commands on real videos are run on made ones: the text on the left becomes that on the right."""
TRAINING = " --epochs 2 --epoch-steps 1"
"""Added to every run: how well a detector is trained is not what these tests are about."""
ONLY_AS_SHOWN = re.compile(r"ucf-flow")
"""Runs whose shown output belongs to the whole command, so it is not compared with the reduced."""


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """(language, text) of every fenced block."""
    yield from re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.M | re.S)


def commands(page: Path) -> list[str]:
    """Command lines of the fenced blocks; continued lines joined, comments cut."""
    found = []
    for language, text in blocks(page):
        if language in ("", "sh", "console"):
            joined = re.sub(r"\\\n\s*", " ", text)
            found += [
                re.sub(r"\s+# .*", "", line).removeprefix("$ ") for line in joined.split("\n")
            ]
    return [line for line in found if re.match(r"(c2fpl|make|python|pip|printf) ", line)]


def shown(page: Path) -> dict[str, list[str]]:
    """Lines of the `text` block that follows a block of one command."""
    pairs: dict[str, list[str]] = {}
    before = ""
    for language, text in blocks(page):
        if language == "text" and before.count("\n") == 1:
            pairs[before.strip()] = text.splitlines()
        before = re.sub(r"\\\n\s*", " ", text) if language == "sh" else ""
    return pairs


def alike(line: str) -> str:
    """A line without its figures, borders and the name of the machine's device."""
    return re.sub(r"\s+", " ", re.sub(r"[\d.]+|\bcrops?\b|[┃│]", "", line)).strip()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_parses(page: Path) -> None:
    cli.load_commands()
    for command in commands(page):
        words = shlex.split(command)
        if words[0] == "c2fpl" and page != PAGE:
            app.config = []
            tokens = ["..." if word == "…" else word for word in words[1:]]
            if not tokens[0].startswith("--"):
                app.parse_args(tokens, exit_on_error=False, print_error=False)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: TempPathFactory) -> Path:
    """A folder to run in: small videos, the docs, and the shared data where it is there."""
    place = tmp_path_factory.mktemp("place") / "checkout"
    brawls = {2: (20, 45), 5: (30, 50)}
    scenes = [f"{('hall', 'yard')[i % 2]}{i:02d}" for i in range(7)]
    plans = [DemoVideo(n, 64 + i, brawls.get(i), i % 2, i) for i, n in enumerate(scenes)]
    write_videos(plans[:6], place / "videos")
    write_videos(plans[6:], place / "new-videos")
    (place / "docs").symlink_to(ROOT / "docs")
    shared = ROOT.parent / "shared"
    if shared.is_dir():
        (place.parent / "shared").symlink_to(shared)
    return place


@pytest.mark.slow
@pytest.mark.parametrize("name", RUN_PAGES)
def test_every_command_runs_and_its_shown_output_is_real(
    name: str, checkout: Path, capfd: CaptureFixture[str]
) -> None:
    page = ROOT / name
    outputs = shown(page)
    for command in commands(page):
        if any(command.startswith(exception) for exception in NOT_RUN):
            continue
        run = reduced(command)
        if "../shared/" in run and not (checkout.parent / "shared").exists():
            assert not must_run("shared_data")
            continue
        said = run_here(run, checkout, capfd)
        if command in outputs and not ONLY_AS_SHOWN.search(command):
            real = {alike(line) for line in said.splitlines()}
            missing = [line for line in outputs[command] if alike(line) not in real]
            assert not missing, f"{command} no longer says {missing[0]!r}; it says\n{said}"


def reduced(command: str) -> str:
    for long, short in REDUCED.items():
        command = command.replace(long, short)
    trains = command.startswith(("c2fpl run", "c2fpl train")) and "--dry-run" not in command
    return command + TRAINING * trains


@pytest.mark.slow
@pytest.mark.parametrize("name", ["README.md", "docs/api.md"])
def test_every_python_example_runs(
    name: str, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = TrainingSettings(epochs=2, epoch_steps=1)
    monkeypatch.setattr(package, "train", partial(package.train, settings=quick))
    known: dict[str, Any] = {"videos": sorted((checkout / "videos").glob("*.mp4"))[:3]}
    examples = [text for language, text in blocks(ROOT / name) if language == "python"]
    for example in examples:
        exec(example, known)
    assert examples
    assert known["scores"].shape == (64,)


@pytest.mark.slow
def test_the_python_examples_of_exports_run(
    checkout: Path, capfd: CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the commands of the page. FiftyOne, which needs a database, is a stub."""
    page = ROOT / "docs" / "own-videos.md"
    for command in ("c2fpl run videos -o run --backbone flow", "c2fpl export run --format onnx"):
        assert command in commands(page)
        run_here(reduced(command), checkout, capfd)
    fiftyone = SimpleNamespace(
        TemporalDetection=SimpleNamespace,
        TemporalDetections=lambda detections: detections,
        Sample=dict,
        Dataset=lambda name: SimpleNamespace(add_sample=shown_samples.append),
        launch_app=lambda dataset: None,
    )
    shown_samples: list[dict[str, Any]] = []
    monkeypatch.setitem(sys.modules, "fiftyone", fiftyone)
    monkeypatch.chdir(checkout)
    known: dict[str, Any] = {}
    for example in (text for language, text in blocks(page) if language == "python"):
        exec(example, known)
    stored = {
        sample["filepath"]: [(event.support, event.confidence) for event in sample["events"]]
        for sample in shown_samples
    }
    assert stored == {
        str(path): [
            ([event.start_frame + 1, event.end_frame], round(event.peak_score, 6))
            for event in load_events(RunFiles(checkout / "run")).events
            if event.video == path.stem
        ]
        for path in sorted((checkout / "videos").glob("*.mp4"))
    }
    assert sum(map(len, stored.values())) > 0
    assert known["scores"].shape == known["features"].shape[:1]


@pytest.mark.slow
def test_the_worked_example_says_what_it_says(
    checkout: Path, capfd: CaptureFixture[str], tmp_path: Path
) -> None:
    command = "python docs/worked_example.py videos example"
    assert command in commands(ROOT / "docs" / "api.md")
    said = run_here(command, checkout, capfd)
    out = checkout / "example"
    counts = dict(re.findall(r"^(\w+): (\d+) scores", said, re.M))
    assert counts == {f"{('hall', 'yard')[i % 2]}{i:02d}": str(64 + i) for i in range(6)}
    first, last = map(float, re.findall(r"loss ([\d.]+) -> ([\d.]+)", said)[0])
    assert last < first
    assert "hall02" in re.findall(r"pseudo-anomalous: (.*)", said)[0]
    assert (out / "scores.png").stat().st_size > 10_000
    new = checkout / "new-videos" / "hall06.mp4"
    detector = ("--detector", out / "detector.pt", "-o", tmp_path / "new", "--device", "cpu")
    assert c2fpl("score", new, *detector) == 0
    assert np.load(tmp_path / "new" / "hall06.npy").shape == (70,)


def test_exceptions_and_reductions_are_still_needed() -> None:
    every = "\n".join(command for name in RUN_PAGES for command in commands(ROOT / name))
    for exception in NOT_RUN:
        assert exception in every or exception == "pip install"
    for long in REDUCED:
        assert long in every, f"{long} is no longer shown"
