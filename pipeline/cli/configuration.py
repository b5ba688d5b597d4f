"""The file given with --config: one TOML file for all commands.

Keys at the top level apply to every command that has an option of that name. A table named after a
command applies to that command only and takes precedence. Unknown keys are errors.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cyclopts import App
from cyclopts.config import Dict

from c2fpl.errors import BadSettings


def configuration(path: Path, application: App, command: str) -> Dict:
    """The settings of one command.

    Args:
        path: TOML file; its keys are option names, with `-` or `_`.
        application: the application with all commands.
        command: name of the command.

    Raises:
        BadSettings: the file cannot be read, a key is not an option, or a table is not a command.
    """
    options = _options_by_command(application)
    every_option = {option for names in options.values() for option in names}
    shared, tables = {}, {}
    for key, value in _read(path).items():
        if isinstance(value, dict):
            _refuse_unknown(path, [key], options, "is a table but not a command")
            _refuse_unknown(path, value, options[key], f"is not an option of {key}")
            tables[key] = value
        else:
            _refuse_unknown(path, [key], every_option, "is not an option of any command")
            shared[key] = value
    known = {key: value for key, value in shared.items() if _option(key) in options[command]}
    wanted = {_option(key): value for key, value in {**known, **tables.get(command, {})}.items()}
    return Dict({command: wanted}, source=str(path))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadSettings(
            f"{path}: {reason}; --config takes a TOML file with lines such as: eta = 1.0"
        ) from error


def _options_by_command(application: App) -> Mapping[str, frozenset[str]]:
    """Names of the options of each command, without leading dashes."""
    commands = [name for name in application if not name.startswith("-")]
    return {
        name: frozenset(
            option.removeprefix("--")
            for argument in application[name].assemble_argument_collection()
            for option in argument.names
            if option.startswith("--")
        )
        for name in commands
    }


def _option(key: str) -> str:
    return key.replace("_", "-")


def _refuse_unknown(path: Path, keys: Iterable[str], known: Iterable[str], rule: str) -> None:
    for key in keys:
        if _option(key) not in known:
            close = difflib.get_close_matches(_option(key), list(known), n=1)
            hint = f"Did you mean {close[0]}?" if close else "See c2fpl --help."
            raise BadSettings(f"{path}: {key!r} {rule}. {hint}")
