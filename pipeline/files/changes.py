"""What differs between the settings that made a result and those asked for now, in words."""

from collections.abc import Mapping
from typing import Any


def what_changed(before: object, now: Mapping[str, Any]) -> str:
    """Names of the settings that differ, `beta, eta`; empty where none does or nothing is known."""
    if not isinstance(before, Mapping):
        return ""  # of a damaged file
    names = sorted({*before, *now})
    return ", ".join(name for name in names if before.get(name) != now.get(name))
