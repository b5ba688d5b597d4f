"""XML annotations: CVAT for video (tracks) and ELAN (.eaf, one file per video)."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

from c2fpl.errors import BadAnnotation
from c2fpl.pipeline.truth.forms.records import Record


def xml_records(path: Path, text: str) -> tuple[list[Record], str]:
    """Read the records of an XML file.

    Returns:
        The records, and the name of the format.

    Raises:
        BadAnnotation: the file is not XML, or is neither CVAT nor ELAN.
    """
    if "<!ENTITY" in text:
        raise BadAnnotation(
            f"{path} defines entities, which no annotation tool writes: export it again"
        )
    try:
        root = ElementTree.fromstring(text.lstrip("\ufeff").encode())
    except ElementTree.ParseError as error:
        raise BadAnnotation(f"{path} is not valid XML ({error}): export it again") from error
    read, form = _FORMS.get(root.tag, (None, ""))
    try:
        if read is not None:
            return list(read(path, root)), form
    except (KeyError, ValueError) as error:
        raise BadAnnotation(
            f"{path} looks like {form}, but an item is missing or invalid ({error!r}): export it"
            " again"
        ) from error
    raise BadAnnotation(
        f"{path} is XML of an unknown format (root <{root.tag}>): export it as CVAT for video or"
        " ELAN"
    )


def _cvat(path: Path, root: ElementTree.Element) -> Iterator[Record]:
    """An object is visible from a shape without `outside` up to the next shape with it."""
    name = root.findtext(".//meta//source") or root.findtext(".//meta//task/name") or path.stem
    size = root.findtext(".//meta//task/size") or ""
    count = int(size) if size.isdecimal() else None
    yield Record(f"{path}, {name}", name, frame_count=count)
    for track in root.iter("track"):
        shapes = sorted(
            (int(shape.get("frame", "0")), shape.get("outside") == "1") for shape in track
        )
        spans, start = [], None
        for frame, outside in shapes:
            if start is not None and outside:
                spans.append((str(start), str(frame)))
            start = None if outside else frame if start is None else start
        if start is not None:
            spans.append((str(start), str(shapes[-1][0] + 1)))
        yield Record(
            f"{path}, track {track.get('id', '')}",
            name,
            tuple(spans),
            "frames",
            first_frame=0,
            end_included=False,
            classes=(track.get("label", ""),),
        )


def _elan(path: Path, root: ElementTree.Element) -> Iterator[Record]:
    media = root.find(".//MEDIA_DESCRIPTOR")
    url = "" if media is None else media.get("RELATIVE_MEDIA_URL") or media.get("MEDIA_URL") or ""
    name = url.split("/")[-1] or path.stem
    slots = {s.get("TIME_SLOT_ID"): s.get("TIME_VALUE", "") for s in root.iter("TIME_SLOT")}
    yield Record(f"{path}, {name}", name)
    for one in root.iter("ALIGNABLE_ANNOTATION"):
        start, end = slots[one.get("TIME_SLOT_REF1")], slots[one.get("TIME_SLOT_REF2")]
        label = (one.findtext("ANNOTATION_VALUE") or "").strip()
        place = f"{path}, annotation {one.get('ANNOTATION_ID', '')}"
        yield Record(
            place, name, ((f"{start}ms", f"{end}ms"),), "seconds", classes=(label,) if label else ()
        )


_FORMS: Mapping[str, tuple[Callable[[Path, ElementTree.Element], Iterator[Record]], str]] = {
    "annotations": (_cvat, "CVAT"),
    "ANNOTATION_DOCUMENT": (_elan, "ELAN"),
}
"""Reader and name of each format, by root element."""
