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


def format_duration(seconds: float) -> str:
    """Approximate duration in a suitable unit.

    >>> format_duration(44), format_duration(300), format_duration(100_000)
    ('44 s', '5 min', '27.8 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.3g} h"
