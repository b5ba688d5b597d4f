"""Which form an annotation file has, and its records."""

from collections.abc import Iterator
from pathlib import Path

from c2fpl.pipeline.truth.forms.jsons import json_records
from c2fpl.pipeline.truth.forms.masks import mask_records
from c2fpl.pipeline.truth.forms.records import Record
from c2fpl.pipeline.truth.forms.rows import BadAnnotation
from c2fpl.pipeline.truth.forms.texts import text_records
from c2fpl.pipeline.truth.forms.xmls import xml_records


def read_records(path: Path) -> tuple[list[Record], str]:
    """Records of an annotation file or folder, and its form in words.

    A folder holds masks, or files of one tool, one a video.

    Raises:
        BadAnnotation: what cannot be read, with file, line or entry, value, rule and cure.
        BadMask, BadNpy: a mask that is no vector of 0 and 1.
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
            f"{path} is no text file: save the table as CSV; a vector of ground truth is given with"
            " --ground-truth, masks as a folder with one .npy for each video"
        )
    text = decoded(path)
    if text.lstrip("\ufeff \r\n\t")[:1] in ("{", "[") and path.suffix.lower() != ".csv":
        return json_records(path, text)
    if text.lstrip("\ufeff \r\n\t").startswith("<"):
        return xml_records(path, text)
    return text_records(path, text)


def decoded(path: Path) -> str:
    """The text of a file: UTF-8, UTF-16 with its mark, else Windows-1252 as Excel writes it.

    Raises:
        BadAnnotation: unreadable, or no text.
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
        f"{path} is no text file: give a text, table, JSON or XML file of annotations"
    )


def _encodings(content: bytes) -> Iterator[str]:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield "utf-16"
    elif b"\0" not in content:
        yield "utf-8-sig"
        yield "cp1252"
