"""Open the training and test features of a benchmark in place."""

import logging
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from c2fpl.errors import BadSettings
from c2fpl.extractors.segments import SEGMENT_FRAMES
from c2fpl.pipeline.benchmark.plan import BenchmarkPaths, BenchmarkPlan
from c2fpl.pipeline.features.concatenated import find_concatenation
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.features.frame_plans import FrameRule
from c2fpl.pipeline.features.published import (
    PublishedFeatures,
    features_in,
    npy_files,
    open_features,
)
from c2fpl.pipeline.truth.dataset_videos import Split, official_notes, read_name_list
from c2fpl.pipeline.truth.datasets import DatasetName, is_anomalous
from c2fpl.pipeline.truth.frame_counts import CountTable
from c2fpl.pipeline.videos.names import video_name

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FeaturePart:
    """A feature set whose videos are joined with a data set by name."""

    features: FeatureSet
    is_named: bool = True
    """False for a concatenation without a list of names, whose videos are numbered."""

    @cached_property
    def names(self) -> dict[str, str]:
        """Joining name -> name in the feature set.

        Raises:
            BadSettings: a video has features twice.
        """
        by_name: dict[str, list[str]] = defaultdict(list)
        for own in self.features.names:
            by_name[video_name(own)].append(own)
        for name, owners in by_name.items():
            if len(owners) > 1:
                raise BadSettings(
                    f"{name} has features twice, as {owners[0]} and {owners[1]}: its segments would"
                    " count twice; remove one"
                )
        return {name: owners[0] for name, owners in by_name.items()}

    def files(self) -> dict[str, Path]:
        """A feature file of each video, by joining name."""
        return {name: self.features.videos[own].path for name, own in self.names.items()}


def open_parts(plan: BenchmarkPlan, table: CountTable | None) -> tuple[FeaturePart, FeaturePart]:
    """Open the features of the training and the test videos, which may be the same set.

    Raises:
        BadFeatures, BadAnnotation, BadSettings: the features, a list or the plan cannot be used.
    """
    place, apart = plan.paths.data, plan.paths.test_features
    frames = table.frames if table is not None else None
    if _is_concatenation(place):
        train_list = plan.paths.train_list
        names = read_name_list(train_list, plan.dataset) if train_list else None
        opened = open_features(place, plan.reading, names=names, frame_counts=frames)
        train = FeaturePart(_counted_by_protocol(opened), is_named=names is not None)
    else:
        opened_set = features_in(place, plan.reading, frame_counts=frames)
        train = FeaturePart(_counted_by_protocol(opened_set))
    return train, train if apart is None else _open_test(plan, apart, table)


def _open_test(plan: BenchmarkPlan, place: Path, table: CountTable | None) -> FeaturePart:
    frames = table.frames if table is not None else None
    if not _is_concatenation(place):
        found = features_in(place, plan.reading, frame_counts=frames)
        return FeaturePart(_counted_by_protocol(found))
    names = _test_names(plan.paths, plan.dataset, table)
    concatenation = find_concatenation(npy_files(place))
    if concatenation is not None and concatenation.offsets is None:
        names = _in_published_order(names, plan.dataset)
    opened = open_features(place, plan.reading, names=names, frame_counts=frames)
    return FeaturePart(_counted_by_protocol(opened))


def _counted_by_protocol(features: FeatureSet) -> FeatureSet:
    """Segments of 16 frames are left to the protocols, which round in their own ways.

    The segments of 41 normal videos of ShanghaiTech, say, fit no rule.
    """
    if isinstance(features, PublishedFeatures) and features.segment_frames == SEGMENT_FRAMES:
        rule = FrameRule(SEGMENT_FRAMES, frame_rates=features.rule.frame_rates)
        return replace(features, rule=rule)
    return features


def _is_concatenation(place: Path) -> bool:
    return find_concatenation(npy_files(place)) is not None


def _test_names(
    paths: BenchmarkPaths, dataset: DatasetName, table: CountTable | None
) -> tuple[str, ...]:
    if paths.test_list is not None:
        return read_name_list(paths.test_list, dataset)
    if table is not None:
        return tuple(table.counts)
    raise BadSettings(
        f"{paths.test_features} is a concatenation, which has no names: give --test-list, or"
        " --frame-counts with a CSV of the test videos (columns video and n_frames)"
    )


def _in_published_order(names: tuple[str, ...], dataset: DatasetName) -> tuple[str, ...]:
    """Sort as in all published test arrays: anomalous videos by name, then normal ones by name.

    Raises:
        UnknownVideo: a name does not belong to the data set.
    """
    ordered = tuple(sorted(names, key=lambda name: (not is_anomalous(name, dataset), name)))
    if ordered != names:
        logger.warning(
            "the list has another order than published test arrays: reading the array in the"
            " published order, anomalous videos by name, then normal ones by name"
        )
    return ordered


def with_training_part(split: Split, train: FeaturePart, dataset: DatasetName) -> Split:
    """Use the whole training set if its videos have no names."""
    if train.is_named:
        return split
    names = tuple(train.names)
    return replace(split, train=names, notes=official_notes(dataset, names, split.test))
