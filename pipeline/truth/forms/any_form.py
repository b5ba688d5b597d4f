"""Detect the format of an annotation file and read its records."""

from collections.abc import Iterator
from pathlib import Path

from c2fpl.errors import BadAnnotation
from c2fpl.pipeline.truth.forms.jsons import json_records
from c2fpl.pipeline.truth.forms.masks import mask_records
from c2fpl.pipeline.truth.forms.records import Record
from c2fpl.pipeline.truth.forms.texts import text_records
from c2fpl.pipeline.truth.forms.xmls import xml_records


def read_records(path: Path) -> tuple[list[Record], str]:
    """Read an annotation file, a folder of masks, or a folder of JSON or XML files.

    Returns:
        The records, and the name of the format.

    Raises:
        BadAnnotation: a file cannot be read or has an invalid entry.
        BadAnnotation, BadFile: a mask is not a vector of 0 and 1.
    """
    if path.is_dir():
        files = [
            p for p in sorted(path.rglob("*")) if p.suffix.lower() in (".eaf", ".xml", ".json")
        ]
        if not files:
            return mask_records(path)
        found = [read_records(file) for file in files]
        records = [record for each, _ in found for record in each]
        return records, f"{len(files)} files of {', '.join(sorted({form for _, form in found}))}"
    if path.suffix.lower() in (".npy", ".mat", ".pkl", ".xlsx", ".xls", ".ods"):
        raise BadAnnotation(
            f"{path} is not a text file: save a table as CSV, give a ground-truth vector with"
            " --ground-truth, or masks as a folder with one .npy per video"
        )
    text = decoded(path)
    if text.lstrip("\ufeff \r\n\t")[:1] in ("{", "[") and path.suffix.lower() != ".csv":
        return json_records(path, text)
    if text.lstrip("\ufeff \r\n\t").startswith("<"):
        return xml_records(path, text)
    return text_records(path, text)


def decoded(path: Path) -> str:
    """Decode a file: UTF-16 with a byte order mark, UTF-8, or Windows-1252 (Excel).

    Raises:
        BadAnnotation: the file cannot be read or is not text.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadAnnotation(f"{path} cannot be read ({error.strerror}): check the path") from error
    for encoding in _encodings(content):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadAnnotation(
        f"{path} is not a text file: give a text, table, JSON or XML file of annotations"
    )


def _encodings(content: bytes) -> Iterator[str]:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield "utf-16"
    elif b"\0" not in content:
        yield "utf-8-sig"
        yield "cp1252"
