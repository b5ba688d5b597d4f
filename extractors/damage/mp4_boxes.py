"""Walks the top-level boxes of an mp4 or mov file to find truncation and appended recordings.

A file is a sequence of boxes (size, type, content) (ISO/IEC 14496-12, 4.2). A truncated file ends
inside a box of a known type. Some cameras append private data after the last box. That is not a
loss, unless the data is another recording, which decoders do not read.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

HEAD_BYTES: Final = 8
LONG_HEAD_BYTES: Final = 16
TO_THE_END, IN_64_BITS = 0, 1
"""Special meanings of the sizes 0 and 1."""
LETTERS: Final = range(0x20, 0x7F)
KNOWN: Final = frozenset(
    {"ftyp", "styp", "moov", "moof", "mdat", "imda", "free", "skip", "wide", "uuid", "meta", "pnot"}
    | {"sidx", "ssix", "prft", "emsg", "mfra", "udta", "pdin", "junk", "PICT"}
)
"""Top-level types. Another type whose size extends beyond the file is not taken for a box."""
INDEX, FRAGMENT_INDEX = "moov", "mfra"
IN_FRAGMENTS: Final = b"mvex"
"""Box in an index: frames are listed per fragment, including those of an appended file."""
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
    """Top-level structure of one file."""

    missing_bytes: int = 0
    """Bytes by which the last box extends beyond the end of the file."""
    indices: list[tuple[int, bool]] = field(default_factory=list)
    """Offset of each index, and whether it lists its frames in fragments."""
    fragments_indexed: bool = False
    """Whether the file has an index of fragments; its offsets are wrong in an appended file."""
    last: str = ""
    """Type of the last box."""
    trailer: int | None = None
    """Offset of the first byte after the last box; None if only zeros follow."""
    follower: str = ""
    """Container format of a recording that starts at `trailer`; empty if none does."""

    @property
    def may_be_shifted(self) -> bool:
        """Whether bytes may have been inserted, which pushes the end of the media data out."""
        return self.trailer is not None and self.last != INDEX

    def faults(self) -> list[str]:
        """Describe what is broken or not read."""
        if self.missing_bytes:
            return [f"cut off: {self.missing_bytes} bytes are missing"]
        if self.follower:
            return [f"another recording ({self.follower}) begins at byte {self.trailer}, not read"]
        if self.trailer is not None and not self.indices:
            return [f"invalid mp4 box at byte {self.trailer}"]
        in_fragments = all(fragmented for _, fragmented in self.indices)
        if len(self.indices) > 1 and (self.fragments_indexed or not in_fragments):
            offset = self.indices[1][0]
            return [f"another recording (mp4) with its index at byte {offset}, not read"]
        return []


def mp4_faults(path: Path) -> list[str]:
    """Describe what is broken; empty for an intact file, even if foreign bytes follow it."""
    return mp4_layout(path).faults()


def mp4_layout(path: Path) -> Mp4Layout:
    """Walk the top-level boxes of a file."""
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
    """Type of the box at `position`, and the offset after it; an empty type if there is no box."""
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
    """Record what follows the last box, unless it is zero padding."""
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
    """Whether all bytes from `position` to the end are zero."""
    file.seek(position)
    return not any(any(chunk) for chunk in iter(lambda: file.read(2**20), b""))
