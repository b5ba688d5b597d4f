"""Checks whether features on disk match a video and the current settings."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from c2fpl.errors import BadFile
from c2fpl.extractors.settings import Precision
from c2fpl.pipeline.files.run_files import RunFiles, beside, load_json
from c2fpl.pipeline.files.saved_times import has_times
from c2fpl.pipeline.videos.find import VideoFile

BLOCKS, BLOCK_BYTES = 16, 4096
"""Parts of a video that are hashed to identify it; takes about a millisecond on a local disk."""


def source_facts(video: Path) -> dict[str, Any]:
    """Size and digest of a file, which stay the same when it is copied (unlike its date)."""
    return {"bytes": file_bytes(video), "digest": source_digest(video)}


def file_bytes(path: Path) -> int:
    """Size of a file in bytes; -1 if it is missing or not accessible."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


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


def finished_precision(
    records: Iterable[Mapping[str, Any]], settings: Mapping[str, Any], weights_sha256: str | None
) -> Precision | None:
    """The most frequent precision of features with these settings; None if there are none."""
    found = Counter(
        record["precision"]
        for record in records
        if record.get("settings") == settings
        and weights_sha256 in (None, record.get("weights_sha256"))
        and record.get("precision") in get_args(Precision)
    )
    return found.most_common(1)[0][0] if found else None


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
    return max(file_bytes(video.path), 0)
