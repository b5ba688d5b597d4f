"""Training and test features of a benchmark: extracted from its videos, or opened as they lie."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from c2fpl.pipeline.benchmark.plan import BadPlan, BenchmarkFiles, BenchmarkPlan
from c2fpl.pipeline.benchmark.split import gap_notes, split_of
from c2fpl.pipeline.extraction.extract_features import extract_features
from c2fpl.pipeline.extraction.worker import FeatureSettings
from c2fpl.pipeline.features.extracted import OwnFeatures
from c2fpl.pipeline.features.feature_set import FeatureSet, features_in
from c2fpl.pipeline.features.published import PublishedFeatures, open_features
from c2fpl.pipeline.files.outcomes import Failure
from c2fpl.pipeline.truth.annotations import read_annotations
from c2fpl.pipeline.truth.dataset_videos import Split, index_videos
from c2fpl.pipeline.truth.frame_counts import CountTable, read_count_table
from c2fpl.pipeline.truth.video_annotation import Annotations
from c2fpl.pipeline.videos.find import VideoFile, videos_below
from c2fpl.pipeline.videos.names import video_name

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Material:
    """What labels, training and measuring work on."""

    train: FeatureSet
    """Features of the training videos; nothing else of the training set is ever read."""
    test: FeatureSet
    """Features of the test videos."""
    test_names: Mapping[str, str]
    """Joining name -> name in `test`, in list order."""
    annotations: Annotations
    """Of the test videos, and of others too."""
    table: CountTable | None
    """Counts of the test videos, where given."""
    backbone: str
    """Network of the features."""
    notes: tuple[str, ...]
    """What is missing, doubled or not official, with its effect."""
    failures: tuple[Failure, ...] = ()
    """Videos that did not decode."""


def open_material(plan: BenchmarkPlan, files: BenchmarkFiles) -> Material:
    """Find the videos of both parts and open or extract their features.

    Raises:
        BadPlan: a part has no videos.
        BadAnnotation, BadMask, BadCounts, BadList, BadLayout, BadFeatures: as their modules say.
    """
    paths = plan.paths
    annotations = read_annotations(paths.annotations, plan.dataset)
    table = (
        read_count_table(paths.frame_counts, paths.segments_column) if paths.frame_counts else None
    )
    if paths.videos is not None:
        return _from_videos(plan, files, paths.videos, annotations, table)
    return _from_features(plan, annotations, table)


def _from_videos(
    plan: BenchmarkPlan,
    files: BenchmarkFiles,
    folder: Path,
    annotations: Annotations,
    table: CountTable | None,
) -> Material:
    present = _by_joining_name(videos_below(folder))
    split = split_of(plan.dataset, plan.paths, annotations, table, present)
    train = index_videos(folder, split.train, "training")
    test = index_videos(folder, split.test, "test")
    wanted = [VideoFile(name, path) for name, path in {**train.files, **test.files}.items()]
    _refuse_empty(plan, split, tuple(train.files), tuple(test.files))
    report = extract_features(
        files.run,
        sorted(wanted),
        FeatureSettings(plan.extraction, plan.decoding),
        plan.execution,
    )
    ready = set(report.ready)
    features = OwnFeatures(files.run.features, tuple(report.ready))
    notes = [note for note in (*train.notes, *test.notes) if "twice" in note]
    notes += [f"{f.video} did not decode and is left out: {f.reason}" for f in report.failures]
    return _joined(
        plan,
        features,
        {name: name for name in train.files if name in ready},
        {name: name for name in test.files if name in ready},
        split=split,
        annotations=annotations,
        table=table,
        notes=notes,
        failures=report.failures,
    )


def _from_features(
    plan: BenchmarkPlan, annotations: Annotations, table: CountTable | None
) -> Material:
    features = _opened(plan)
    named = _unique_names(features)
    present = {name: _file_of(features, own) for name, own in named.items()}
    split = split_of(plan.dataset, plan.paths, annotations, table, present)
    train = {name: named[name] for name in split.train if name in named}
    test = {name: named[name] for name in split.test if name in named}
    _refuse_empty(plan, split, tuple(train), tuple(test))
    extra = len(named) - len(train) - len(test)
    return _joined(
        plan,
        features,
        train,
        test,
        split=split,
        annotations=annotations,
        table=table,
        notes=[f"{extra} videos with features are in neither list: not used"] if extra else [],
    )


def _opened(plan: BenchmarkPlan) -> FeatureSet:
    """The features; the order of a concatenation is that of the list of training videos."""
    folder = plan.paths.data
    if any(folder.rglob("*nalist*.npy")) and plan.paths.train_list is not None:
        from c2fpl.pipeline.truth.datasets import read_name_list

        return open_features(folder, names=read_name_list(plan.paths.train_list))
    return features_in(folder)


def _joined(
    plan: BenchmarkPlan,
    features: FeatureSet,
    train: Mapping[str, str],
    test: Mapping[str, str],
    *,
    split: Split,
    annotations: Annotations,
    table: CountTable | None,
    notes: Sequence[str],
    failures: tuple[Failure, ...] = (),
) -> Material:
    _refuse_empty(plan, split, tuple(train), tuple(test))
    first = features.records[next(iter(train.values()))]
    return Material(
        train=features.only(tuple(train.values())),
        test=features.only(tuple(test.values())),
        test_names=dict(test),
        annotations=annotations,
        table=table,
        backbone=str(first["settings"]["backbone"]),
        notes=(
            *split.notes,
            *notes,
            *gap_notes(split, train, test, annotations, table),
        ),
        failures=failures,
    )


def _refuse_empty(
    plan: BenchmarkPlan, split: Split, train: tuple[str, ...], test: tuple[str, ...]
) -> None:
    for kind, found, listed in (("training", train, split.train), ("test", test, split.test)):
        if not found:
            raise BadPlan(
                f"{plan.paths.data} has none of the {len(listed)} {kind} videos of {plan.dataset}"
                f" (such as {next(iter(listed), 'none listed')}): check the folder and the lists"
            )


def _by_joining_name(paths: Iterable[Path]) -> dict[str, Path]:
    """One file of each name; which of doubled ones counts is decided later."""
    found: dict[str, Path] = {}
    for path in paths:
        found.setdefault(video_name(path.name), path)
    return found


def _unique_names(features: FeatureSet) -> dict[str, str]:
    """Joining name -> the features' own name.

    Raises:
        BadPlan: two entries of one video.
    """
    by_name: dict[str, list[str]] = defaultdict(list)
    for own in features.names:
        by_name[video_name(own)].append(own)
    for name, owners in by_name.items():
        if len(owners) > 1:
            raise BadPlan(
                f"{name} has features twice, as {owners[0]} and {owners[1]}: its segments would"
                " count twice; remove one"
            )
    return {name: owners[0] for name, owners in by_name.items()}


def _file_of(features: FeatureSet, own: str) -> Path:
    if isinstance(features, PublishedFeatures):
        return features.open(own).blocks[0].path
    assert isinstance(features, OwnFeatures)
    return features.path(own)
