"""Which parts of a video file are broken, as the file itself tells, apart from its frames."""

from pathlib import Path
from typing import Final

from c2fpl.extractors.damage.chunks import chunk_faults
from c2fpl.extractors.damage.matroska import matroska_faults
from c2fpl.extractors.damage.mp4_boxes import mp4_faults
from c2fpl.extractors.damage.transport_stream import transport_faults

BLOCK_BYTES: Final = 512


def broken_parts(
    path: Path, container: str, stream_id: int = 0, *, times_jump: bool = False
) -> list[str]:
    """What is broken, in words; empty for a whole file, and for containers that cannot tell.

    Args:
        path: the file.
        container: first name of its demuxer.
        stream_id: what the container calls the video stream; in MPEG-TS its packet identifier.
        times_jump: whether the video's time stamps leave out frames.
    """
    if container == "matroska":
        return matroska_faults(path)
    if container == "mov":
        return mp4_faults(path)
    if container != "mpegts":
        return chunk_faults(path, container)
    faults = transport_faults(path, stream_id)
    # where only the counter jumps, between two frames, recordings were joined and nothing is lost
    joints = [f"jumps of counter and time: {faults.joints}"] if faults.joints and times_jump else []
    return joints + faults.broken()


def ends_in_zeros(path: Path) -> bool:
    """Whether the last block is zeros: recorders reserve space, and fill up files of fixed size."""
    with path.open("rb") as file:
        file.seek(max(file.seek(0, 2) - BLOCK_BYTES, 0))
        return not any(file.read())
