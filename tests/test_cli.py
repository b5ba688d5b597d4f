"""The command line: every misuse is one line on stderr and exit code 2, never a traceback."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from c2fpl.pipeline.cli.app import SETTINGS
from cli_reference import PAGE
from command_line import c2fpl, refused


def test_an_unknown_option_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--eta" in refused(capsys, "label", "x", "-o", "y", "--etta", "1")


def test_an_unknown_command_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert 'Did you mean "label"?' in refused(capsys, "labl", "x")


def test_a_setting_out_of_range_names_value_rule_and_cure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "eta -1.0 must be above 0; the paper uses 1.0" in refused(
        capsys, "label", "x", "-o", "y", "--eta", "-1"
    )


def test_a_choice_that_does_not_exist_lists_those_that_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "10, 5, 1" in refused(capsys, "extract", "x", "-o", "y", "--crops", "3")


def test_a_configuration_key_that_does_not_exist_is_refused_with_the_nearest(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "c.toml").write_text("betta = 0.3\n")
    line = refused(capsys, "label", "x", "-o", "y", "--config", tmp_path / "c.toml")
    assert "betta" in line
    assert "Did you mean beta?" in line


def test_one_configuration_serves_several_commands(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Keys of other commands are left to them; a command's own table wins over shared keys."""
    config = tmp_path / "c.toml"
    config.write_text("epochs = 3\nno-curve = true\nbatch_size = 2\n[benchmark]\nseeds = 2\n")
    label = (capsys, "label", tmp_path, "-o", tmp_path / "y", "--config", config)
    assert "has no features" in refused(*label)
    config.write_text("eta = 1.0\n[label]\neta = -1.0\n[run]\neta = -2.0\n")
    assert "eta -1.0 must be above 0" in refused(*label)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "segment-column = 'T'\n",
            "'segment-column' is not an option of any command. Did you mean segm",
        ),
        ("[lable]\neta = 1.0\n", "'lable' is a table but not a command. Did you mean label?"),
        ("[label]\nepochs = 1\n", "'epochs' is not an option of label"),
        ("label = 3\n", "'label' is not an option of any command. Did you mean labels?"),
        ("[train]\nepoch = 1\n", "'epoch' is not an option of train. Did you mean epochs?"),
    ],
)
def test_a_key_that_no_command_knows_is_refused_whatever_the_command(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, line: str
) -> None:
    (tmp_path / "c.toml").write_text(text)
    assert line in refused(capsys, "label", "x", "-o", "y", "--config", tmp_path / "c.toml")


def test_a_configuration_that_is_missing_or_broken_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert "none.toml" in refused(
        capsys, "label", "x", "-o", "y", "--config", tmp_path / "none.toml"
    )
    (tmp_path / "c.toml").write_text("= = [")
    assert "c.toml" in refused(capsys, "label", "x", "-o", "y", "--config", tmp_path / "c.toml")


def test_the_command_line_wins_over_the_configuration(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "c.toml").write_text('eta = -1.0\nmethod = "released"\n')
    line = refused(
        *(capsys, "label", tmp_path, "-o", tmp_path / "y", "--eta", "2"),
        *("--config", tmp_path / "c.toml"),
    )
    assert "has no features" in line


def test_an_empty_folder_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "no video in" in refused(capsys, "run", tmp_path, "-o", tmp_path / "out")


def test_a_run_whose_videos_all_failed_ends_with_the_place_of_the_reasons(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    given = ("run", tmp_path / "text.mp4", "-o", tmp_path / "out", "--backbone", "flow")
    assert c2fpl(*given, "--device", "cpu", "--quiet") == 2
    reasons = tmp_path / "out" / "failed.csv"
    last = capsys.readouterr().err.splitlines()[-1]
    assert last == f"c2fpl: no video could be read; see the reasons in {reasons}"
    assert "text,extract,not a readable video" in reasons.read_text().replace('"', "")


def test_a_gpu_that_is_not_there_is_an_error_not_a_cpu(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "a.mp4").touch()
    line = refused(
        *(capsys, "extract", tmp_path, "-o", tmp_path / "out"),
        *("--backbone", "flow", "--device", "cuda:97"),
    )
    assert "cuda:97" in line
    assert "device cpu" in line


def test_help_of_every_command_names_its_options() -> None:
    out = subprocess.run(
        [sys.executable, "-m", "c2fpl", "run", "--help"],
        check=True,
        capture_output=True,
        text=True,
        env={"COLUMNS": "120", "PATH": "/usr/bin"},
    ).stdout
    for option in ("--backbone", "--eta", "--attention", "--device", "--config", "--overwrite"):
        assert option in out


def test_no_two_settings_share_an_option() -> None:
    names = [field.name for kind in SETTINGS for field in fields(kind)]
    shared = {name for name in names if names.count(name) > 1}
    # One --seed for labels and training. Frames a segment: of features or of scores, never both.
    assert shared == {"seed", "frames_per_segment"}


def test_no_command_shows_an_option_twice() -> None:
    for command in PAGE.read_text().split("\n## ")[1:]:
        options = re.findall(r"^\* `(--[\w-]+)", command, re.MULTILINE)
        assert len(options) == len(set(options)), command


def test_sigterm_is_answered_as_before_when_a_command_has_ended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    refused(capsys, "label", "x", "-o", "y", "--eta", "-1")
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(("own", "policy"), [(None, "PASSIVE"), ("active", "ACTIVE")])
def test_threads_of_openmp_sleep_while_they_wait_unless_the_user_decides(
    own: str | None, policy: str
) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    environment |= {"OMP_DISPLAY_ENV": "true"} | ({"OMP_WAIT_POLICY": own} if own else {})
    command = [sys.executable, "-m", "c2fpl", "--version"]  # imports torch
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    said = re.findall(r"OMP_WAIT_POLICY *= *'(\w+)'", done.stderr)
    if not said:
        pytest.skip("this OpenMP does not display its settings")
    assert set(said) == {policy}
