"""The file of --config: one TOML for all commands, each of which takes the keys it knows.

A key outside every table goes to each command that has an option of that name; a table called after
a command holds keys for this command alone, and wins. A key that no command knows is refused.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cyclopts import App
from cyclopts.config import Dict


class BadConfig(ValueError):
    """A configuration file that cannot be read, or a key that no command knows."""


def configuration(path: Path, application: App, command: str) -> Dict:
    """What the file says to one command.

    Args:
        path: TOML, keys as the options, with `-` or `_`.
        application: all commands.
        command: the one to configure.

    Raises:
        BadConfig: unreadable, a key that is no option, or a table that is no command.
    """
    options = _options_by_command(application)
    every_option = {option for names in options.values() for option in names}
    shared, tables = {}, {}
    for key, value in _read(path).items():
        if isinstance(value, dict):
            _refuse_unknown(path, [key], options, "is a table and no command")
            _refuse_unknown(path, value, options[key], f"is no option of {key}")
            tables[key] = value
        else:
            _refuse_unknown(path, [key], every_option, "is no option of any command")
            shared[key] = value
    known = {key: value for key, value in shared.items() if _option(key) in options[command]}
    wanted = {_option(key): value for key, value in {**known, **tables.get(command, {})}.items()}
    return Dict({command: wanted}, source=str(path))


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadConfig(
            f"{path}: {reason}; --config takes a TOML file such as: eta = 1.0"
        ) from error


def _options_by_command(application: App) -> Mapping[str, frozenset[str]]:
    """Names of the options, without dashes in front, by command."""
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
            raise BadConfig(f"{path}: {key!r} {rule}. {hint}")
