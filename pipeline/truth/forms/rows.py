"""Split the rows of an annotation file and validate their numbers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from c2fpl.errors import BadAnnotation

LARGEST_FRAME = 10**9
"""Largest frame number, about a year at 30 fps. As an end it stands for the end of the video."""

INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
"""A written integer; anything longer cannot be a frame number."""


@dataclass(frozen=True)
class AnnotationRow:
    """One line, split into fields."""

    path: Path
    line: int
    fields: tuple[str, ...]

    def bad(self, value: object, rule: str, cure: str) -> BadAnnotation:
        """The error to raise for a value on this line."""
        return BadAnnotation(f"{self.path}, line {self.line}: {value!r} {rule}: {cure}")

    def number(self, field: str) -> int:
        """Parse a frame number, or -1 for no interval.

        Raises:
            BadAnnotation: not an integer, or out of range.
        """
        if not INTEGER.fullmatch(field):
            raise self.bad(field, "is not a whole number", "give a frame number, or -1 for none")
        number = int(field)
        if not -1 <= number <= LARGEST_FRAME:
            raise self.bad(
                field,
                f"is outside 0 to {LARGEST_FRAME} (-1 for none)",
                "give a frame number",
            )
        return number

    def intervals(self, fields: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
        """Parse (start, end) pairs; pairs of -1 are left out.

        Raises:
            BadAnnotation: a number is invalid, or the numbers do not form intervals.
        """
        numbers = [self.number(field) for field in fields]
        if numbers == [-1]:
            return ()
        if len(numbers) % 2:
            raise self.bad(
                " ".join(fields),
                "is an odd number of positions",
                "give a start and an end for each interval",
            )
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        for start, end in pairs:
            if (start == -1) != (end == -1):
                raise self.bad(f"{start} {end}", "is half an interval", "write -1 for both")
            if start > end:
                raise self.bad(f"{start} {end}", "ends before it starts", "swap or correct them")
        return tuple(pair for pair in pairs if pair != (-1, -1))


def annotation_rows(path: Path) -> Iterator[AnnotationRow]:
    """The non-empty rows of a UTF-8 text file, with or without a byte order mark.

    Raises:
        BadAnnotation: the file cannot be read or is not text.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadAnnotation(f"{path} cannot be read ({error.strerror}): check the path") from error
    except UnicodeDecodeError as error:
        raise BadAnnotation(f"{path} is not a text file: give the .txt of the data set") from error
    for line, written in enumerate(text.split("\n"), start=1):
        fields = _fields(written.strip())
        if fields:
            yield AnnotationRow(path, line, fields)


def _fields(line: str) -> tuple[str, ...]:
    """Split at two bars, at tabs (names may contain blanks), or at blanks."""
    if line.count("|") == 2:
        path, count, pairs = line.split("|")
        return (path, count, *re.findall(r"[^\s,\[\]]+", pairs))
    separator = "\t" if "\t" in line else None
    return tuple(field.strip() for field in line.split(separator) if field.strip())
