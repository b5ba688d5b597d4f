"""Reads a transport stream as if its video kept one packet identifier (PID).

FFmpeg treats a video that continues under another PID as another stream. This file object rewrites
the PIDs assigned by a restarted recorder to the first one.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from c2fpl.extractors.damage.transport_tables import PACKET_BYTES, packet_places

MARGIN_BYTES: Final = 2 * PACKET_BYTES + 64
"""Margin read on both sides of the requested bytes, so that their packets are complete."""


class OneVideoPid:
    """Read-only file object that replaces the PIDs of some packets; for `av.open`.

    Args:
        path: the transport stream.
        pids: PID in the file to PID that replaces it.
    """

    def __init__(self, path: Path, pids: Mapping[int, int]) -> None:
        self._path = path
        self._pids = pids
        self._position = 0
        self._file_bytes = path.stat().st_size

    def read(self, size: int = -1) -> bytes:
        """Next bytes of the file, at most `size`; empty at its end."""
        end = self._file_bytes if size < 0 else min(self._position + size, self._file_bytes)
        start = max(self._position - MARGIN_BYTES, 0)
        with self._path.open("rb") as file:
            file.seek(start)
            data = np.frombuffer(bytearray(file.read(end + MARGIN_BYTES - start)), np.uint8)
        for old, new in self._pids.items():
            places = packet_places(data, old)
            data[places + 1] = data[places + 1] & 0xE0 | new >> 8
            data[places + 2] = new & 0xFF
        requested = data[self._position - start : end - start].tobytes()
        self._position += len(requested)
        return requested

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move by an offset from the start, the position or the end; return the new position."""
        bases = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._file_bytes}
        self._position = max(bases[whence] + offset, 0)
        return self._position

    def tell(self) -> int:
        """Offset of the next byte to read."""
        return self._position
