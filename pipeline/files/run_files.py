"""Names the files of a run, and reads and writes JSON, arrays and tables."""

import csv
import hashlib
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFile, BadSettings
from c2fpl.pipeline.files.atomic import whole_file


class InRoot:
    """A path in the root of a run."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, files: "RunFiles", _: object) -> Path:
        return files.root / self._name


@dataclass(frozen=True)
class RunFiles:
    """Paths of all files in an output folder."""

    root: Path
    holds: Literal["run", "features", "labels", "scores"] = "run"
    """A whole run, or a single step whose files are in the folder itself."""

    @classmethod
    def opened(cls, folder: Path) -> "RunFiles":
        """The files of a finished run, or of a folder of scores."""
        return cls(folder, "run" if (folder / "scores").is_dir() else "scores")

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
        """Table of the labels of all segments."""
        return self.labels / "labels.csv"

    @property
    def video_labels(self) -> Path:
        """Table of the coarse labels of all videos, and of the numbers behind them."""
        return self.labels / "videos.csv"

    @property
    def labels_record(self) -> Path:
        """Settings and inputs of the labels; written last."""
        return self.labels / "labels.json"

    detector = InRoot("detector.pt")
    """Weights and settings of the detector."""

    @property
    def scores(self) -> Path:
        """Folder of per-frame scores."""
        return self.root if self.holds == "scores" else self.root / "scores"

    @property
    def score_index(self) -> Path:
        """Inputs of each score file. Hidden, because a video may have a table `videos.csv`."""
        return self.scores / ".videos.csv"

    plots = InRoot("plots")
    """Folder of one PNG per video."""
    report = InRoot("report")
    """Folder of the page index.html and its files."""
    events = InRoot("events.csv")
    """Table of events."""
    events_json = InRoot("events.json")
    """The events with their threshold and settings."""
    clips = InRoot("clips")
    """Folder of clips of the events."""
    overlays = InRoot("overlays")
    """Folder of videos with their scores drawn into the picture."""
    parquet = InRoot("scores.parquet")
    """All scores of the run in one table."""
    detections = InRoot("detections.json")
    """Events in the form of ActivityNet's temporal detection."""
    label_studio = InRoot("label-studio.json")
    """Events as tasks for Label Studio."""
    cvat = InRoot("cvat")
    """Folder of the events for CVAT, one file per video."""
    tensorboard = InRoot("tensorboard")
    """Folder of the training loss for TensorBoard."""
    metrics = InRoot("metrics.json")
    """Results of an evaluation."""
    record = InRoot("run.json")
    """Versions, settings, weights and times of the run."""
    notified = InRoot("notified.csv")
    """Table of the events that `c2fpl watch` has reported."""
    failed = InRoot("failed.csv")
    """Table of the videos that failed, with step and reason."""


def beside(folder: Path, name: str, suffix: str) -> Path:
    """`folder/name` + suffix. The name of a video may have dots; slashes make subfolders.

    Raises:
        ValueError: the path would be outside the folder.
    """
    parts = Path(name).parts
    if not parts or ".." in parts or Path(name).is_absolute():
        raise BadSettings(f"name {name!r} leaves its folder; use a relative path without '..'")
    return folder.joinpath(*parts[:-1], parts[-1] + suffix)


def save_json(path: Path, value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Write readable JSON. Infinities and NaN become strings, because JSON has neither."""
    text = json.dumps(finite(value), indent=1, ensure_ascii=False, allow_nan=False, default=str)
    with whole_file(path) as file:
        file.write(text.encode("utf-8", "surrogateescape") + b"\n")


def finite(value: object) -> object:
    """The value with the strings `inf`, `-inf` and `nan` for numbers that JSON cannot hold."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def load_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        BadFile: the file is not JSON, or not an object.
    """
    try:
        value = json.loads(path.read_bytes().decode("utf-8", "surrogateescape"))
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadFile(f"{path} is not JSON ({error}); remove it or recreate it") from error
    if not isinstance(value, dict):
        found = type(value).__name__
        raise BadFile(f"{path} holds a {found}, not a JSON object; remove it or recreate it")
    return value


def save_array(path: Path, array: NDArray[Any]) -> None:
    """Write a .npy file (format 1.0, C order, never pickled)."""
    with whole_file(path) as file:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)


def save_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV table with a header line, quoted as in RFC 4180, with LF line endings."""
    with whole_file(path) as file:
        text = io.TextIOWrapper(
            file, "utf-8", errors="surrogateescape", newline="", write_through=True
        )
        csv.writer(text, lineterminator="\n").writerows(chain([header], rows))
        text.detach()


def load_table(path: Path, columns: Sequence[str] = ()) -> list[dict[str, str]]:
    """Read a CSV table with a header line into one dict per row.

    Raises:
        BadFile: the file is not CSV, or a row lacks one of `columns`.
    """
    try:
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            rows = list(csv.DictReader(file))
    except csv.Error as error:
        raise BadFile(f"{path} is not a CSV table ({error}); remove or recreate it") from error
    for line, row in enumerate(rows, start=2):
        missing = [column for column in columns if row.get(column) is None]
        if missing:
            raise BadFile(f"{path}, row {line}: no {missing[0]!r}; remove or recreate the file")
    return rows


def fingerprint(value: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of all inputs of a step. Equal values give equal results."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
