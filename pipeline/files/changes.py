"""What differs between the settings that made a result and those asked for now, in words."""

from collections.abc import Mapping
from typing import Any


def what_changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Names of the settings that differ, `beta, eta`; empty where none does."""
    names = sorted({*before, *now})
    return ", ".join(name for name in names if before.get(name) != now.get(name))
