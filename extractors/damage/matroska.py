"""Checks a Matroska or WebM file against its own element sizes and checksums.

Elements are nested triples (id, size, content) (RFC 8794, RFC 9559): a segment holds clusters,
clusters hold blocks, a block holds a frame. The walk covers these levels and verifies the checksum
of each cluster that has one.
"""

import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

SEGMENT: Final = 0x18538067
CLUSTER: Final = 0x1F43B675
CHECKSUM: Final = 0xBF
IN_FILE: Final = frozenset({0x1A45DFA3, SEGMENT, 0xEC})
"""Top level: EBML header, segment, void."""
IN_SEGMENT: Final = frozenset(
    {0x114D9B74, 0x1549A966, 0x1654AE6B, CLUSTER, 0x1C53BB6B, 0x1043A770, 0x1941A469, 0x1254C367}
    | {0xEC, CHECKSUM}
)
"""Seek head, info, tracks, cluster, cues, chapters, attachments, tags, void, checksum."""
IN_CLUSTER: Final = frozenset({0xE7, 0x5854, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF, 0xEC, CHECKSUM})
"""Time, silent tracks, position, previous size, block, group, encrypted block, void, checksum."""
CHUNK_BYTES: Final = 2**20


class _BrokenElement(ValueError):
    """An invalid or truncated element; the walk stops here."""


@dataclass(frozen=True)
class _Element:
    identifier: int
    content: int
    """Offset of its first byte."""
    end: int | None
    """Offset after its last byte; None if a live recorder left the size open."""


def matroska_faults(path: Path) -> list[str]:
    """Describe what is broken; empty for an intact file.

    The walk stops at the first invalid element, but not at a wrong checksum.
    """
    with path.open("rb") as file:
        walk = _Walk(file, os.fstat(file.fileno()).st_size)
        faults = []
        try:
            walk.file()
        except _BrokenElement as error:
            faults.append(str(error))
    if walk.wrong_checksums:
        faults.append(f"wrong checksums: {walk.wrong_checksums}")
    return faults


class _Walk:
    def __init__(self, file: BinaryIO, file_bytes: int) -> None:
        self._file = file
        self._file_bytes = file_bytes
        self.wrong_checksums = 0

    def file(self) -> None:
        """Walk the whole file; foreign data after a complete segment is accepted.

        Raises:
            _BrokenElement: an element is invalid or cut off.
        """
        position, is_complete = 0, False
        while position < self._file_bytes:
            try:
                element = self._element(position, IN_FILE)
            except _BrokenElement:
                if is_complete:
                    return
                raise
            is_complete |= element.identifier == SEGMENT and element.end is not None
            position = self._segment(element) if element.identifier == SEGMENT else _end(element)
            self._check_end(position)

    def _segment(self, segment: _Element) -> int:
        position, end = segment.content, segment.end or self._file_bytes
        while position < min(end, self._file_bytes):
            known = IN_SEGMENT if segment.end else IN_SEGMENT | IN_FILE
            element = self._element(position, known)
            if element.identifier not in IN_SEGMENT:
                return position
            is_cluster = element.identifier == CLUSTER
            position = self._cluster(element) if is_cluster else _end(element)
            self._check_end(position)
        return max(position, end)

    def _cluster(self, cluster: _Element) -> int:
        """Offset after the cluster; one of open size ends at the first foreign element."""
        position = cluster.content
        self._check_end(cluster.end or 0)
        while position < (cluster.end or self._file_bytes):
            known = IN_CLUSTER if cluster.end else IN_CLUSTER | IN_SEGMENT | IN_FILE
            element = self._element(position, known)
            if element.identifier not in IN_CLUSTER:
                return position
            position = _end(element)
            if element.identifier == CHECKSUM and cluster.end:
                self._verify(element, cluster.end)
            self._check_end(position)
        if cluster.end and position > cluster.end:
            raise _BrokenElement(f"a block longer than its cluster at byte {position}")
        return position

    def _element(self, position: int, known: frozenset[int]) -> _Element:
        self._file.seek(position)
        head = self._file.read(12)
        id_bytes = 9 - head[0].bit_length()
        identifier = int.from_bytes(head[:id_bytes], "big")
        if id_bytes > 4 or identifier not in known:
            raise _BrokenElement(f"invalid Matroska element at byte {position}")
        size_head = head[id_bytes : id_bytes + 1]
        size_bytes = 9 - size_head[0].bit_length() if size_head else 0
        content = position + id_bytes + size_bytes
        if not 1 <= size_bytes <= 8 or content > self._file_bytes:
            raise _BrokenElement(f"invalid Matroska element at byte {position}")
        open_size = (1 << 7 * size_bytes) - 1
        size = int.from_bytes(head[id_bytes : id_bytes + size_bytes], "big") & open_size
        return _Element(identifier, content, None if size == open_size else content + size)

    def _check_end(self, end: int) -> None:
        if end > self._file_bytes:
            raise _BrokenElement(f"cut off: {end - self._file_bytes} bytes are missing")

    def _verify(self, checksum: _Element, end: int) -> None:
        """Compare a cluster's checksum, its first element, with the rest of its content."""
        self._file.seek(checksum.content)
        expected = int.from_bytes(self._file.read(4), "little")
        left, crc = end - checksum.content - 4, 0
        while left > 0:
            data = self._file.read(min(left, CHUNK_BYTES))
            crc, left = zlib.crc32(data, crc), left - len(data) if data else 0
        self.wrong_checksums += crc != expected


def _end(element: _Element) -> int:
    if element.end is None:
        raise _BrokenElement(f"an element without a size at byte {element.content}")
    return element.end
