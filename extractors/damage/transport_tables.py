"""Reads from the tables of an MPEG transport stream which packets carry video.

One table lists the programs. A table for each program lists its streams by packet identifier (PID)
(ISO/IEC 13818-1, 2.4.4). A recorder that restarts may assign the same video a new PID.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

SYNC: Final = 0x47
SPACINGS: Final = (188, 192, 204)
"""Bytes from packet to packet: plain, with a timestamp prefix (camcorders), with parity."""
PACKET_BYTES: Final = 188
SAMPLES: Final = 8
SAMPLE_BYTES: Final = 2**20
"""Half a second at 16 Mbit/s: tables are repeated at least twice a second."""
VIDEO_TYPES: Final = frozenset({0x01, 0x02, 0x10, 0x1B, 0x24, 0x33, 0x42, 0xEA})
"""MPEG-1, MPEG-2, MPEG-4, H.264, H.265, VVC, AVS, VC-1."""
PROGRAMS_PID, PROGRAMS_TABLE, STREAMS_TABLE = 0, 0, 2

Bytes: TypeAlias = NDArray[np.uint8]
Videos: TypeAlias = tuple[tuple[int, int], ...]
"""(PID, type) of each video stream of a program."""


@dataclass
class VideoPids:
    """PIDs that carry the video over the course of one file."""

    first: dict[int, Videos] = field(default_factory=dict)
    """Index of the program to the streams of its first table that lists video."""
    later: dict[int, int] = field(default_factory=dict)
    """Later PID to the PID in `first` that it continues."""
    unread: set[int] = field(default_factory=set)
    """Later PIDs of a different codec, which are not read."""

    def add(self, data: Bytes) -> None:
        """Read the tables in the next bytes of the file, uint8 (bytes,)."""
        for program, videos in _video_tables(data):
            known = self.first.setdefault(program, videos) if videos else ()
            named = {pid for streams in self.first.values() for pid, _ in streams}
            for (pid, kind), (old, old_kind) in zip(videos, known, strict=False):
                if old in dict(videos) or pid in named:
                    continue
                if kind == old_kind:
                    self.later[pid] = old
                else:
                    self.unread.add(pid)


def sampled_video_pids(path: Path) -> VideoPids:
    """Read the tables at evenly spaced offsets of the file; a small file is read whole."""
    pids = VideoPids()
    with path.open("rb") as file:
        last = max(file.seek(0, 2) - SAMPLE_BYTES, 0)
        for offset in sorted({last * number // (SAMPLES - 1) for number in range(SAMPLES)}):
            file.seek(offset)
            pids.add(np.frombuffer(file.read(SAMPLE_BYTES), np.uint8))
    return pids


def packet_places(data: Bytes, pid: int) -> NDArray[np.intp]:
    """Offsets at which packets with this PID start, intp (packets,).

    A packet starts at a sync byte that has another one a packet length before or after it.
    """
    sync = data == SYNC
    heads = sync[:-2] & (data[1:-1] & 0x1F == pid >> 8) & (data[2:] == pid & 0xFF)
    places = np.flatnonzero(heads)
    beside = [places + offset for size in SPACINGS for offset in (-size, size)]
    inside = [np.clip(other, 0, len(data) - 1) for other in beside]
    return places[np.logical_or.reduce([sync[other] & (other != places) for other in inside])]


def _video_tables(data: Bytes) -> Iterator[tuple[int, Videos]]:
    """Yield program index and video streams of each table in uint8 (bytes,), in file order."""
    found: list[tuple[int, int, Videos]] = []
    programs: dict[int, int] = {}
    for _, section in _sections(data, PROGRAMS_PID, PROGRAMS_TABLE):
        entries = [section[at : at + 4] for at in range(8, len(section) - 3, 4)]
        streams = [_number(entry[2:]) & 0x1FFF for entry in entries if any(entry[:2])]
        programs |= {pid: number for number, pid in enumerate(streams)}
    for pid, program in programs.items():
        tables = _sections(data, pid, STREAMS_TABLE)
        found += [(place, program, _videos(section)) for place, section in tables]
    return ((program, videos) for _, program, videos in sorted(found))


def _sections(data: Bytes, pid: int, table: int) -> Iterator[tuple[int, bytes]]:
    """Yield offset and content (no checksum) of each new single-packet table in uint8 (bytes,)."""
    last = b""
    for place in packet_places(data, pid).tolist() if len(data) > PACKET_BYTES else []:
        packet = data[place : place + PACKET_BYTES].tobytes()
        if len(packet) < PACKET_BYTES or not packet[1] & 0x40:
            continue
        start = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
        section = packet[start + 1 + sum(packet[start : start + 1]) :]
        end = 3 + (_number(section[1:3]) & 0xFFF) - 4
        if section[:1] == bytes([table]) and section[:end] != last:
            last = section[:end]
            yield place, last


def _videos(section: bytes) -> Videos:
    """Video streams listed in a stream table."""
    at = 12 + (_number(section[10:12]) & 0xFFF)
    videos = []
    while at + 5 <= len(section):
        if section[at] in VIDEO_TYPES:
            videos.append((_number(section[at + 1 : at + 3]) & 0x1FFF, section[at]))
        at += 5 + (_number(section[at + 3 : at + 5]) & 0xFFF)
    return tuple(videos)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
