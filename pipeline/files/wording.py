"""Wording shared by messages of many modules."""

from collections.abc import Mapping
from typing import Any


def counted(number: int, noun: str) -> str:
    """A number with its noun (given in the singular): `1 event`, `0 events`, `2 videos`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def unicode_name(name: str) -> str:
    r"""The name as valid UTF-8 text; bytes of a file name that are not become \xff."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def what_changed(before: object, now: Mapping[str, Any]) -> str:
    """Names of the settings that differ, such as `beta, eta`; empty if none do or it is unknown."""
    if not isinstance(before, Mapping):
        return ""  # the record is damaged
    names = sorted({*before, *now})
    return ", ".join(name for name in names if before.get(name) != now.get(name))
