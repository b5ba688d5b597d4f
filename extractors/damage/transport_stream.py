"""Finds broken and missing packets of an MPEG transport stream from the packet headers.

A transport stream has no index and no length, but each packet starts with the byte 0x47 and has a
4-bit counter (ISO/IEC 13818-1, 2.4.3). Lost bytes shift the packet borders. Lost packets make the
counter jump, except for a loss of exactly 16, 32, ... packets.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from c2fpl.extractors.damage.mp4_boxes import only_zeros
from c2fpl.extractors.damage.transport_tables import (
    PACKET_BYTES,
    SPACINGS,
    SYNC,
    VideoPids,
    sampled_video_pids,
)

CHUNK_BYTES: Final = 2**20


@dataclass
class TransportFaults:
    """Faults found in the packets of one stream."""

    borders_lost: int = 0
    """Times the next packet did not start at the expected offset."""
    marked: int = 0
    """Packets that the sender or receiver marked as broken."""
    counter_jumps: int = 0
    """Counter jumps within a frame: some of its packets are missing."""
    joints: int = 0
    """Counter jumps between two frames: frames are lost, or recordings were joined."""
    cut_short: bool = False
    """Whether the file ends inside a packet."""
    unread_pids: set[int] = field(default_factory=set)
    """PIDs under which the video continues but is not read."""

    def broken(self) -> list[str]:
        """Describe what is certainly broken; joints are not included."""
        counted = (
            (self.borders_lost, "packet borders lost"),
            (self.marked, "packets marked as broken"),
            (self.counter_jumps, "jumps of the packet counter"),
        )
        faults = [f"{what}: {count}" for count, what in counted if count]
        unread = sorted(self.unread_pids)
        faults += [f"video continues under PID {pid:#x}, not read" for pid in unread]
        return [*faults, "cut off inside a packet"] if self.cut_short else faults


def transport_faults(path: Path, pid: int) -> TransportFaults:
    """Scan the whole file for faults of the stream with this packet identifier (PID).

    Only the counters of this PID and of PIDs that continue it are checked. Losses in other streams
    do not affect the video.
    """
    faults = TransportFaults()
    sampled = sampled_video_pids(path)
    own = {pid} | {later for later, old in sampled.later.items() if old == pid}
    counters = [_Counter(one, faults) for one in own]
    found = VideoPids()
    with path.open("rb") as file:
        for packets in _packets(file, faults):
            for counter in counters:
                counter.check(packets)
            found.add(packets.ravel())
    faults.unread_pids = found.unread | (found.later.keys() - sampled.later.keys())
    return faults


class _Counter:
    """Follows the packet counter of one stream."""

    def __init__(self, pid: int, faults: TransportFaults) -> None:
        self._pid = pid
        self._faults = faults
        self._last: NDArray[np.uint8] | None = None

    def check(self, packets: NDArray[np.uint8]) -> None:
        """Check the next whole packets, uint8 (packets, 188), values 0 to 255."""
        high, low = self._pid >> 8, self._pid & 0xFF
        own = np.flatnonzero((packets[:, 2] == low) & (packets[:, 1] & 0x1F == high))
        self._faults.marked += int((packets[own, 1] & 0x80 != 0).sum())
        counted = own[packets[own, 3] & 0x10 != 0]  # packets without a payload do not count
        if not len(counted):
            return
        self._step(self._last, packets[counted[0]])
        steps = (packets[counted[1:], 3] - packets[counted[:-1], 3]) & 0xF
        for index in np.flatnonzero(steps != 1):
            self._step(packets[counted[index]], packets[counted[index + 1]])
        self._last = packets[counted[-1]].copy()

    def _step(self, last: NDArray[np.uint8] | None, packet: NDArray[np.uint8]) -> None:
        """Count a jump between two successive packets of the stream, uint8 (188,)."""
        if last is None:
            return
        step = (int(packet[3]) - int(last[3])) & 0xF
        repeated = step == 0 and np.array_equal(packet[12:], last[12:])
        announced = packet[3] & 0x20 and packet[4] and packet[5] & 0x80
        if step == 1 or repeated or announced:
            return
        if packet[1] & 0x40:
            self._faults.joints += 1
        else:
            self._faults.counter_jumps += 1


def _packets(file: BinaryIO, faults: TransportFaults) -> Iterator[NDArray[np.uint8]]:
    """Yield runs of whole packets, uint8 (packets, 188)."""
    position, spacing = _layout(_bytes_at(file, 0))
    while True:
        data = _bytes_at(file, position)
        count = (len(data) + spacing - PACKET_BYTES) // spacing
        if count == 0:
            faults.cut_short = len(data) > 0
            return
        foreign = np.flatnonzero(data[: (count - 1) * spacing + 1 : spacing] != SYNC)
        whole = int(foreign[0]) if len(foreign) else count
        yield as_strided(data, (whole, PACKET_BYTES), (spacing, 1), writeable=False)
        position += whole * spacing
        if len(foreign):
            if only_zeros(file, position):  # preallocated space, or a hole in the file
                last = _bytes_at(file, max(position - spacing, 0))[:PACKET_BYTES]
                faults.cut_short = not last[-1:].any()
                return
            faults.borders_lost += 1
            position = _next_border(file, position, spacing)


def _layout(data: NDArray[np.uint8]) -> tuple[int, int]:
    """Offset of the first packet in uint8 (bytes,), and the spacing that fits most sync bytes."""
    is_sync = data == SYNC
    spacing = max(SPACINGS, key=lambda size: int((is_sync[:-size] & is_sync[size:]).sum()))
    stamp = 4 if spacing == SPACINGS[1] else 0
    return (stamp if is_sync[stamp : stamp + 1].all() else 0), spacing


def _next_border(file: BinaryIO, position: int, spacing: int) -> int:
    """Offset of the next three packets in a row; the end of the file if there are none."""
    while True:
        is_sync = _bytes_at(file, position) == SYNC
        starts = len(is_sync) - 2 * spacing
        if starts <= 0:
            return position + len(is_sync)
        three = is_sync[:starts] & is_sync[spacing:-spacing] & is_sync[2 * spacing :]
        if three.any():
            return position + int(three.argmax())
        position += starts


def _bytes_at(file: BinaryIO, position: int) -> NDArray[np.uint8]:
    """Up to `CHUNK_BYTES` of the file from `position` on, uint8 (bytes,)."""
    file.seek(position)
    return np.frombuffer(file.read(CHUNK_BYTES), np.uint8)
