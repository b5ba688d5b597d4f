"""Features that c2fpl extracted: a .npy (segments, crops, dim) and a .json for each video."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from c2fpl.errors import BadFeatures
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.extractors.segments import SegmentPlan
from c2fpl.extractors.settings import Tail
from c2fpl.pipeline.features.array_blocks import StoredFeatures, stored_features
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.files.run_files import beside, fingerprint, load_json
from c2fpl.pipeline.files.saved_times import SUFFIX, load_times


@dataclass(frozen=True)
class ExtractedFeatures(FeatureSet):
    """A features folder, opened read-only."""

    folder: Path
    """The folder that `extract` wrote."""
    wanted: tuple[str, ...] | None = None
    """Names of the videos to use; None for all in the folder."""

    def __post_init__(self) -> None:
        if not self.videos:
            raise BadFeatures(
                f"{self.folder} holds no features (.npy and .json of each video); "
                "run `c2fpl extract VIDEOS -o FEATURES` first"
            )
        shapes = {video.shape[1:]: name for name, video in self.videos.items()}
        if len(shapes) > 1:
            (one, first), (other, second) = list(shapes.items())[:2]
            raise BadFeatures(
                f"{first} has (crops, dim) {one} but {second} has {other}; "
                "all videos of a set must agree: extract again into an empty folder"
            )
        refuse_several_backbones(
            (name, record["settings"]["backbone"], record.get("weights_sha256"))
            for name, record in self.records.items()
        )

    @cached_property
    def videos(self) -> dict[str, StoredFeatures]:
        """The features of each video that has both files, in name order."""
        names: Iterable[str] | None = self.wanted
        if names is None:
            found = (path.relative_to(self.folder) for path in self.folder.rglob("*.json"))
            names = (path.as_posix().removesuffix(".json") for path in found)
        paths = {name: beside(self.folder, name, ".npy") for name in sorted(set(names))}
        return {
            name: stored_features(name, path)
            for name, path in paths.items()
            if path.exists() and beside(self.folder, name, ".json").exists()
        }

    @cached_property
    def records(self) -> dict[str, dict[str, Any]]:
        """Provenance of each video: the content of its .json."""
        return {name: _record(beside(self.folder, name, ".json")) for name in self.names}

    def subset(self, names: Sequence[str]) -> "ExtractedFeatures":
        """The subset with these videos, which all have features."""
        return ExtractedFeatures(self.folder, tuple(names))

    def plan(self, name: str) -> SegmentPlan:
        """The frames that each segment covers.

        Raises:
            BadFeatures: the number of segments does not match the number of frames.
        """
        record = self.records[name]
        plan = SegmentPlan(int(record["num_frames_decoded"]), tail=record["settings"]["tail"])
        if plan.segment_count != self.segment_count(name):
            raise BadFeatures(
                f"{self.videos[name].path} has {self.segment_count(name)} segments but "
                f"{plan.frame_count} frames give {plan.segment_count}; extract it again"
            )
        return plan

    def times(self, name: str) -> PresentationTimes:
        """Presentation times of the frames, in seconds."""
        record = self.records[name]
        path = beside(self.folder, name, SUFFIX)
        return load_times(path, record, int(record["num_frames_decoded"]))

    def fingerprint(self) -> str:
        """Fingerprint of the set, from those of its videos."""
        return fingerprint({name: self.records[name]["fingerprint"] for name in self.names})


def refuse_several_backbones(videos: Iterable[tuple[str, str, str | None]]) -> None:
    """Refuse features of different networks: they may have one shape, but cannot be compared.

    Args:
        videos: name, backbone and SHA-256 of the weights of each video.

    Raises:
        BadFeatures: they differ in backbone or weights.
    """
    made_by = {(backbone, weights): name for name, backbone, weights in videos}
    if len(made_by) > 1:
        ((one, weights), first), ((other, others), second) = list(made_by.items())[:2]
        raise BadFeatures(
            f"{first} was extracted with backbone {one} (weights {weights or '-'}) but {second} "
            f"with {other} (weights {others or '-'}); all videos of a set must agree: extract "
            "them with one backbone and one weights file"
        )


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
        and isinstance(record.get("weights_sha256"), str | None)
        and isinstance(frames, int)
        and isinstance(rate, int | float)
        and frames > 0 < rate <= sys.float_info.max
    )
    if not whole:
        raise BadFeatures(f"{path} was not written by `c2fpl extract`; remove it and extract again")
    return record
