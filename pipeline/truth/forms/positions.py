"""Parse one position in a video: a frame number or a time."""

import re
from dataclasses import dataclass
from typing import Literal

from c2fpl.pipeline.truth.forms.rows import LARGEST_FRAME

Unit = Literal["frames", "seconds"]

CLOCK = re.compile(r"(?:([0-9]{1,3}):)?([0-9]{1,3}):([0-9]{1,2}(?:[.,][0-9]+)?)", re.ASCII)
TIMECODE = re.compile(r"[0-9]{1,2}(:[0-9]{2}){2}[:;][0-9]{2}", re.ASCII)
NUMBER = re.compile(r"-?[0-9]{1,19}([.,][0-9]+)?", re.ASCII)
MEASURED = re.compile(
    r"(?:([0-9]+)h)?(?:([0-9]+)m(?:in)?)?(?:([0-9]+(?:[.,][0-9]+)?)(s|sec|ms))?", re.ASCII
)
NOTHING = frozenset({"", "-1", "-1.0", "-", "none", "nan", "null", "n/a", "na"})
OPEN_ENDS = frozenset({"end", "inf", "eof", "..."})


class NotAPosition(ValueError):
    """Text that is neither a frame number nor a time: the rule and the cure."""


@dataclass(frozen=True)
class Position:
    """A parsed position."""

    kind: Literal["nothing", "end", "whole", "decimal", "time"]
    """`whole` and `decimal` are frames or seconds; `time` is seconds (1:20, 12 s, 1500 ms)."""
    value: float = 0.0
    """Frames or seconds."""


def read_position(text: str) -> Position:
    """Read `165`, `12.5`, `12,5`, `1:20`, `00:01:20.500`, `12.5s`, `1m20s`, `1500ms`, `end`, `-1`.

    Raises:
        NotAPosition: anything else, including time codes that end with a frame number.
    """
    written = text.strip().strip("'\"").lower().replace(" ", "")
    if written in NOTHING:
        return Position("nothing")
    if written in OPEN_ENDS:
        return Position("end")
    if NUMBER.fullmatch(written):
        value = float(written.replace(",", "."))
        if not 0 <= value <= LARGEST_FRAME:
            raise NotAPosition(
                f"is outside 0 to {LARGEST_FRAME} (-1 for none): give a frame number or seconds"
            )
        return Position("decimal" if re.search("[.,]", written) else "whole", value)
    if TIMECODE.fullmatch(written):
        raise NotAPosition("is a time code with frames: write hours:minutes:seconds.fraction")
    if clock := CLOCK.fullmatch(written):
        hours, minutes, seconds = clock.groups()
        whole = 3600 * int(hours or 0) + 60 * int(minutes)
        return Position("time", whole + float(seconds.replace(",", ".")))
    if measured := MEASURED.fullmatch(written):
        return Position("time", _seconds(*measured.groups()))
    raise NotAPosition(
        "is neither a number nor a time: write frames (165), seconds (5.5) or 00:00:05.5"
    )


def _seconds(hours: str | None, minutes: str | None, last: str | None, unit: str | None) -> float:
    value = float((last or "0").replace(",", ".")) * (0.001 if unit == "ms" else 1)
    return 3600 * int(hours or 0) + 60 * int(minutes or 0) + value
