"""Whether features on disk are still those of a video and of the settings asked for."""

import hashlib
import os
from pathlib import Path
from typing import Any

from c2fpl.pipeline.files.run_files import NotAnObject, RunFiles, beside, load_json, save_json
from c2fpl.pipeline.files.saved_times import has_times
from c2fpl.pipeline.videos.find import VideoFile

BLOCKS, BLOCK_BYTES = 16, 4096
"""What is read of a video to know it again: about a millisecond on a local disk."""
DIGEST = "source_digest"
"""Key of a record that an earlier version made, when fingerprints knew the size alone."""


def source_facts(video: Path) -> dict[str, Any]:
    """Size and digest of a file; they survive a copy, which its date does not."""
    return {**source_size(video), "digest": source_digest(video)}


def source_size(video: Path) -> dict[str, Any]:
    """Size of a file, -1 where it is gone or may not be looked at."""
    try:
        return {"bytes": video.stat().st_size}
    except OSError:
        return {"bytes": -1}


def source_digest(video: Path) -> str:
    """SHA-256 of 16 blocks of 4 KiB, spread evenly from the first byte to the last.

    A recorder that overwrites a file of fixed size changes nearly all of it. Empty where the file
    cannot be read.
    """
    if not video.is_file():
        return ""  # a pipe would wait for ever
    digest = hashlib.sha256()
    try:
        with video.open("rb", buffering=0) as file:
            last = max(0, os.fstat(file.fileno()).st_size - BLOCK_BYTES)
            for block in range(BLOCKS):
                file.seek(last * block // (BLOCKS - 1))
                digest.update(file.read(BLOCK_BYTES) or b"")
    except OSError:
        return ""
    return digest.hexdigest()


def is_done(files: RunFiles, name: str, wanted: str) -> bool:
    """Whether the features of this video are whole and of the wanted fingerprint."""
    return record_of(files, name).get("fingerprint") == wanted


def is_of_earlier_version(files: RunFiles, video: VideoFile, wanted_by_size: str) -> bool:
    """Whether features that are known by the video's size alone are still its features."""
    record = record_of(files, video.name)
    if record.get("fingerprint") != wanted_by_size:
        return False
    return DIGEST not in record or record[DIGEST] == source_digest(video.path)


def add_digest(files: RunFiles, video: VideoFile) -> None:
    """Let features of an earlier version know their video by more than its size from now on."""
    record = record_of(files, video.name)
    if record and DIGEST not in record:
        path = beside(files.features, video.name, ".json")
        save_json(path, {**record, DIGEST: source_digest(video.path)})


def record_of(files: RunFiles, name: str) -> dict[str, Any]:
    """What stands beside the video's features; empty where they are not whole."""
    record = beside(files.features, name, ".json")
    if not record.exists() or not beside(files.features, name, ".npy").exists():
        return {}
    try:
        facts = load_json(record)
    except NotAnObject:
        return {}
    return facts if has_times(files.features, name, facts) else {}


def size_bytes(video: VideoFile) -> int:
    """Of the file, 0 where it is gone; stands for the video's length before it is decoded."""
    return max(int(source_size(video.path)["bytes"]), 0)
