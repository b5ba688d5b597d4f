"""Annotated intervals for shading plots and reports. Evaluation uses groundtruth.py instead."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.pipeline.truth.annotations import read_annotations
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.forms.records import AnnotationSettings
from c2fpl.pipeline.truth.video_annotation import VideoAnnotation
from c2fpl.pipeline.videos.names import video_name, video_path_name

logger = logging.getLogger(__name__)

Windows = Sequence[tuple[int, int]]
"""[start, end) intervals of one video, in frames."""


def read_windows(
    annotations: Path,
    names: Iterable[str],
    dataset: DatasetName = "own",
    reading: AnnotationSettings = AnnotationSettings(),
) -> dict[str, VideoAnnotation]:
    """Read annotations by the run's video names; videos without an annotation are left out.

    An annotation without folders applies to the video with that file name, unless several videos
    share it. Frame numbers are taken as written: an error of one frame is invisible in a plot.

    Raises:
        BadAnnotation: a line breaks a rule; the first one is named.
    """
    read = read_annotations(annotations, dataset, reading)
    logger.info("%s", read.form)
    known, names = read.videos, list(names)
    same_file_name = Counter(video_name(name) for name in names)
    found = {
        name: known.get(video_path_name(name))
        or (known.get(video_name(name)) if same_file_name[video_name(name)] == 1 else None)
        for name in names
    }
    return {name: video for name, video in found.items() if video is not None}


def windows_in_frames(
    annotated: Mapping[str, VideoAnnotation], times: Mapping[str, PresentationTimes]
) -> dict[str, Windows]:
    """Convert the annotations of the videos in `times` to frames, clipped to each video's end."""
    return {
        name: tuple(
            (start, min(end, known.frame_count))
            for start, end in annotated[name].in_frames(known).intervals
            if start < known.frame_count
        )
        for name, known in times.items()
    }
