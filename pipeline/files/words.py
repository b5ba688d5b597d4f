"""Wording shared by messages of many modules."""


def counted(number: int, noun: str) -> str:
    """A number with its noun (given in the singular): `1 event`, `0 events`, `2 videos`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
