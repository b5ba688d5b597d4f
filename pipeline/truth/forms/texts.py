"""Text annotations: lines `name start end ...` with blanks, tabs or commas, and tables."""

import re
from pathlib import Path

from c2fpl.errors import BadAnnotation
from c2fpl.pipeline.truth.forms.positions import NotAPosition, read_position
from c2fpl.pipeline.truth.forms.records import Record, pairs_of, split_spans
from c2fpl.pipeline.truth.forms.tables import cells_of, columns_of, table_records
from c2fpl.pipeline.videos.search import SUFFIXES

LINES = "lines of name, start, end"
"""The documented format of own annotations: one line per video."""

SEPARATORS = (";", "\t", ",", "|")


def text_records(path: Path, text: str) -> tuple[list[Record], str]:
    """Read the records of a text file.

    Returns:
        The records, and the name of the format.

    Raises:
        BadAnnotation: a table lacks a required column, or a line cannot be split.
    """
    lines = [
        (number, line)
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1)
        if line.strip() and not re.match(r"#($|[\s#])", line.strip())
    ]
    if not lines:
        raise BadAnnotation(f"{path} has no rows: write one line per video")
    separator = separator_of_table(lines[0][1])
    if separator is not None:
        columns = columns_of(cells_of(lines[0][1], separator.strip(" ") or None))
        records = table_records(path, lines, separator.strip(" ") or None, columns)
        return records, f"a table of {', '.join(cell for cell in columns.written if cell)}"
    return [_line(f"{path}, line {number}", line) for number, line in lines], LINES


def separator_of_table(line: str) -> str | None:
    """Separator of a table header (" " for any blanks), or None if the line is not a header."""
    if re.search("[0-9]", line):
        return None
    for separator in (*SEPARATORS, " "):
        columns = columns_of(cells_of(line, separator.strip(" ") or None))
        bounds = columns.start is not None or columns.several is not None
        if columns.name is not None and len(columns.written) > 1 and (bounds or separator != " "):
            return separator
    return None


def _line(place: str, line: str) -> Record:
    name, rest = _name_and_rest(line.strip())
    words: list[str] = []
    positions: list[str] = []
    for token in split_spans(rest):
        (words if _is_word(token) else positions).append(token)
    return Record(place, name, pairs_of(place, positions), classes=tuple(words))


def _name_and_rest(line: str) -> tuple[str, str]:
    """Split off the name: quoted, up to a separator or video suffix, or the first word."""
    if quoted := re.match(r"""(["'])(.+?)\1[\s,;]*(.*)""", line):
        return quoted[2], quoted[3]
    for separator in (";", "\t", "|"):
        if separator in line:
            name, _, rest = line.partition(separator)
            return name.strip(), rest.replace(separator, " ").strip()
    suffixes = "|".join(re.escape(suffix) for suffix in sorted(SUFFIXES))
    if suffixed := re.match(rf"(.+?(?:{suffixes}))(?:[\s,:]+(.*))?$", line, re.IGNORECASE):
        return suffixed[1], suffixed[2] or ""
    name, _, rest = re.sub(r",\s*|\s+", " ", line, count=1).partition(" ")
    return name, rest


def _is_word(token: str) -> bool:
    """Whether a token is a class; other tokens must be positions."""
    try:
        read_position(token)
    except NotAPosition:
        return re.fullmatch(r"[^\W\d_][\w&/+-]*", token) is not None
    return False
