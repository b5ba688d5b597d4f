"""Determine a benchmark's training and test videos, and report missing ones."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from c2fpl.errors import BadSettings
from c2fpl.pipeline.benchmark.plan import BenchmarkPaths
from c2fpl.pipeline.truth.annotations import required_names
from c2fpl.pipeline.truth.dataset_videos import (
    LIST_NAMES,
    Split,
    official_notes,
    read_name_list,
    read_split,
)
from c2fpl.pipeline.truth.datasets import (
    DatasetName,
    belongs_to,
    is_anomalous,
)
from c2fpl.pipeline.truth.frame_counts import CountTable
from c2fpl.pipeline.truth.video_annotation import Annotations
from c2fpl.pipeline.videos.names import named


def split_of(
    dataset: DatasetName,
    paths: BenchmarkPaths,
    annotations: Annotations,
    table: CountTable | None,
    present: Mapping[str, Path],
) -> Split:
    """Split the videos into training and test videos, in list order.

    The lists are those given, or else lists with the official names next to the annotations or
    inside the data folder. Otherwise the test videos are those of the table of counts or the
    annotated ones (plus the normal XD-Violence videos in their folders), the others for training.

    Args:
        dataset: the benchmark.
        paths: its files.
        annotations: annotations of the test videos.
        table: test list with counts, if given.
        present: joining name -> file of every video found.

    Raises:
        BadAnnotation: a list cannot be used, or both lists name the same video.
        BadSettings: the test videos cannot be determined.
    """
    train_names, test_names = LIST_NAMES[dataset]
    train_list = paths.train_list or _find(paths, train_names)
    test_list = paths.test_list or _find(paths, test_names)
    if train_list is not None and test_list is not None:
        return read_split(train_list, test_list, dataset)
    test = (
        read_name_list(test_list, dataset)
        if test_list is not None
        else _test_names(dataset, annotations, table, present)
    )
    if train_list is not None:
        train = tuple(name for name in read_name_list(train_list, dataset) if name not in set(test))
        return Split(train, test, official_notes(dataset, train, test))
    others = tuple(name for name in present if name not in set(test) and belongs_to(name, dataset))
    note = "no list of training videos was found: all videos outside the test set are used"
    return Split(others, test, (note, *official_notes(dataset, others, test)))


def gap_notes(
    split: Split,
    train: Collection[str],
    test: Collection[str],
    annotations: Annotations,
    table: CountTable | None,
) -> tuple[str, ...]:
    """Notes that name the listed videos without features, and what follows from it."""
    notes = []
    lost = [name for name in split.train if name not in train]
    if lost:
        notes.append(
            f"{len(lost)} of {len(split.train)} training videos are missing, so pseudo-labels and"
            f" detector are learned without them: {named(lost)}"
        )
    lost = [name for name in split.test if name not in test]
    if lost:
        anomalous = [n for n in lost if n in annotations.videos and annotations.videos[n].intervals]
        frames = [table.counts[n].frames for n in lost if table is not None and n in table.counts]
        known = f", {sum(f or 0 for f in frames)} frames" if frames and None not in frames else ""
        notes.append(
            f"{len(lost)} of {len(split.test)} test videos are missing ({len(anomalous)} of them"
            f" anomalous{known}), so the figures are not comparable with published ones:"
            f" {named(lost)}"
        )
    return tuple(notes)


def _find(paths: BenchmarkPaths, names: tuple[str, ...]) -> Path | None:
    """Find a list by its official name; prefer one that is not empty (UCF_Crimes.zip has one)."""
    beside = (paths.annotations, paths.annotations.parent)
    near = [folder / name for name in names for folder in beside]
    below = (path for name in names for path in sorted(paths.data.rglob(name)))
    found = [path for path in near if path.is_file()] or list(below)
    return next((path for path in found if path.stat().st_size > 0), next(iter(found), None))


def _test_names(
    dataset: DatasetName,
    annotations: Annotations,
    table: CountTable | None,
    present: Mapping[str, Path],
) -> tuple[str, ...]:
    if table is not None:
        return tuple(table.counts)
    names = tuple(sorted(required_names(annotations, dataset)))
    if dataset == "xd-violence":
        names += _normal_neighbours(names, present)
    if not names:
        raise BadSettings(
            f"the test videos of {dataset} cannot be determined: give --test-list"
            f" ({LIST_NAMES[dataset][1][0]}) or --frame-counts"
        )
    return names


def _normal_neighbours(names: Sequence[str], present: Mapping[str, Path]) -> tuple[str, ...]:
    """Normal XD-Violence videos, which have no annotation, in the folders of annotated ones."""
    folders = {present[name].parent for name in names if name in present}
    here = [name for name, path in present.items() if path.parent in folders]
    normal = [
        name
        for name in here
        if belongs_to(name, "xd-violence") and not is_anomalous(name, "xd-violence")
    ]
    violent = {name for name in here if belongs_to(name, "xd-violence")} - set(normal) - set(names)
    if violent:
        raise BadSettings(
            f"violent videos without annotation are in the folders of the test videos,"
            f" {named(sorted(violent))}: training and test videos share a folder; give --test-list"
            " or --frame-counts"
        )
    return tuple(normal)
