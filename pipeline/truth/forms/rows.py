"""Rows of an annotation file: split and numbers checked, errors with file, line and value."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LARGEST_FRAME = 10**9
"""No frame number is above this, a year at 30 fps. As an end it is the end of the video."""

INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
"""What is taken for a number; longer ones are no frame numbers."""


class BadAnnotation(ValueError):
    """An annotation that cannot be meant: file, line, value, rule and cure in one line."""


@dataclass(frozen=True)
class AnnotationRow:
    """One line, split."""

    path: Path
    line: int
    fields: tuple[str, ...]

    def bad(self, value: object, rule: str, cure: str) -> BadAnnotation:
        """The error to raise for a value of this line."""
        return BadAnnotation(f"{self.path}, line {self.line}: {value!r} {rule}: {cure}")

    def number(self, field: str) -> int:
        """A frame number, or -1 for none."""
        if not INTEGER.fullmatch(field):
            raise self.bad(field, "is no whole number", "frame numbers are digits, -1 for none")
        number = int(field)
        if not -1 <= number <= LARGEST_FRAME:
            raise self.bad(
                field,
                f"is outside 0 to {LARGEST_FRAME} (-1 for none)",
                "frame numbers are meant, not times",
            )
        return number

    def intervals(self, fields: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
        """(start, end) pairs; pairs of -1 are no interval."""
        numbers = [self.number(field) for field in fields]
        if numbers == [-1]:
            return ()
        if len(numbers) % 2:
            raise self.bad(
                " ".join(fields), "is an odd count of numbers", "give a start and an end each"
            )
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        for start, end in pairs:
            if (start == -1) != (end == -1):
                raise self.bad(f"{start} {end}", "is half an interval", "write -1 for both or none")
            if start > end:
                raise self.bad(f"{start} {end}", "ends before it starts", "swap or correct them")
        return tuple(pair for pair in pairs if pair != (-1, -1))


def annotation_rows(path: Path) -> Iterator[AnnotationRow]:
    """The rows of a text file that are not empty, UTF-8 with or without mark, any line ends.

    Raises:
        BadAnnotation: unreadable, or no text.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise BadAnnotation(f"{path} cannot be read ({error.strerror}): check the path") from error
    except UnicodeDecodeError as error:
        raise BadAnnotation(f"{path} is no text file: give the .txt of the data set") from error
    for line, written in enumerate(text.split("\n"), start=1):
        fields = _fields(written.strip())
        if fields:
            yield AnnotationRow(path, line, fields)


def _fields(line: str) -> tuple[str, ...]:
    """Split at tabs where there are any (names may hold blanks), at bars, else at blanks."""
    if line.count("|") == 2:
        path, count, pairs = line.split("|")
        return (path, count, *re.findall(r"[^\s,\[\]]+", pairs))
    separator = "\t" if "\t" in line else None
    return tuple(field.strip() for field in line.split(separator) if field.strip())
