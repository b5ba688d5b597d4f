"""`c2fpl info`: what a bug report needs."""

import re

import pytest

from c2fpl.extractors.confinement import sandbox
from c2fpl.pipeline import machine
from command_line import c2fpl


def test_info_names_versions_every_libavcodec_the_sandbox_and_the_processors(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert c2fpl("info") == 0
    said = dict(
        re.split(r" {2,}", line, maxsplit=1) for line in capsys.readouterr().out.splitlines()
    )
    assert {"python", "platform", "c2fpl", "torch", "av", "cores", "cpu", "cuda", "gpus"} <= set(
        said
    )
    assert re.fullmatch(r"\d+\.\d+\.\d+", said["libavcodec of av"])
    assert said["sandbox"].startswith(
        "incomplete: " if sandbox.missing_parts() else "complete (Landlock"
    )


def test_a_kernel_without_landlock_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "landlock_version", lambda: 0)
    assert "no Landlock: files of this user can be opened" in machine.facts()["sandbox"]
