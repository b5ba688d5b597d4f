"""Reads lists from text files with any common encoding, line ending, quoting and comments."""

import codecs
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from c2fpl.errors import BadFile

LARGEST_LIST_BYTES = 256 * 2**20
"""Upper limit: a million paths take less, a video with the suffix of a list often more."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONCAT_DIRECTIVE = re.compile(r"(ffconcat|duration|stream|option|file_packet_meta|chapter)\b")
_CONCAT_CUT = re.compile(r"(inpoint|outpoint)\b")


@dataclass(frozen=True)
class ListLine:
    """One entry of a list."""

    number: int
    """Line number in the file, from 1."""
    text: str
    """The entry without quotes and surrounding spaces. Invalid UTF-8 is surrogates (PEP 383)."""


def read_list(path: Path) -> list[ListLine]:
    """The entries of a text file, one per line, in file order, with duplicates.

    The encoding is UTF-8, UTF-16 or UTF-32; lines end in LF, CR LF or CR. Blank lines and comments
    are skipped (`#`, unless a file beside the list has that name). Quotes around a whole line are
    removed. The entries of an FFmpeg concat list (`file 'a.mp4'`) are its files.

    Raises:
        BadFile: unreadable, not text, or a concat list that uses parts of files.
    """
    lines = [
        ListLine(number, line.strip())
        for number, line in enumerate(re.split(r"\r\n|\r|\n", read_text(path)), start=1)
    ]
    entries = [line for line in lines if line.text and not _is_comment(path.parent, line.text)]
    if _is_concat(path.parent, entries):
        return _concat_files(path, entries)
    return [ListLine(entry.number, _unquoted(entry.text)) for entry in entries]


def read_text(path: Path) -> str:
    """Read a file in UTF-8, UTF-16 or UTF-32, without its byte order mark.

    Raises:
        BadFile: unreadable, not text, or larger than `LARGEST_LIST_BYTES`.
    """
    try:
        if path.stat().st_size > LARGEST_LIST_BYTES:
            raise BadFile(f"{path} is too large for a list; give a text file, one name per line")
        data = path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path} cannot be read ({error.strerror}); check the path") from error
    try:
        text = data.decode(_encoding(data), "surrogateescape")
    except UnicodeDecodeError as error:
        raise BadFile(f"{path} is not text ({error.reason}); save it as UTF-8") from error
    if "\0" in text:
        raise BadFile(f"{path} is not text; give a text file, one name per line")
    return text


def _encoding(data: bytes) -> str:
    """Encoding by the byte order mark; without one, NULs in every other byte mean UTF-16."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    first = data[:1024]
    nulls = (first[::2].count(0), first[1::2].count(0))
    if min(nulls) == 0 and max(nulls) > len(first) // 4:
        return "utf-16-le" if nulls[1] else "utf-16-be"
    return "utf-8"


def _is_comment(folder: Path, line: str) -> bool:
    return line.startswith("#") and not exists(folder, line)


def exists(folder: Path, name: str) -> bool:
    """Whether a file beside a list has this name, which may be no valid one."""
    try:
        return (folder / name).exists()
    except (OSError, ValueError):  # too long, or invalid characters
        return False


def _unquoted(line: str) -> str:
    for quote in "\"'":
        if len(line) > 2 and line[0] == line[-1] == quote and quote not in line[1:-1]:
            return line[1:-1]
    return line


def _is_concat(folder: Path, entries: Iterable[ListLine]) -> bool:
    """Whether this is an FFmpeg concat list, not a list of files named `file 1.mp4`."""
    texts = [entry.text for entry in entries]
    files = [text for text in texts if re.match(r"file\s", text)]
    if not files or any(exists(folder, text) for text in files):
        return False
    others = [text for text in texts if not re.match(r"file\s", text)]
    return all(_CONCAT_DIRECTIVE.match(text) or _CONCAT_CUT.match(text) for text in others)


def _concat_files(path: Path, entries: Iterable[ListLine]) -> list[ListLine]:
    found = []
    for entry in entries:
        if _CONCAT_CUT.match(entry.text):
            raise BadFile(
                f"{path}, line {entry.number}: {entry.text!r} selects part of a file, but videos "
                "are read whole; cut the file, or remove the line"
            )
        if re.match(r"file\s", entry.text):
            found.append(ListLine(entry.number, _concat_name(path, entry)))
    return found


def _concat_name(path: Path, entry: ListLine) -> str:
    r"""The name after `file`, with FFmpeg's quoting: '...' and backslashes, as in 'it'\''s'."""
    lexer = shlex.shlex(entry.text[len("file") :].strip(), posix=True)
    lexer.quotes, lexer.commenters, lexer.whitespace = "'", "", ""
    lexer.whitespace_split = True
    try:
        return "".join(lexer).removeprefix("file:")
    except ValueError as error:
        raise BadFile(
            f"{path}, line {entry.number}: {entry.text!r} has an unclosed quote; close it"
        ) from error
