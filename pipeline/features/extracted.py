"""Features that this program extracted: .npy (segments, crops, dim) with .json beside."""

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.extractors.segments import SegmentPlan
from c2fpl.extractors.settings import Tail
from c2fpl.pipeline.features.segment_store import SegmentStore
from c2fpl.pipeline.files.npy_header import read_npy_header
from c2fpl.pipeline.files.run_files import beside, fingerprint, load_json
from c2fpl.pipeline.files.saved_times import SUFFIX, load_times
from c2fpl.pipeline.videos.names import named

CHUNK_SEGMENTS = 256
"""Segments read at a time: 10 x 2048 float32 of them are 21 MB."""


class BadFeatures(ValueError):
    """A feature file that cannot be used."""


@dataclass(frozen=True)
class OwnFeatures:
    """Read-only view of a features folder; arrays are memory-mapped a chunk at a time."""

    folder: Path
    """The folder that `extract` wrote."""
    wanted: tuple[str, ...] | None = None
    """The videos that are meant; None for all that the folder holds."""

    def __post_init__(self) -> None:
        if not self.names:
            raise BadFeatures(
                f"{self.folder} holds no features (.npy with .json beside); "
                "run `c2fpl extract VIDEOS -o FEATURES` first"
            )
        shapes = {self.shape(name)[1:]: name for name in self.names}
        if len(shapes) > 1:
            (one, first), (other, second) = list(shapes.items())[:2]
            raise BadFeatures(
                f"{first} has (crops, dim) {one} and {second} has {other}; "
                "features of one set must agree: extract again into an empty folder"
            )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Videos that are whole, in name order."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*.json"))
        names = (path.as_posix().removesuffix(".json") for path in found)
        whole = {name for name in names if beside(self.folder, name, ".npy").exists()}
        return tuple(sorted(whole if self.wanted is None else whole & set(self.wanted)))

    @cached_property
    def records(self) -> dict[str, dict[str, Any]]:
        """Provenance of each video, as `extract` wrote it."""
        return {name: _record(beside(self.folder, name, ".json")) for name in self.names}

    def only(self, names: Sequence[str]) -> "OwnFeatures":
        """These videos alone, as a set of its own: a split.

        Raises:
            BadFeatures: one of them has no features.
        """
        missing = sorted(set(names) - set(self.names))
        if missing:
            raise BadFeatures(
                f"{self.folder} has no features of {named(missing)}"
                f" ({len(missing)} of {len(names)} videos): extract them, or take them off the list"
            )
        return OwnFeatures(self.folder, tuple(names))

    def path(self, name: str) -> Path:
        """The array's file."""
        return beside(self.folder, name, ".npy")

    def source(self) -> SegmentStore:
        """All segments in name order for training, read by position."""
        return SegmentStore([self.path(name) for name in self.names])

    def shape(self, name: str) -> tuple[int, int, int]:
        """(segments, crops, dim).

        Raises:
            BadFeatures: not a plain float array of three axes; pickled objects are never loaded.
        """
        segments, crops, dim = self._map(name).shape
        return segments, crops, dim

    def segment_count(self, name: str) -> int:
        """Segments of the video."""
        return self.shape(name)[0]

    def plan(self, name: str) -> SegmentPlan:
        """Which frames each segment stands for."""
        record = self.records[name]
        plan = SegmentPlan(int(record["num_frames_decoded"]), tail=record["settings"]["tail"])
        if plan.segment_count != self.segment_count(name):
            raise BadFeatures(
                f"{self.path(name)} has {self.segment_count(name)} segments and "
                f"{plan.frame_count} frames make {plan.segment_count}; extract it again"
            )
        return plan

    def times(self, name: str) -> PresentationTimes:
        """When the frames are shown."""
        record = self.records[name]
        path = beside(self.folder, name, SUFFIX)
        return load_times(path, record, int(record["num_frames_decoded"]))

    def chunks(self, name: str) -> Iterator[NDArray[np.float32]]:
        """The values in order, float32 (segments, crops, dim) a chunk.

        Raises:
            BadFeatures: a value is not finite.
        """
        yield from finite_chunks(self._map(name), str(self.path(name)))

    def fingerprint(self) -> str:
        """Of all features: their own fingerprints by name."""
        return fingerprint({name: self.records[name]["fingerprint"] for name in self.names})

    def _map(self, name: str) -> NDArray[Any]:
        return map_features(self.path(name))


def _record(path: Path) -> dict[str, Any]:
    """What `extract` wrote beside an array.

    Raises:
        BadFeatures, NotAnObject: it is not whole.
    """
    record = load_json(path)
    settings = record.get("settings")
    frames, rate = record.get("num_frames_decoded"), record.get("frame_rate")
    whole = (
        isinstance(settings, dict)
        and settings.get("tail") in get_args(Tail)
        and isinstance(settings.get("backbone"), str)
        and isinstance(record.get("fingerprint"), str)
        and isinstance(frames, int)
        and isinstance(rate, int | float)
        and frames > 0 < rate <= sys.float_info.max
    )
    if not whole:
        raise BadFeatures(f"{path} was not written by `c2fpl extract`; remove it and extract again")
    return record


def map_features(path: Path, axes: Collection[int] = (3,)) -> NDArray[Any]:
    """The array of a .npy, float, as a memory map.

    Args:
        path: the file.
        axes: numbers of axes that it may have.

    Raises:
        BadFeatures: not such an array; pickled objects are never loaded.
    """
    try:
        read_npy_header(path)
        values: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise BadFeatures(
            f"{path} is not a plain .npy array ({error}); pickles are never loaded, "
            "save it again with np.save(..., allow_pickle=False)"
        ) from error
    if values.ndim not in axes or values.dtype.kind != "f" or 0 in values.shape:
        raise BadFeatures(
            f"{path} is {values.dtype} {values.shape}, not float (segments, crops, dim)"
        )
    return values


def finite_chunks(values: NDArray[Any], what: str) -> Iterator[NDArray[np.float32]]:
    """The values in order, float32 (segments, crops, dim) a chunk.

    Raises:
        BadFeatures: a value is not finite.
    """
    for start in range(0, len(values), CHUNK_SEGMENTS):
        with np.errstate(over="ignore"):
            chunk = np.asarray(values[start : start + CHUNK_SEGMENTS], np.float32)
        if not np.isfinite(chunk).all():
            raise BadFeatures(f"{what} has values that are not finite; remove it and extract again")
        yield chunk
