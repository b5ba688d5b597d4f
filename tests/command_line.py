"""The command line called in this process: its exit code, and the one line of a refusal."""

import pytest

from c2fpl.pipeline.cli import main as cli


def c2fpl(*arguments: object) -> int:
    """Exit code of `c2fpl` with these arguments."""
    with pytest.raises(SystemExit) as caught:
        cli.main([str(argument) for argument in arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line of a command that ends with exit code 2."""
    capsys.readouterr()
    assert c2fpl(*arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("c2fpl: ")
    assert said.count("\n") == 1
    return said
