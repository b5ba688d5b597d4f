"""Official weights files: fetched once into the torch hub cache and checked by SHA-256."""

import hashlib
import logging
import os
import tempfile
import urllib.request
from pathlib import Path

import torch

from c2fpl.extractors.backbones.catalogue import Backbone
from c2fpl.extractors.backbones.state_files import WrongWeights

logger = logging.getLogger(__name__)

DOWNLOAD_TIMEOUT_S = 30


class MissingWeights(RuntimeError):
    """There is no weights file and the official one cannot be fetched."""


def official_file(backbone: Backbone) -> Path:
    """The official weights file in the torch hub cache, fetched where it is not there.

    Raises:
        MissingWeights: it cannot be fetched.
        WrongWeights: its SHA-256 is not the published one, or not that of its first use here.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / backbone.url.rsplit("/", 1)[1]
    if not path.exists():
        try:
            fetch(backbone.url, path)
        except OSError as error:
            raise MissingWeights(
                f"cannot fetch {backbone.url} ({error}): give a weights file with --weights FILE,"
                " or use --backbone flow, which needs none"
            ) from error
    check_digest(path, backbone.sha256)
    return path


def fetch(url: str, path: Path) -> None:
    """Downloads beside the path and renames, so that a file that exists is whole."""
    logger.info("fetching %s", url)
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
    """Compares the file with its published SHA-256, or the beginning of it that is published.

    A beginning proves little: then the whole digest of the first use is kept in `<file>.sha256`
    (the form of sha256sum), and a file that changes later is refused.
    """
    found = sha256(path)
    record = path.with_name(f"{path.name}.sha256")
    first_use = record.read_text(encoding="utf-8").split()[:1] if record.exists() else []
    expected = published if len(published) == len(found) else "".join(first_use) or published
    if not found.startswith(expected):
        raise WrongWeights(
            f"{path} has SHA-256 {found}, not {expected}{'...' * (len(expected) < 64)}:"
            " delete it to have it fetched again"
        )
    if len(expected) < len(found):
        known = f"only {expected}..." if expected else "nothing"
        logger.info("%s: SHA-256 %s; %s of it is published", path.name, found, known)
        try:
            record.write_text(f"{found}  {path.name}\n", encoding="utf-8")
        except OSError:  # a cache shared by many, which only its owner writes
            logger.info("%s cannot be written: the next use is not compared with this", record)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
