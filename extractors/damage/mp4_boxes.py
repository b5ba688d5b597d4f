"""Walks the outermost boxes of an mp4 or mov file: do they fill the file exactly?

A box is (size, type, content), one after the other (ISO/IEC 14496-12, 4.2). Where bytes were cut
out, put in or cut off, the last ones do not end where the file does.
"""

import os
from pathlib import Path
from typing import BinaryIO, Final

HEAD_BYTES: Final = 8
LONG_HEAD_BYTES: Final = 16
TO_THE_END, IN_64_BITS = 0, 1
"""What a size of 0 and of 1 stands for."""
LETTERS: Final = range(0x20, 0x7F)


def mp4_faults(path: Path) -> list[str]:
    """What is broken, in words; empty for a file that is whole, or followed by zeros alone."""
    with path.open("rb") as file:
        file_bytes = os.fstat(file.fileno()).st_size
        position = 0
        while position < file_bytes:
            end = _end_of_box(file, position, file_bytes)
            if end is None:
                return [] if _only_zeros(file, position) else [f"no mp4 box at byte {position}"]
            position = end
    return [f"cut off: {position - file_bytes} bytes are missing"] if position > file_bytes else []


def _end_of_box(file: BinaryIO, position: int, file_bytes: int) -> int | None:
    """Place after the box that starts here; None where none does."""
    file.seek(position)
    head = file.read(LONG_HEAD_BYTES)
    size, least = int.from_bytes(head[:4], "big"), HEAD_BYTES
    if size == TO_THE_END:
        return None if _no_type(head) else file_bytes
    if size == IN_64_BITS:
        size, least = int.from_bytes(head[HEAD_BYTES:], "big"), LONG_HEAD_BYTES
    return None if _no_type(head) or size < least else position + size


def _no_type(head: bytes) -> bool:
    name = head[4:HEAD_BYTES]
    return len(name) < 4 or any(byte not in LETTERS for byte in name)


def _only_zeros(file: BinaryIO, position: int) -> bool:
    """Whether nothing but zeros follows: recorders fill up their blocks with them."""
    file.seek(position)
    return not any(any(chunk) for chunk in iter(lambda: file.read(2**20), b""))
