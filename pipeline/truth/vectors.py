"""Use an existing ground-truth vector, such as a published gt.npy, instead of intervals."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadAnnotation
from c2fpl.pipeline.truth.datasets import DatasetName, classes_of, is_anomalous
from c2fpl.pipeline.truth.forms.masks import read_mask
from c2fpl.pipeline.truth.protocols import PROTOCOLS
from c2fpl.pipeline.truth.test_set import TestSet
from c2fpl.pipeline.truth.video_annotation import Annotations, VideoAnnotation
from c2fpl.pipeline.videos.names import named


def videos_of_vector(path: Path, dataset: DatasetName, names: Iterable[str]) -> Annotations:
    """Annotations without intervals for the videos of a vector; their names give the classes.

    Raises:
        UnknownVideo: a name does not belong to the data set.
    """
    videos = {name: VideoAnnotation(name, classes_of(name, dataset), ()) for name in names}
    return Annotations(path, "as written", videos, f"{path.name} read as a vector of ground truth")


def with_vector(test_set: TestSet, path: Path) -> tuple[TestSet, tuple[str, ...]]:
    """Replace the intervals of a test set by a ground-truth vector.

    Args:
        test_set: all videos in the order of the vector, with their counts.
        path: .npy (frames of all videos,) of 0 and 1.

    Returns:
        The test set, and notes that name the videos in which vector and intervals differ.

    Raises:
        BadAnnotation: the length does not fit the protocol (a protocol that fits is suggested), or
            the order of the videos is wrong.
        BadAnnotation, BadFile: the file is not a vector of 0 and 1.
    """
    mask = read_mask(path)
    by_intervals = {name: test_set.truth(name) for name in test_set.videos}
    lengths = [len(frames) for frames in by_intervals.values()]
    if sum(lengths) != mask.frame_count:
        raise BadAnnotation(
            f"{path} has {mask.frame_count} frames, but {len(lengths)} videos under protocol"
            f" {test_set.protocol} have {sum(lengths)}: {_fitting(test_set, mask.frame_count)}"
        )
    vector = np.zeros(mask.frame_count, np.uint8)
    for start, end in mask.intervals:
        vector[start:end] = 1
    parts = np.split(vector, np.cumsum(lengths)[:-1])
    given = dict(zip(by_intervals, parts, strict=True))
    _refuse_other_order(test_set, path, given)
    known = any(video.intervals for video in test_set.videos.values())
    notes = _differences(path, by_intervals, given) if known else ()
    return replace(test_set, given=given), notes


def _fitting(test_set: TestSet, frame_count: int) -> str:
    """Cure for a vector of the wrong length."""
    for name, protocol in PROTOCOLS.items():
        if test_set.dataset in protocol.datasets:
            other = replace(test_set, protocol=name)
            with suppress(BadAnnotation):
                if sum(len(other.truth(video)) for video in other.videos) == frame_count:
                    return f"give --protocol {name}, which fits"
    return "it belongs to a different list of videos or other counts; give the matching table"


def _refuse_other_order(
    test_set: TestSet, path: Path, given: Mapping[str, NDArray[np.uint8]]
) -> None:
    """Refuse a vector, uint8 (frames,) by video, that contradicts the classes in the names."""
    wrong = [
        name
        for name, frames in given.items()
        if test_set.dataset != "own" and is_anomalous(name, test_set.dataset) != bool(frames.any())
    ]
    if wrong:
        raise BadAnnotation(
            f"{path} marks frames of normal videos, or none of anomalous ones: {named(wrong)}: it"
            " has another order of videos than the table, or belongs to another test set"
        )


def _differences(
    path: Path,
    by_intervals: Mapping[str, NDArray[np.uint8]],
    given: Mapping[str, NDArray[np.uint8]],
) -> tuple[str, ...]:
    """Notes on the videos whose uint8 (frames,) labels differ between intervals and vector."""
    changed = {name: int((frames != given[name]).sum()) for name, frames in by_intervals.items()}
    changed = {name: frames for name, frames in changed.items() if frames}
    if not changed:
        return (f"{path.name} equals the intervals in every frame",)
    shown = named(f"{name} {frames}" for name, frames in changed.items())
    return (
        f"{path.name} is used as ground truth; it differs from the intervals in"
        f" {sum(changed.values())} frames: {shown}",
    )
