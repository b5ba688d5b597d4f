"""Words of messages that many modules share."""


def counted(number: int, noun: str) -> str:
    """A number with its noun, `1 event`, `0 events`, `2 videos`; the noun is given in singular."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
