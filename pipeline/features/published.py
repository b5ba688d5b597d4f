"""Published features as they lie on users' disks, behind one interface; none is ever unpickled.

Read are folders of `.npy` (crop_layouts.py), the concatenation of C2FPL with its list of offsets
(concatenated.py), and text of 32 lines (text.py). What is opened is headers only:
values are read a chunk of segments at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from c2fpl.extractors.decoding.presentation_times import PresentationTimes, constant_times
from c2fpl.extractors.segments import SEGMENT_FRAMES, SegmentPlan
from c2fpl.models.sources import ArraySource, SegmentSource
from c2fpl.pipeline.features.array_blocks import StoredFeatures, StoredSegments
from c2fpl.pipeline.features.concatenated import find_concatenation, read_concatenation
from c2fpl.pipeline.features.crop_layouts import (
    check_alike,
    crop_files,
    find_axes,
    group_crops,
    whole_video,
)
from c2fpl.pipeline.features.extracted import BadFeatures
from c2fpl.pipeline.features.segment_store import SegmentStore
from c2fpl.pipeline.features.text import TextFeatures, find_text
from c2fpl.pipeline.files.npy_header import BadNpy, NpyHeader, read_npy_header
from c2fpl.pipeline.files.run_files import beside, fingerprint, whole_file
from c2fpl.pipeline.videos.names import named, video_name

USUAL_FRAME_RATE = 30.0
"""Frames a second of UCF-Crime; published features do not say theirs."""


@dataclass(frozen=True)
class PublishedFeatures:
    """Features of many videos, with the interface of `OwnFeatures` and one entry a video."""

    folder: Path
    """Where they lie."""
    videos: Mapping[str, StoredFeatures]
    """By joining name, in name order."""

    @property
    def names(self) -> tuple[str, ...]:
        """Videos in name order."""
        return tuple(self.videos)

    @cached_property
    def records(self) -> dict[str, dict[str, Any]]:
        """Provenance as far as it is known: the folder."""
        record = {"source": None, "weights_sha256": None, "settings": {"backbone": "published"}}
        return {name: {**record, "fingerprint": self._identity(name)} for name in self.names}

    def open(self, name: str) -> StoredFeatures:
        """One video, read lazily."""
        return self.videos[name]

    def path(self, name: str) -> Path:
        """The video's own file, where each has one of (segments, crops, dim).

        Raises:
            BadFeatures: another layout; `source` and `chunks` read it, `write_plain` converts it.
        """
        if not self.videos[name].is_plain:
            raise BadFeatures(
                f"{name} is no file of (segments, crops, dim) in {self.folder}: convert the set"
            )
        return self.videos[name].blocks[0].path

    def source(self) -> SegmentSource:
        """All segments in name order for training, read by position; text is held in memory."""
        videos = list(self.videos.values())
        if all(isinstance(video, TextFeatures) for video in videos):
            return ArraySource([video.read(0, video.shape[0]) for video in videos])
        if all(video.is_plain for video in videos):
            return SegmentStore([video.blocks[0].path for video in videos])
        return StoredSegments(videos)

    def shape(self, name: str) -> tuple[int, int, int]:
        """(segments, crops, dim)."""
        return self.videos[name].shape

    def segment_count(self, name: str) -> int:
        """Segments of the video."""
        return self.shape(name)[0]

    def plan(self, name: str) -> SegmentPlan:
        """Each segment stands for 16 frames; the features do not say how many there really are."""
        return SegmentPlan(self.segment_count(name) * SEGMENT_FRAMES)

    def times(self, name: str) -> PresentationTimes:
        """When the frames are shown, by an assumed rate: nothing is known of any video."""
        return constant_times(self.plan(name).frame_count, USUAL_FRAME_RATE)

    def chunks(self, name: str) -> Iterator[NDArray[np.float32]]:
        """The values in order, float32 (segments, crops, dim) a chunk.

        Raises:
            BadFeatures: a value is not finite.
        """
        return self.videos[name].chunks()

    def only(self, names: Sequence[str]) -> "PublishedFeatures":
        """These videos alone, as a set of its own: a split.

        Raises:
            BadFeatures: one of them has no features.
        """
        missing = [name for name in names if name not in self.videos]
        if missing:
            raise BadFeatures(
                f"{self.folder} has no features of {named(missing)}"
                f" ({len(missing)} of {len(names)} videos): add them, or take them off the list"
            )
        chosen = {name: self.videos[name] for name in sorted(names)}
        return PublishedFeatures(self.folder, MappingProxyType(chosen))

    def fingerprint(self) -> str:
        """Of names, places, sizes and times of change; 60 GB are not hashed."""
        return fingerprint({name: self._identity(name) for name in self.names})

    def _identity(self, name: str) -> str:
        video = self.videos[name]
        files = [
            (block.path.name, block.offset_bytes, *_size_and_time(block.path))
            for block in video.blocks
        ]
        return fingerprint({"shape": video.shape, "dtype": video.dtype.name, "files": files})


def open_features(
    folder: Path,
    *,
    names: Sequence[str] | None = None,
    segment_counts: Mapping[str, int] | None = None,
) -> PublishedFeatures:
    """Open a folder of published features.

    Args:
        folder: searched below; all `.npy` in it are features, but for a list of offsets; without
            any, its `.txt` are.
        names: videos of a concatenation in the order of its offsets; not needed otherwise.
        segment_counts: known segments by name, to establish the order of a concatenation.

    Raises:
        BadFeatures: nothing to read, or a file that breaks a rule: file, value, rule and cure.
    """
    paths = [path for path in sorted(folder.rglob("*.npy")) if not path.name.startswith(".")]
    concatenation = find_concatenation(paths)
    videos: Sequence[StoredFeatures]
    if not paths:
        videos = find_text(folder)
    elif concatenation is not None:
        videos = read_concatenation(*concatenation, names, segment_counts)
    else:
        videos = _separate_files(paths)
    check_alike(videos)
    by_name = {video.name: video for video in sorted(videos, key=lambda video: video.name)}
    return PublishedFeatures(folder, MappingProxyType(by_name))


def write_plain(
    features: PublishedFeatures, folder: Path, dtype: Literal["float16", "float32"]
) -> None:
    """Write each video as `folder/<name>.npy` (segments, crops, dim), a chunk at a time.

    Halves the size with float16 and makes every layout readable by position.

    Raises:
        BadFeatures: a value is not finite, also after rounding to float16 (above 65,504).
    """
    for name in features.names:
        stored = np.dtype(dtype).newbyteorder("<")
        header = {"descr": stored.str, "fortran_order": False, "shape": features.shape(name)}
        with whole_file(beside(folder, name, ".npy")) as file:
            npy_format.write_array_header_1_0(file, header)
            for chunk in features.chunks(name):
                with np.errstate(over="ignore"):
                    rounded = chunk.astype(stored)
                if not np.isfinite(rounded).all():
                    raise BadFeatures(
                        f"{name} holds {float(np.abs(chunk).max())}, above the 65504 of float16:"
                        " keep it as float32"
                    )
                file.write(rounded.tobytes())


def _separate_files(paths: Sequence[Path]) -> list[StoredFeatures]:
    """Files of one rank: 3 for whole videos, 2 for one crop each."""
    headers = {path: _header(path) for path in paths}
    whole = [header for header in headers.values() if len(header.shape) == 3]
    if whole and len(whole) < len(headers):
        odd = next(header for header in headers.values() if len(header.shape) != 3)
        raise BadFeatures(
            f"{odd.path} has shape {odd.shape} and {whole[0].path} {whole[0].shape}: files of one"
            " set have the same axes; keep two sets in two folders"
        )
    if not whole:
        groups = group_crops(paths)
        return [
            crop_files(name, {crop: headers[path] for crop, path in crops.items()})
            for name, crops in groups.items()
        ]
    crop_axis, _ = find_axes(whole)
    return [whole_video(name, headers[path], crop_axis) for name, path in _by_name(paths).items()]


def _by_name(paths: Sequence[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        name = video_name(path.name)
        if name in found:
            raise BadFeatures(
                f"{name} is in {found[name]} and in {path}: its segments would count twice;"
                " remove one"
            )
        found[name] = path
    return found


def _header(path: Path) -> NpyHeader:
    try:
        header = read_npy_header(path)
    except BadNpy as error:
        raise BadFeatures(str(error)) from error
    if header.dtype.kind != "f" or 0 in header.shape or len(header.shape) not in (2, 3):
        raise BadFeatures(
            f"{path} is {header.dtype} of shape {header.shape}: floats (segments, crops, dim),"
            " (crops, segments, dim) or (segments, dim) are needed; remove it from the folder"
        )
    if header.fortran_order:
        raise BadFeatures(f"{path} is in Fortran order: save it again with numpy.ascontiguousarray")
    return header


def _size_and_time(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
