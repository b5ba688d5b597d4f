"""Features that c2fpl extracted: a .npy (segments, crops, dim) and a .json for each video."""

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.extractors.segments import SegmentPlan
from c2fpl.extractors.settings import Tail
from c2fpl.pipeline.features.segment_store import SegmentStore
from c2fpl.pipeline.files.npy_header import read_npy_header
from c2fpl.pipeline.files.run_files import beside, fingerprint, load_json
from c2fpl.pipeline.files.saved_times import SUFFIX, load_times
from c2fpl.pipeline.videos.names import named

CHUNK_SEGMENTS = 256
"""Segments read at a time: 21 MB for 10 crops and dim 2048 in float32."""


@dataclass(frozen=True)
class ExtractedFeatures:
    """A features folder, opened read-only; arrays are memory-mapped."""

    folder: Path
    """The folder that `extract` wrote."""
    wanted: tuple[str, ...] | None = None
    """Names of the videos to use; None for all in the folder."""

    def __post_init__(self) -> None:
        if not self.names:
            raise BadFeatures(
                f"{self.folder} holds no features (.npy and .json of each video); "
                "run `c2fpl extract VIDEOS -o FEATURES` first"
            )
        shapes = {self.shape(name)[1:]: name for name in self.names}
        if len(shapes) > 1:
            (one, first), (other, second) = list(shapes.items())[:2]
            raise BadFeatures(
                f"{first} has (crops, dim) {one} but {second} has {other}; "
                "all videos of a set must agree: extract again into an empty folder"
            )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Videos with both files, in name order."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*.json"))
        names = (path.as_posix().removesuffix(".json") for path in found)
        whole = {name for name in names if beside(self.folder, name, ".npy").exists()}
        return tuple(sorted(whole if self.wanted is None else whole & set(self.wanted)))

    @cached_property
    def records(self) -> dict[str, dict[str, Any]]:
        """Provenance of each video: the content of its .json."""
        return {name: _record(beside(self.folder, name, ".json")) for name in self.names}

    def only(self, names: Sequence[str]) -> "ExtractedFeatures":
        """The subset with these videos.

        Raises:
            BadFeatures: a video has no features.
        """
        missing = sorted(set(names) - set(self.names))
        if missing:
            raise BadFeatures(
                f"{self.folder} has no features of {named(missing)}"
                f" ({len(missing)} of {len(names)} videos): extract them or correct the list"
            )
        return ExtractedFeatures(self.folder, tuple(names))

    def path(self, name: str) -> Path:
        """The .npy file of the video."""
        return beside(self.folder, name, ".npy")

    def source(self) -> SegmentStore:
        """All segments in name order, for training."""
        return SegmentStore([self.path(name) for name in self.names])

    def shape(self, name: str) -> tuple[int, int, int]:
        """(segments, crops, dim).

        Raises:
            BadFeatures: not a plain float array with three axes. Pickles are never loaded.
        """
        segments, crops, dim = self._map(name).shape
        return segments, crops, dim

    def segment_count(self, name: str) -> int:
        """Segments of the video."""
        return self.shape(name)[0]

    def plan(self, name: str) -> SegmentPlan:
        """The frames that each segment covers.

        Raises:
            BadFeatures: the number of segments does not match the number of frames.
        """
        record = self.records[name]
        plan = SegmentPlan(int(record["num_frames_decoded"]), tail=record["settings"]["tail"])
        if plan.segment_count != self.segment_count(name):
            raise BadFeatures(
                f"{self.path(name)} has {self.segment_count(name)} segments but "
                f"{plan.frame_count} frames give {plan.segment_count}; extract it again"
            )
        return plan

    def times(self, name: str) -> PresentationTimes:
        """Presentation times of the frames, in seconds."""
        record = self.records[name]
        path = beside(self.folder, name, SUFFIX)
        return load_times(path, record, int(record["num_frames_decoded"]))

    def chunks(self, name: str) -> Iterator[NDArray[np.float32]]:
        """The values in order, in chunks of float32 (segments, crops, dim).

        Raises:
            BadFeatures: a value is not finite.
        """
        yield from finite_chunks(self._map(name), str(self.path(name)))

    def fingerprint(self) -> str:
        """Fingerprint of the set, from those of its videos."""
        return fingerprint({name: self.records[name]["fingerprint"] for name in self.names})

    def _map(self, name: str) -> NDArray[Any]:
        return map_features(self.path(name))


def _record(path: Path) -> dict[str, Any]:
    """Read the .json of a video.

    Raises:
        BadFeatures, BadFile: it is incomplete.
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
    """Memory-map a .npy of floats.

    Args:
        path: the file.
        axes: allowed numbers of axes.

    Returns:
        Read-only floats (segments, crops, dim), or (segments, dim) if `axes` allows 2.

    Raises:
        BadFeatures: not such an array. Pickles are never loaded.
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
    """Yield `values` in order, in chunks of float32 (segments, crops, dim).

    Raises:
        BadFeatures: a value is not finite; `what` names the source.
    """
    for start in range(0, len(values), CHUNK_SEGMENTS):
        with np.errstate(over="ignore"):
            chunk = np.asarray(values[start : start + CHUNK_SEGMENTS], np.float32)
        if not np.isfinite(chunk).all():
            raise BadFeatures(f"{what} has values that are not finite; remove it and extract again")
        yield chunk
