"""Finds damage in a video file from its container structure, without decoding frames."""

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
    """Describe what is broken; empty for an intact file or a container without a check.

    Args:
        path: the file.
        container: first name of its demuxer, such as `mov`.
        stream_id: the container's identifier of the video stream; in MPEG-TS its PID.
        times_jump: whether the video's timestamps have a gap in which frames are missing.
    """
    if container == "matroska":
        return matroska_faults(path)
    if container == "mov":
        return mp4_faults(path)
    if container != "mpegts":
        return chunk_faults(path, container)
    faults = transport_faults(path, stream_id)
    # If only the counter jumps between two frames, recordings were joined and nothing is lost.
    joints = [f"jumps of counter and time: {faults.joints}"] if faults.joints and times_jump else []
    return joints + faults.broken()


def ends_in_zeros(path: Path) -> bool:
    """Whether the last block is all zeros: some recorders preallocate files and pad them."""
    with path.open("rb") as file:
        file.seek(max(file.seek(0, 2) - BLOCK_BYTES, 0))
        return not any(file.read())
