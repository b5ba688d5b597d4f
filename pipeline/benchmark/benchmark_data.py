"""Training and test features of a benchmark, extracted from videos or opened in place."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from c2fpl.errors import BadSettings
from c2fpl.pipeline.benchmark.feature_parts import open_parts, with_training_part
from c2fpl.pipeline.benchmark.plan import BenchmarkFiles, BenchmarkPlan
from c2fpl.pipeline.benchmark.split import gap_notes, split_of
from c2fpl.pipeline.extraction.extract_features import extract_features
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.features.extracted import ExtractedFeatures, refuse_several_backbones
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.files.outcomes import Failure
from c2fpl.pipeline.steps.detector_files import UNKNOWN_BACKBONE
from c2fpl.pipeline.truth.annotations import read_annotations
from c2fpl.pipeline.truth.dataset_videos import Split, index_videos
from c2fpl.pipeline.truth.frame_counts import CountTable, read_count_table
from c2fpl.pipeline.truth.video_annotation import Annotations
from c2fpl.pipeline.videos.find import VideoFile, videos_below
from c2fpl.pipeline.videos.names import video_name

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BenchmarkData:
    """Features and annotations for labelling, training and evaluation."""

    train: FeatureSet
    """Features of the training videos; nothing else of the training set is read."""
    test: FeatureSet
    """Features of the test videos."""
    test_names: Mapping[str, str]
    """Joining name -> name in `test`, in list order."""
    annotations: Annotations
    """Annotations of the test videos, possibly of others too."""
    table: CountTable | None
    """Counts of the test videos, if given."""
    backbone: str
    notes: tuple[str, ...]
    """Missing videos, duplicates and deviations from the official split, with their effect."""
    failures: tuple[Failure, ...] = ()
    """Videos that could not be decoded."""


def open_benchmark_data(plan: BenchmarkPlan, files: BenchmarkFiles) -> BenchmarkData:
    """Find the training and test videos, and open or extract their features.

    Raises:
        BadSettings: there are no training or no test videos.
        BadAnnotation, BadFeatures: an input is invalid.
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
) -> BenchmarkData:
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
    features = ExtractedFeatures(files.run.features, tuple(report.ready))
    notes = [note for note in (*train.notes, *test.notes) if "counted once" in note]
    notes += [f"{f.video} is left out, decoding failed: {f.reason}" for f in report.failures]
    return _joined(
        plan,
        (features, features),
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
) -> BenchmarkData:
    train_part, test_part = open_parts(plan, table)
    present = {**train_part.files(), **test_part.files()}
    split = split_of(plan.dataset, plan.paths, annotations, table, present)
    split = with_training_part(split, train_part, plan.dataset)
    train = {name: train_part.names[name] for name in split.train if name in train_part.names}
    test = {name: test_part.names[name] for name in split.test if name in test_part.names}
    _refuse_empty(plan, split, tuple(train), tuple(test))
    extra = len(present) - len(train) - len(test)
    return _joined(
        plan,
        (train_part.features, test_part.features),
        train,
        test,
        split=split,
        annotations=annotations,
        table=table,
        notes=[f"{extra} videos with features are on neither list and not used"] if extra else [],
    )


def _joined(
    plan: BenchmarkPlan,
    features: tuple[FeatureSet, FeatureSet],
    train: Mapping[str, str],
    test: Mapping[str, str],
    *,
    split: Split,
    annotations: Annotations,
    table: CountTable | None,
    notes: Sequence[str],
    failures: tuple[Failure, ...] = (),
) -> BenchmarkData:
    _refuse_empty(plan, split, tuple(train), tuple(test))
    train_features, test_features = features
    first = train_features.records[next(iter(train.values()))]
    last = test_features.records[next(iter(test.values()))]
    refuse_several_backbones(
        (part, record["settings"]["backbone"], record.get("weights_sha256"))
        for part, record in (("the training set", first), ("the test set", last))
        if record["settings"]["backbone"] != UNKNOWN_BACKBONE
    )
    return BenchmarkData(
        train=train_features.only(tuple(train.values())),
        test=test_features.only(tuple(test.values())),
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
    parts = (
        ("training", train, split.train, plan.paths.data),
        ("test", test, split.test, plan.paths.test_features or plan.paths.data),
    )
    for kind, found, listed, place in parts:
        if not found:
            example = f" (such as {listed[0]})" if listed else ""
            array = next(place.rglob("[Cc]oncat*[Tt]est*.npy"), None)
            cure = f", or give --test-features {array}" if array else ""
            raise BadSettings(
                f"{place} has none of the {len(listed)} {kind} videos of {plan.dataset}{example}:"
                f" check the folder and the lists{cure}"
            )


def _by_joining_name(paths: Iterable[Path]) -> dict[str, Path]:
    """One file per name; `index_videos` later chooses among duplicates."""
    found: dict[str, Path] = {}
    for path in paths:
        found.setdefault(video_name(path.name), path)
    return found
