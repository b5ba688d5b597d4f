"""Opens published features in place, in the layout in which they were published.

These are folders of `.npy` (crop_layouts.py, crop_names.py), concatenations with their offsets
(concatenated.py), and text files of 32 lines (text.py). Opening a set reads only headers; values
are read in chunks. Pickles are never loaded. `c2fpl convert` reads more layouts (repaired.py).
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from c2fpl.errors import BadFeatures
from c2fpl.extractors.decoding.presentation_times import PresentationTimes, constant_times
from c2fpl.models.sources import ArraySource, SegmentSource
from c2fpl.pipeline.features.array_blocks import StoredFeatures
from c2fpl.pipeline.features.concatenated import find_concatenation, read_concatenation
from c2fpl.pipeline.features.crop_layouts import check_alike, separate_files
from c2fpl.pipeline.features.crop_names import without_streams
from c2fpl.pipeline.features.extracted import ExtractedFeatures
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.features.frame_plans import FramePlan, FrameRule, take_side_files
from c2fpl.pipeline.features.text import TextFeatures, find_text
from c2fpl.pipeline.files.array_files import FORMATS
from c2fpl.pipeline.files.run_files import fingerprint
from c2fpl.pipeline.settings import ReadingSettings
from c2fpl.pipeline.truth.dataset_videos import read_name_list
from c2fpl.pipeline.truth.frame_counts import read_count_table
from c2fpl.pipeline.videos.names import video_name

logger = logging.getLogger(__name__)

USUAL_FRAME_RATE = 30.0
"""Frames per second, assumed if unknown: UCF-Crime's rate. Published features rarely say theirs."""


@dataclass(frozen=True)
class PublishedFeatures(FeatureSet):
    """Published features of many videos."""

    folder: Path
    """Folder or file of the set."""
    stored: Mapping[str, StoredFeatures]
    """By joining name, in name order."""
    rule: FrameRule
    """How segments map to frames."""

    @property
    def videos(self) -> Mapping[str, StoredFeatures]:
        """The features of each video by joining name, in name order."""
        return self.stored

    @cached_property
    def records(self) -> dict[str, dict[str, Any]]:
        """Provenance of each video: its fingerprint; source and weights are unknown."""
        record = {"source": None, "weights_sha256": None, "settings": {"backbone": "published"}}
        return {name: {**record, "fingerprint": self._identity(name)} for name in self.names}

    def source(self) -> SegmentSource:
        """All segments in name order, for training. Text features are loaded into memory."""
        videos = list(self.videos.values())
        if isinstance(videos[0], TextFeatures):
            return ArraySource([video.read(0, video.shape[0]) for video in videos])
        return super().source()

    @cached_property
    def segment_frames(self) -> int | None:
        """Frames per segment; None for equal parts."""
        return self.rule.segment_frames({name: self.segment_count(name) for name in self.names})

    def plan(self, name: str) -> FramePlan:
        """The frames that each segment covers.

        Raises:
            BadFeatures: the number of segments does not match the number of frames.
        """
        return self.rule.plan(name, self.segment_count(name), self.segment_frames)

    def times(self, name: str) -> PresentationTimes:
        """Presentation times of the frames at a constant rate, 30 per second if unknown."""
        rate = self.rule.frame_rates.get(name, USUAL_FRAME_RATE)
        return constant_times(self.plan(name).frame_count, rate)

    def subset(self, names: Sequence[str]) -> "PublishedFeatures":
        """The subset with these videos, which all have features."""
        return replace(self, stored={name: self.videos[name] for name in sorted(names)})

    def fingerprint(self) -> str:
        """Fingerprint of file names, offsets, sizes and modification times, not of the values."""
        return fingerprint({name: self._identity(name) for name in self.names})

    def _identity(self, name: str) -> str:
        video = self.videos[name]
        files = [
            (block.path.name, block.offset_bytes, *_size_and_time(block.path))
            for block in video.blocks
        ]
        return fingerprint({"shape": video.shape, "dtype": video.dtype.name, "files": files})


def features_in(
    place: Path,
    reading: ReadingSettings = ReadingSettings(),
    *,
    frame_counts: Mapping[str, int] | None = None,
) -> FeatureSet:
    """Open the features that `extract` wrote (a .json beside each array), or a published set.

    Args:
        place: a folder, or one file of a published set.
        reading: how to read a published set.
        frame_counts: frames by joining name; replaces `reading.frame_counts`.

    Raises:
        BadFeatures: no features, or features that cannot be used.
    """
    if place.is_dir():
        first = next((p for p in place.rglob("*.npy") if not p.name.startswith(".")), None)
        if first is not None and first.with_suffix(".json").exists():
            if reading != ReadingSettings():
                logger.warning(
                    "%s was written by extract: options for other sets are ignored", place
                )
            return ExtractedFeatures(place)
    return open_features(place, reading, frame_counts=frame_counts)


def open_features(
    place: Path,
    reading: ReadingSettings = ReadingSettings(),
    *,
    names: Sequence[str] | None = None,
    frame_counts: Mapping[str, int] | None = None,
) -> PublishedFeatures:
    """Open published features; only headers are read.

    Args:
        place: one `.npy` file, or a folder, searched recursively. All its `.npy` are features,
            except offsets and the side files of video_features. Without `.npy`, its `.txt` are.
        reading: layout, segment length, names and frame counts, as far as known.
        names: videos of a concatenation in the order of its offsets; replaces `reading.names`.
        frame_counts: frames by joining name; replaces `reading.frame_counts`.

    Raises:
        BadFeatures, BadAnnotation: no features, or files, names or counts that cannot be used.
    """
    paths = npy_files(place)
    if frame_counts is None:
        frame_counts = read_count_table(reading.frame_counts).frames if reading.frame_counts else {}
    rule = FrameRule(reading.frames_per_segment, frame_counts)
    videos: Sequence[StoredFeatures]
    if concatenation := find_concatenation(paths):
        if names is None and reading.names is not None:
            names = read_name_list(reading.names)
        videos = read_concatenation(concatenation, names, frame_counts)
    elif paths:
        paths, side = take_side_files(paths)
        rule = rule.informed_by(side)
        written = without_streams([video_name(path.name) for path in paths], side.frame_rates)
        videos = separate_files(list(zip(written, paths, strict=True)), reading.layout)
    else:
        videos = find_text(place)
    if not videos:
        raise BadFeatures(_instead_in(place))
    check_alike(videos)
    by_name = {video.name: video for video in sorted(videos, key=lambda video: video.name)}
    return PublishedFeatures(place, by_name, rule)


def npy_files(place: Path) -> list[Path]:
    """All `.npy` below a folder, in path order, or the file itself."""
    found = [place] if place.is_file() else sorted(place.rglob("*"))
    return [p for p in found if p.suffix == ".npy" and not p.name.startswith(".")]


def holds_features(place: Path) -> bool:
    """Whether the folder or file has features that can be read in place."""
    return bool(npy_files(place)) or bool(find_text(place))


def _instead_in(place: Path) -> str:
    """Message for a place without features that can be read: what it has instead, and the cure."""
    files = [place] if place.is_file() else (path for path in place.rglob("*") if path.is_file())
    suffixes = Counter(path.suffix.lower() for path in files if not path.name.startswith("."))
    for suffix, count in suffixes.most_common():
        if suffix in FORMATS:
            held = f"{count} {FORMATS[suffix]} {'file' if count == 1 else 'files'} ({suffix})"
            return (
                f"{place}: {held}, which must be converted first: run"
                f" `c2fpl convert {place} -o FEATURES` and use FEATURES"
            )
    held = ", ".join(f"{count} {suffix or 'plain'}" for suffix, count in suffixes.most_common(3))
    return (
        f"{place} has no features (.npy or .txt), it holds {held or 'nothing'}: extract them with"
        " `c2fpl extract VIDEOS -o FEATURES`"
    )


def _size_and_time(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
