"""Checks whether features on disk match a video and the current settings."""

import hashlib
import os
from pathlib import Path
from typing import Any

from c2fpl.errors import BadFile
from c2fpl.pipeline.files.run_files import RunFiles, beside, load_json, save_json
from c2fpl.pipeline.files.saved_times import has_times
from c2fpl.pipeline.videos.find import VideoFile

BLOCKS, BLOCK_BYTES = 16, 4096
"""Parts of a video that are hashed to identify it; takes about a millisecond on a local disk."""
DIGEST = "source_digest"
"""Key added to records of earlier versions, whose fingerprints contain only the video's size."""


def source_facts(video: Path) -> dict[str, Any]:
    """Size and digest of a file, which stay the same when it is copied (unlike its date)."""
    return {**source_size(video), "digest": source_digest(video)}


def source_size(video: Path) -> dict[str, Any]:
    """Size of a file in bytes; -1 if it is missing or not accessible."""
    try:
        return {"bytes": video.stat().st_size}
    except OSError:
        return {"bytes": -1}


def source_digest(video: Path) -> str:
    """SHA-256 of 16 blocks of 4 KiB, spread evenly over the file; empty if it cannot be read.

    This detects a recorder that overwrites a file of fixed size, because most blocks change.
    """
    if not video.is_file():
        return ""  # reading a pipe would block
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
    """Whether the features of this video are complete and have the wanted fingerprint."""
    return record_of(files, name).get("fingerprint") == wanted


def is_of_earlier_version(files: RunFiles, video: VideoFile, wanted_by_size: str) -> bool:
    """Whether features of an earlier version, identified by the video's size, are still valid."""
    record = record_of(files, video.name)
    if record.get("fingerprint") != wanted_by_size:
        return False
    return DIGEST not in record or record[DIGEST] == source_digest(video.path)


def add_digest(files: RunFiles, video: VideoFile) -> None:
    """Add the video's digest to a record of an earlier version."""
    record = record_of(files, video.name)
    if record and DIGEST not in record:
        path = beside(files.features, video.name, ".json")
        save_json(path, {**record, DIGEST: source_digest(video.path)})


def record_of(files: RunFiles, name: str) -> dict[str, Any]:
    """Record of the video's features; empty if they are missing or incomplete."""
    record = beside(files.features, name, ".json")
    if not record.exists() or not beside(files.features, name, ".npy").exists():
        return {}
    try:
        facts = load_json(record)
    except BadFile:
        return {}
    return facts if has_times(files.features, name, facts) else {}


def size_bytes(video: VideoFile) -> int:
    """Size of the file in bytes, 0 if it is missing; an estimate of the decoding effort."""
    return max(int(source_size(video.path)["bytes"]), 0)
