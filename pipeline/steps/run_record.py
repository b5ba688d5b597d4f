"""run.json: versions, settings, exit code and seconds of each command."""

import logging
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any

from c2fpl.errors import BadFile
from c2fpl.pipeline.files.lock import one_at_a_time, only_writer
from c2fpl.pipeline.files.outcomes import STOPPED, Failure, exit_code
from c2fpl.pipeline.files.run_files import RunFiles, load_json, save_json

if TYPE_CHECKING:
    from c2fpl.pipeline.extraction.extract_features import ExtractionReport

logger = logging.getLogger(__name__)

PACKAGES = (
    *("c2fpl", "torch", "torchvision", "pytorchvideo", "decord", "av", "numpy"),
    *("scikit-learn", "scipy", "opencv-python-headless", "pillow"),
)


def versions() -> dict[str, str]:
    """Versions of Python, the platform and the packages that can change a result."""
    found = {name: _version(name) for name in PACKAGES}
    return {"python": platform.python_version(), "platform": platform.platform(), **found}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


class RunRecord:
    """Collects facts about a running command; `save` adds them to run.json under its name.

    Entries of other commands are kept.
    """

    def __init__(self, command: str, settings: Mapping[str, object]) -> None:
        self._command = command
        self._settings = {
            name: asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
            for name, value in settings.items()
        }
        self._seconds: dict[str, float] = {}
        self._facts: dict[str, Any] = {}
        self.failures: list[Failure] = []
        """Videos that failed; they decide the exit code."""
        self._start = time.perf_counter()
        self._started_at = time.strftime("%Y-%m-%dT%H:%M:%S%z")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the wall time of the block to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent_s = time.perf_counter() - start
            self._seconds[name] = self._seconds.get(name, 0.0) + spent_s

    def extraction(self, report: "ExtractionReport") -> None:
        """Record an extraction, and log its bottleneck."""
        self.fact("extraction", report.as_json())
        if report.limit():
            logger.info("extract: %s", report.limit())

    def fact(self, name: str, value: object) -> None:
        """Record another fact, such as the encoder, counts or notes."""
        self._facts[name] = value

    def save(self, files: RunFiles, code: int) -> None:
        """Write run.json; replace it if it is not a JSON object."""
        self._seconds["total"] = time.perf_counter() - self._start
        record = {
            "command_line": sys.argv,
            "started_at": self._started_at,
            "exit_code": code,
            "versions": versions(),
            "settings": self._settings,
            "seconds": {name: round(value, 3) for name, value in self._seconds.items()},
            **self._facts,
        }
        with one_at_a_time(files.root):
            save_json(files.record, {**_before(files), self._command: record})


@contextmanager
def recorded(files: RunFiles, command: str, settings: Mapping[str, object]) -> Iterator[RunRecord]:
    """Save a command's settings, seconds and exit code to run.json, however the block ends."""
    record = RunRecord(command, settings)
    code = STOPPED
    try:
        yield record
        code = exit_code(record.failures)
    finally:
        record.save(files, code)


@contextmanager
def recorded_step(
    files: RunFiles, command: str, settings: Mapping[str, object], shard: tuple[int, int] = (1, 1)
) -> Iterator[RunRecord]:
    """Record a command of one step, as the only writer of the output folder or of its shard."""
    with (
        only_writer(files, shard),
        recorded(files, command, settings) as record,
        record.stage(command),
    ):
        yield record


def _before(files: RunFiles) -> dict[str, Any]:
    try:
        return load_json(files.record) if files.record.exists() else {}
    except BadFile:
        return {}
