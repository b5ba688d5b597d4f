"""A transport stream as a file in which the video keeps its packet identifier (PID).

FFmpeg takes a video that goes on under another PID for another stream. Here the packets carry the
first PID all along, whatever a recorder that restarted has called them.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from c2fpl.extractors.damage.transport_tables import PACKET_BYTES, packet_places

MARGIN_BYTES: Final = 2 * PACKET_BYTES + 64
"""Read before and after what is asked for, so that every packet in it is seen whole."""


class OneVideoPid:
    """Reads a file, with the PIDs of some packets replaced; PyAV takes it for an open file.

    Args:
        path: the transport stream.
        pids: PID that is found, to PID that is given.
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
        for found, given in self._pids.items():
            places = packet_places(data, found)
            data[places + 1] = data[places + 1] & 0xE0 | given >> 8
            data[places + 2] = given & 0xFF
        asked = data[self._position - start : end - start].tobytes()
        self._position += len(asked)
        return asked

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place counted from the start, from here or from the end; returns it."""
        bases = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._file_bytes}
        self._position = max(bases[whence] + offset, 0)
        return self._position

    def tell(self) -> int:
        """Place of the next byte read."""
        return self._position
