"""Detects truncated AVI, ASF, FLV, MXF and Ogg files and MPEG program streams.

Each of these is a sequence of chunks that declare their size. A file that ends inside a chunk is
truncated. Sizes that a live recorder left open prove nothing, and data after the last chunk is not
a loss.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

Chunk: TypeAlias = Callable[[bytes], int | None]
"""Maps the first `HEAD_BYTES` of a chunk to its size in bytes. 0 or None ends the walk: the size
was left open, or no chunk starts here."""
HEAD_BYTES: Final = 300
SIGNATURE_BYTES: Final = 4
FIRST_RECORDING_ONLY: Final = frozenset({"asf", "flv"})
"""Containers of which FFmpeg reads only the first of several joined recordings."""
TAIL_BYTES: Final = 2**20
"""Size of the tail searched for the last chunk of a format with sync marks."""
AVI_CHUNKS: Final = frozenset({b"LIST", b"JUNK", b"idx1"})
FLV_HEADER: Final = b"FLV\x01"
FLV_TAGS: Final = frozenset({8, 9, 15, 18})
"""Audio, video, AMF 3 data, AMF 0 data."""
ASF_OBJECTS: Final = frozenset(
    bytes.fromhex(start) for start in ("3026b275", "3626b275", "90080033", "d329e2d6", "f803b1fe")
)
"""First bytes of the top-level objects: header, data, three kinds of index."""
ASF_PROPERTIES: Final = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
ASF_FLAGS_AT, ASF_BROADCAST = 88, 1
"""Offset of the flags in the file properties, and the flag that makes sizes invalid."""
MXF_KEY: Final = b"\x06\x0e\x2b\x34"
OGG_PAGE: Final = b"OggS"
PS_PACK, PS_END = b"\x00\x00\x01\xba", b"\x00\x00\x01\xb9"


def chunk_faults(path: Path, container: str) -> list[str]:
    """Say whether the file is cut off or contains a recording that is not read.

    Args:
        path: the file.
        container: first name of its demuxer; empty result for a container not in `CONTAINERS`.
    """
    if container not in CONTAINERS:
        return []
    mark, chunk = CONTAINERS[container]
    with path.open("rb") as file:
        head = file.read(SIGNATURE_BYTES)
        file_bytes = os.fstat(file.fileno()).st_size
        start = _last_mark(file, file_bytes, mark) if mark else 0
        end = start
        while end < file_bytes:
            file.seek(end)
            data = file.read(HEAD_BYTES)
            if end and container in FIRST_RECORDING_ONLY and data.startswith(head):
                return [f"another recording begins at byte {end}, not read"]
            size = chunk(data)
            if not size:
                return []
            end += size
    return [f"cut off: {end - file_bytes} bytes are missing"] if end > file_bytes else []


def _last_mark(file: BinaryIO, file_bytes: int, mark: bytes) -> int:
    start = max(file_bytes - TAIL_BYTES, 0)
    file.seek(start)
    offset = file.read().rfind(mark)
    return file_bytes if offset < 0 else start + offset


def _avi(head: bytes) -> int | None:
    """Chunks padded to an even size (Microsoft, AVI RIFF File Reference)."""
    if head[:4] == b"RIFF":
        return 12
    size = int.from_bytes(head[4:8], "little")
    is_open = head[:4] not in AVI_CHUNKS or size in (0, 0xFFFFFFFF)
    return None if is_open else 8 + size + size % 2


def _asf(head: bytes) -> int | None:
    """Objects with a 16-byte type and an 8-byte size (Microsoft, ASF Specification, 2.1)."""
    properties = head.find(ASF_PROPERTIES)
    if properties >= 0 and head[properties + ASF_FLAGS_AT] & ASF_BROADCAST:
        return None
    size = int.from_bytes(head[16:24], "little")
    return size if head[:4] in ASF_OBJECTS and size >= 24 else None


def _flv(head: bytes) -> int | None:
    """Tags, each followed by its 4-byte size (Adobe, FLV File Format 10.1, annex E)."""
    if head[:4] == FLV_HEADER:
        return int.from_bytes(head[5:9], "big") + 4
    is_tag = head[0] & 0xDF in FLV_TAGS and not any(head[8:11])
    return 15 + int.from_bytes(head[1:4], "big") if is_tag else None


def _mxf(head: bytes) -> int | None:
    """16-byte key, length in 1 to 9 bytes, value (SMPTE 377-1, 6.3)."""
    if head[:4] != MXF_KEY:
        return None
    if len(head) < 17 or head[16] < 0x80:
        return 17 + sum(head[16:17])
    length_bytes = head[16] & 0x7F
    return 17 + length_bytes + int.from_bytes(head[17 : 17 + length_bytes], "big")


def _ogg(head: bytes) -> int | None:
    """Pages with a table of their segment sizes (RFC 3533, 6)."""
    segments = sum(head[26:27])
    return 27 + segments + sum(head[27 : 27 + segments]) if head[:4] == OGG_PAGE else None


def _program_stream(head: bytes) -> int | None:
    """A pack header, then packets that give their length (ISO/IEC 13818-1, 2.5.3)."""
    if head[:4] == PS_PACK:
        return 14 + (sum(head[13:14]) & 7) if head[4:5] >= b"\x40" else 12
    if head[:4] == PS_END:
        return len(PS_END)
    size = int.from_bytes(head[4:6], "big")
    return 6 + size if head[:3] == PS_PACK[:3] and head[3:4] > PS_PACK[3:] and size else None


CONTAINERS: Final[dict[str, tuple[bytes, Chunk]]] = {
    "avi": (b"", _avi),
    "asf": (b"", _asf),
    "flv": (b"", _flv),
    "mxf": (b"", _mxf),
    "ogg": (OGG_PAGE, _ogg),
    "mpeg": (PS_PACK, _program_stream),
}
"""Sync mark to search for the last chunk (empty: walk from the start), and the size function."""
