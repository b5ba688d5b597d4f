"""Walks the outermost boxes of an mp4 or mov file: is it cut off, and what follows it?

A box is (size, type, content), one after the other (ISO/IEC 14496-12, 4.2). A file that is cut off
ends inside a box of a known type. Cameras and programs put bytes of their own after the last box:
they are no loss, unless they hold another recording, which no decoder reads.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

HEAD_BYTES: Final = 8
LONG_HEAD_BYTES: Final = 16
TO_THE_END, IN_64_BITS = 0, 1
"""What a size of 0 and of 1 stands for."""
LETTERS: Final = range(0x20, 0x7F)
KNOWN: Final = frozenset(
    {"ftyp", "styp", "moov", "moof", "mdat", "imda", "free", "skip", "wide", "uuid", "meta", "pnot"}
    | {"sidx", "ssix", "prft", "emsg", "mfra", "udta", "pdin", "junk", "PICT"}
)
"""Types that stand outermost; a box of another type that passes the file's end is no box."""
INDEX, FRAGMENT_INDEX = "moov", "mfra"
IN_FRAGMENTS: Final = b"mvex"
"""In an index: the frames are listed fragment by fragment, also those of a file appended."""
LARGEST_INDEX_READ: Final = 2**24
RECORDINGS: Final = {
    b"\x1aE\xdf\xa3": "Matroska",
    b"FLV\x01": "FLV",
    b"RIFF": "AVI",
    b"\x00\x00\x01\xba": "MPEG program stream",
    b"0&\xb2u\x8ef\xcf\x11": "ASF",
    b"\x47": "MPEG transport stream",
}
"""First bytes of other containers."""
TRANSPORT_PACKET_BYTES: Final = 188


@dataclass
class Mp4Layout:
    """What the outermost boxes of one file tell."""

    missing_bytes: int = 0
    """Bytes by which the last box passes the end of the file."""
    indices: list[tuple[int, bool]] = field(default_factory=list)
    """Places of the indices, and whether their frames are listed in fragments."""
    fragments_indexed: bool = False
    """Whether an index of fragments stands there: its places are wrong in a file appended."""
    last: str = ""
    """Type of the last box."""
    trailer: int | None = None
    """Place of the first byte that belongs to no box, unless all that follow are zeros."""
    follower: str = ""
    """Container of the recording that starts there, by its first bytes."""

    @property
    def may_be_shifted(self) -> bool:
        """Whether bytes may have been put in: with the index first they push the last ones out."""
        return self.trailer is not None and self.last != INDEX

    def faults(self) -> list[str]:
        """What is broken or not read, in words."""
        if self.missing_bytes:
            return [f"cut off: {self.missing_bytes} bytes are missing"]
        if self.follower:
            return [f"another recording ({self.follower}) begins at byte {self.trailer}, not read"]
        if self.trailer is not None and not self.indices:
            return [f"no mp4 box at byte {self.trailer}"]
        read_on = all(in_fragments for _, in_fragments in self.indices)
        if len(self.indices) > 1 and not (read_on and not self.fragments_indexed):
            place = self.indices[1][0]
            return [f"another recording (mp4) with its index at byte {place}, not read"]
        return []


def mp4_faults(path: Path) -> list[str]:
    """What is broken, in words; empty for a file that is whole, whatever foreign bytes follow."""
    return mp4_layout(path).faults()


def mp4_layout(path: Path) -> Mp4Layout:
    """Walk the boxes."""
    layout = Mp4Layout()
    with path.open("rb") as file:
        file_bytes = os.fstat(file.fileno()).st_size
        position = 0
        while position < file_bytes:
            kind, end = _box(file, position, file_bytes)
            if not kind or (end > file_bytes and kind not in KNOWN):
                _note_trailer(layout, file, position)
                break
            if kind == INDEX:
                layout.indices.append((position, _in_fragments(file, position, end)))
            layout.fragments_indexed |= kind == FRAGMENT_INDEX
            layout.missing_bytes = max(end - file_bytes, 0)
            layout.last, position = kind, end
    return layout


def _box(file: BinaryIO, position: int, file_bytes: int) -> tuple[str, int]:
    """Type of the box that starts here and the place after it; no type where none does."""
    file.seek(position)
    head = file.read(LONG_HEAD_BYTES)
    size, least = int.from_bytes(head[:4], "big"), HEAD_BYTES
    name = head[4:HEAD_BYTES]
    if len(name) < 4 or any(byte not in LETTERS for byte in name):
        return "", position
    kind = name.decode("ascii")
    if size == TO_THE_END:
        return kind, file_bytes
    if size == IN_64_BITS:
        size, least = int.from_bytes(head[HEAD_BYTES:], "big"), LONG_HEAD_BYTES
    return (kind, position + size) if size >= least else ("", position)


def _in_fragments(file: BinaryIO, position: int, end: int) -> bool:
    file.seek(position)
    return IN_FRAGMENTS in file.read(min(end - position, LARGEST_INDEX_READ))


def _note_trailer(layout: Mp4Layout, file: BinaryIO, position: int) -> None:
    """Note what follows the last box, unless it is zeros, with which recorders fill up blocks."""
    if only_zeros(file, position):
        return
    layout.trailer = position
    file.seek(position)
    head = file.read(TRANSPORT_PACKET_BYTES + 1)
    names = (name for magic, name in RECORDINGS.items() if head.startswith(magic))
    name = next(names, "")
    if head[:1] != b"\x47" or head[TRANSPORT_PACKET_BYTES:] == b"\x47":
        layout.follower = name


def only_zeros(file: BinaryIO, position: int) -> bool:
    """Whether nothing but zeros follows."""
    file.seek(position)
    return not any(any(chunk) for chunk in iter(lambda: file.read(2**20), b""))
