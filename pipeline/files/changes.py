"""Names the differences between the settings that made a result and the current ones."""

from collections.abc import Mapping
from typing import Any


def what_changed(before: object, now: Mapping[str, Any]) -> str:
    """Names of the settings that differ, such as `beta, eta`; empty if none do or it is unknown."""
    if not isinstance(before, Mapping):
        return ""  # the record is damaged
    names = sorted({*before, *now})
    return ", ".join(name for name in names if before.get(name) != now.get(name))
