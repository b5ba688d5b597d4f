"""Official weights files: downloaded once into the torch hub cache and checked by SHA-256."""

import hashlib
import logging
import os
import tempfile
import urllib.request
from pathlib import Path

import torch

from c2fpl.errors import BadWeights
from c2fpl.extractors.backbones.catalogue import Backbone

logger = logging.getLogger(__name__)

DOWNLOAD_TIMEOUT_S = 30


def official_file(backbone: Backbone) -> Path:
    """The official weights file in the torch hub cache, downloaded if it is missing.

    Raises:
        BadWeights: it cannot be downloaded.
        BadWeights: its SHA-256 differs from the published one, or from that of its first use.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / backbone.url.rsplit("/", 1)[1]
    if not path.exists():
        try:
            fetch(backbone.url, path)
        except OSError as error:
            raise BadWeights(
                f"cannot download {backbone.url} ({error}): give a weights file"
                " or use backbone flow, which needs no weights"
            ) from error
    check_digest(path, backbone.sha256)
    return path


def fetch(url: str, path: Path) -> None:
    """Downloads to a temporary file and renames it, so that `path` never holds part of a file."""
    logger.info("downloading %s", url)
    path.parent.mkdir(parents=True, exist_ok=True)
    with urllib.request.urlopen(url, timeout=DOWNLOAD_TIMEOUT_S) as response:
        expected = response.headers.get("Content-Length")
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "wb") as part:
                while block := response.read(1 << 20):
                    part.write(block)
            if expected is not None and Path(beside).stat().st_size != int(expected):
                raise ConnectionError(f"the connection ended before byte {expected}")
            Path(beside).replace(path)
        finally:
            Path(beside).unlink(missing_ok=True)


def check_digest(path: Path, published: str) -> None:
    """Compares the SHA-256 of the file with the published one, which may be only a prefix.

    A prefix proves little. In that case the full digest of the first use is stored in
    `<file>.sha256` (format of sha256sum), and a file that changes later is rejected.

    Raises:
        BadWeights: the digests differ.
    """
    found = sha256(path)
    record = path.with_name(f"{path.name}.sha256")
    first_use = record.read_text(encoding="utf-8").split()[:1] if record.exists() else []
    expected = published if len(published) == len(found) else "".join(first_use) or published
    if not found.startswith(expected):
        raise BadWeights(
            f"{path} has SHA-256 {found}, not {expected}{'...' * (len(expected) < 64)}:"
            " delete it to download it again"
        )
    if len(expected) < len(found):
        known = f"only {expected}..." if expected else "nothing"
        logger.info("%s: SHA-256 %s; %s of it is published", path.name, found, known)
        try:
            record.write_text(f"{found}  {path.name}\n", encoding="utf-8")
        except OSError:  # a shared, read-only cache
            logger.info("%s cannot be written: later changes of the file go unnoticed", record)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
