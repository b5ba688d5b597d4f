"""Annotated windows of the videos of a run, for shading; not for evaluation (groundtruth.py)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from c2fpl.pipeline.truth.annotations import read_annotations
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.videos.names import video_name, video_path_name

Windows = Sequence[tuple[int, int]]
"""[start, end) of one video, in frames."""


def read_windows(
    annotations: Path, names: Iterable[str], dataset: DatasetName = "own"
) -> dict[str, Windows]:
    """Windows by the run's own video names; videos that the annotations do not know are left out.

    An annotation without folders is of the one video with that file name, and of none where several
    have it. Frame numbers are taken as written: one more or less is not seen in a picture.

    Raises:
        BadAnnotation: the first line that breaks a rule.
    """
    known = read_annotations(annotations, dataset).videos
    names = list(names)
    alike = Counter(video_name(name) for name in names)
    found = {
        name: known.get(video_path_name(name))
        or (known.get(video_name(name)) if alike[video_name(name)] == 1 else None)
        for name in names
    }
    return {name: video.intervals for name, video in found.items() if video is not None}
