"""Reads lists of videos or feature files in their usual formats.

These are one path per line, with or without further columns (`name n_frames label`, `path,label`,
`path|n|[s, e]`), tables with a header (`path,label`; `video-id`), and JSON (names as keys, as
strings, or in objects).
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from c2fpl.errors import BadFile
from c2fpl.pipeline.files.lists import exists, read_list, read_text
from c2fpl.pipeline.videos.search import SUFFIXES

NAME_COLUMNS = frozenset(
    {
        *("video", "path", "video-id", "video_id", "videoid", "video_name", "videoname", "name"),
        *("video_path", "file", "filename", "file_name", "filepath", "file_path", "id", "vid"),
    }
)
"""Headers of a column of names, in lower case."""

FEATURE_SUFFIXES = frozenset({".npy", ".npz", ".pt", ".pth", ".h5", ".hdf5", ".mat", ".pkl"})
"""Suffixes in lists of feature files, besides .txt of text features."""

_SUFFIX = "|".join(re.escape(s) for s in sorted(SUFFIXES | FEATURE_SUFFIXES | {".txt"}))
_WHOLE = re.compile(rf".*({_SUFFIX})", re.IGNORECASE)
_PATH_FIRST = re.compile(rf"(.*?({_SUFFIX}))[\s,;|]", re.IGNORECASE)
_PARTS = frozenset({"train", "training", "test", "testing", "val", "validation"})


def read_entries(path: Path) -> list[str]:
    """The entries of a list in file order, including duplicates.

    If a whole line is the name of a file next to the list, that file is the entry. Otherwise a path
    ends at its suffix, so it may contain spaces and commas. A name without suffix ends at a comma,
    a tab or the first space before a number.

    Raises:
        BadFile: the file cannot be read, or its JSON holds no names.
    """
    if path.suffix.lower() in (".json", ".jsonl"):
        return _of_json(path)
    lines = [line.text for line in read_list(path)]
    column, delimiter = _header(lines[0]) if lines else (None, "")
    if column is not None and delimiter:
        rows = csv.reader(lines[1:], delimiter=delimiter, skipinitialspace=True)
        return [row[column].strip() for row in rows if len(row) > column]
    return [_entry(line, path.parent) for line in lines[column is not None :]]


def _header(line: str) -> tuple[int | None, str]:
    """Column of the names and delimiter of a table; (None, "") if the line is not a header."""
    if _WHOLE.fullmatch(line) or _PATH_FIRST.match(line):
        return None, ""
    for delimiter in ",;\t|":
        cells = [cell.strip().strip('"').lower() for cell in line.split(delimiter)]
        found = next((place for place, cell in enumerate(cells) if cell in NAME_COLUMNS), None)
        if found is not None:
            return found, delimiter if len(cells) > 1 else ""
    return (0, "") if line.split()[0].lower() in NAME_COLUMNS else (None, "")


def _entry(line: str, folder: Path) -> str:
    if exists(folder, line) or _WHOLE.fullmatch(line):
        return line
    if line.startswith('"'):
        return next(csv.reader([line]))[0].strip()
    if match := _PATH_FIRST.match(line):
        return match[1]
    first = re.split(r"[,;|\t]", line)[0].strip()
    name, _, rest = first.partition(" ")
    return name if re.search(r"(^|\s)-?[0-9]", rest) else first


def _of_json(path: Path) -> list[str]:
    text = read_text(path)
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        try:
            content = [json.loads(line) for line in text.splitlines() if line.strip()]
        except (json.JSONDecodeError, RecursionError) as error:
            raise BadFile(f"{path} is not JSON ({error}); give a list of names") from error
    except RecursionError as error:
        raise BadFile(f"{path} is nested too deeply; give a list of names") from error
    if isinstance(content, dict) and isinstance(content.get("database"), dict):
        content = content["database"]
    if isinstance(content, dict):
        parts = [key for key in content if key.lower() in _PARTS]
        if parts:
            raise BadFile(
                f"{path} holds several lists ({', '.join(parts)}): save the one to use as a file"
            )
        return list(content)
    entries = list(_names_in(content)) if isinstance(content, list) else []
    if not entries:
        raise BadFile(f"{path} holds no names; give a list of names, or of objects with a video")
    return entries


def _names_in(content: Sequence[object]) -> Iterator[str]:
    for item in content:
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            yield from _name_of(item.items())


def _name_of(fields: Iterable[tuple[str, object]]) -> Iterator[str]:
    """The value of the first field that is named like a column of names, if it is a string."""
    found = [value for key, value in fields if key.lower() in NAME_COLUMNS]
    yield from (value for value in found[:1] if isinstance(value, str))
