"""Text files: lines `name start end ...` with blanks, tabs or commas, and tables with a header."""

import re
from pathlib import Path

from c2fpl.pipeline.truth.forms.positions import NotAPosition, read_position
from c2fpl.pipeline.truth.forms.records import Record, pairs_of, split_spans
from c2fpl.pipeline.truth.forms.rows import BadAnnotation
from c2fpl.pipeline.truth.forms.tables import cells_of, columns_of, table_records
from c2fpl.pipeline.videos.search import SUFFIXES

LINES = "lines of name, start, end"
"""The documented form of own annotations: one line a video."""

SEPARATORS = (";", "\t", ",", "|")


def text_records(path: Path, text: str) -> tuple[list[Record], str]:
    """Records of a text file, and the form in words.

    Raises:
        BadAnnotation: a table without the needed columns, or a line that cannot be split.
    """
    lines = [
        (number, line)
        for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1)
        if line.strip() and not re.match(r"#($|[\s#])", line.strip())
    ]
    if not lines:
        raise BadAnnotation(f"{path} has no rows: an annotation file has one line for each video")
    separator = separator_of_table(lines[0][1])
    if separator is not None:
        columns = columns_of(cells_of(lines[0][1], separator.strip(" ") or None))
        records = table_records(path, lines, separator.strip(" ") or None, columns)
        return records, f"a table of {', '.join(cell for cell in columns.written if cell)}"
    return [_line(f"{path}, line {number}", line) for number, line in lines], LINES


def separator_of_table(line: str) -> str | None:
    """What separates the cells of a header, a blank for blanks; None where it is no header."""
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
    """The name is quoted, or ends at a separator or video suffix, or is the first word."""
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
    """A class, in letters; what else is no position is an error of its own."""
    try:
        read_position(token)
    except NotAPosition:
        return re.fullmatch(r"[^\W\d_][\w&/+-]*", token) is not None
    return False
