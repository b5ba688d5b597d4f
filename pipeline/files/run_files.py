"""The only place that names files of a run and writes them: whole, or not at all."""

import csv
import hashlib
import io
import json
import math
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

PART_PREFIX = ".part-"
"""Unfinished files start so; they never carry a final name and a later run removes them."""


class NotAnObject(ValueError):
    """A file that should hold a JSON object does not."""


class NotATable(ValueError):
    """A file that should hold a CSV table does not."""


@dataclass(frozen=True)
class RunFiles:
    """Names of everything under one output folder (DESIGN section 3)."""

    root: Path
    """The run's output folder."""
    holds: Literal["run", "features", "labels", "scores"] = "run"
    """A whole run, or one step alone, whose files then lie in the folder itself."""

    @property
    def features(self) -> Path:
        """Folder of feature arrays and their provenance."""
        return self.root if self.holds == "features" else self.root / "features"

    @property
    def labels(self) -> Path:
        """Folder of the pseudo-labels."""
        return self.root if self.holds == "labels" else self.root / "labels"

    @property
    def segment_labels(self) -> Path:
        """Table of the label of every segment."""
        return self.labels / "labels.csv"

    @property
    def video_labels(self) -> Path:
        """Table of the coarse label of every video, and of what it was made from."""
        return self.labels / "videos.csv"

    @property
    def labels_record(self) -> Path:
        """What the labels were made from; written last."""
        return self.labels / "labels.json"

    @property
    def detector(self) -> Path:
        """Weights of the detector and the settings that made it."""
        return self.root / "detector.pt"

    @property
    def scores(self) -> Path:
        """Folder of per-frame scores."""
        return self.root if self.holds == "scores" else self.root / "scores"

    @property
    def score_index(self) -> Path:
        """What each score file was made from; hidden, for `videos.csv` may be a video's table."""
        return self.scores / ".videos.csv"

    @property
    def plots(self) -> Path:
        """Folder of one PNG a video."""
        return self.root / "plots"

    @property
    def report(self) -> Path:
        """Folder of the page index.html and what it shows."""
        return self.root / "report"

    @property
    def events(self) -> Path:
        """Table of events."""
        return self.root / "events.csv"

    @property
    def events_json(self) -> Path:
        """The same events with threshold and settings."""
        return self.root / "events.json"

    @property
    def clips(self) -> Path:
        """Folder of the events cut out of their videos."""
        return self.root / "clips"

    @property
    def overlays(self) -> Path:
        """Folder of copies of videos with their scores drawn in."""
        return self.root / "overlays"

    @property
    def parquet(self) -> Path:
        """All scores of the run in one table."""
        return self.root / "scores.parquet"

    @property
    def detections(self) -> Path:
        """Events in the form of ActivityNet's temporal detection."""
        return self.root / "detections.json"

    @property
    def label_studio(self) -> Path:
        """Events as tasks for Label Studio."""
        return self.root / "label-studio.json"

    @property
    def tensorboard(self) -> Path:
        """Folder of the training's scalars."""
        return self.root / "tensorboard"

    @property
    def metrics(self) -> Path:
        """Results of an evaluation."""
        return self.root / "metrics.json"

    @property
    def record(self) -> Path:
        """Versions, settings, weights and times of the run."""
        return self.root / "run.json"

    @property
    def notified(self) -> Path:
        """Table of the events that `c2fpl watch` has reported."""
        return self.root / "notified.csv"

    @property
    def failed(self) -> Path:
        """Table of the videos that failed, with step and reason."""
        return self.root / "failed.csv"


def beside(folder: Path, name: str, suffix: str) -> Path:
    """`folder/name` + suffix for a video's name, which may hold dots; slashes make sub-folders.

    Raises:
        ValueError: the name would leave the folder.
    """
    parts = Path(name).parts
    if not parts or ".." in parts or Path(name).is_absolute():
        raise ValueError(f"name {name!r} leaves its folder; give a path below it without '..'")
    return folder.joinpath(*parts[:-1], parts[-1] + suffix)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that appears under `path` only when the block ends well, data on disk first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(path)
    try:
        with part.open("wb") as file:
            yield file
            finish(file)
        publish(part, path)
    finally:
        part.unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    """The unfinished file beside `path`; short and unique whatever the length of the final name."""
    own = f"{path.name}\0{platform.node()}".encode("utf-8", "surrogateescape")
    digest = hashlib.sha256(own).hexdigest()[:16]
    return path.with_name(f"{PART_PREFIX}{digest}-{os.getpid()}")


def finish(file: IO[bytes]) -> None:
    """Bring what was written to the disk."""
    file.flush()
    os.fsync(file.fileno())


def publish(part: Path, path: Path) -> None:
    """Give a finished file its final name and bring the name to the disk as well."""
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def save_json(path: Path, value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write JSON a person can read; infinities and NaN become words (JSON has none)."""
    text = json.dumps(finite(value), indent=1, ensure_ascii=False, allow_nan=False, default=str)
    with whole_file(path) as file:
        file.write(text.encode("utf-8", "surrogateescape") + b"\n")


def finite(value: object) -> object:
    """The same value with the words `inf`, `-inf` and `nan` for what JSON cannot write."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def load_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        NotAnObject: no JSON, or JSON of another kind.
    """
    try:
        value = json.loads(path.read_bytes().decode("utf-8", "surrogateescape"))
    except (json.JSONDecodeError, RecursionError) as error:
        raise NotAnObject(f"{path} is not JSON ({error}); remove it or write it again") from error
    if not isinstance(value, dict):
        found = type(value).__name__
        raise NotAnObject(f"{path} holds a {found}, not a JSON object; remove it or write it again")
    return value


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write one .npy (format 1.0, C order, never pickled)."""
    with whole_file(path) as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)


def save_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV with a header line; quoting as RFC 4180, lines end in LF."""
    with whole_file(path) as file:
        text = io.TextIOWrapper(
            file, "utf-8", errors="surrogateescape", newline="", write_through=True
        )
        csv.writer(text, lineterminator="\n").writerows(chain([header], rows))
        text.detach()


def load_table(path: Path, columns: Sequence[str] = ()) -> list[dict[str, str]]:
    """Read a CSV with a header line, a dict a row; each row has the given columns.

    Raises:
        NotATable: no CSV, or one without these columns.
    """
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            rows = list(csv.DictReader(file))
    except csv.Error as error:
        raise NotATable(f"{path} is no CSV table ({error}); remove it or make it again") from error
    for line, row in enumerate(rows, start=2):
        missing = [column for column in columns if row.get(column) is None]
        if missing:
            raise NotATable(f"{path}, row {line}: no {missing[0]!r}; remove it or make it again")
    return rows


def fingerprint(value: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of everything that a step read: same value, same result."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
