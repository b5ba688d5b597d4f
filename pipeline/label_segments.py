"""Step 2: features -> labels/labels.csv and videos.csv, in one streaming pass over the features."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from c2fpl.models.settings import LabelSettings
from c2fpl.pipeline.changes import what_changed
from c2fpl.pipeline.feature_source import FeatureSet
from c2fpl.pipeline.files import RunFiles, fingerprint, load_json, load_table, save_json, save_table
from c2fpl.pipeline.progress import progress
from c2fpl.pipeline.settings import Execution

if TYPE_CHECKING:
    from c2fpl.models.coarse import CoarseLabels

logger = logging.getLogger(__name__)

LABELS_HEADER = ("video", "segment", "start_frame", "end_frame", "label", "p_value")
VIDEOS_HEADER = ("video", "segments", "mean_norm", "spread_norm", "coarse", "round")


ALONE = (
    "one video alone: a split needs two videos, so its segments are compared with one another and "
    "some always stand out; run a folder of videos to learn what is normal there"
)


class BadLabels(ValueError):
    """A label file that does not fit the features."""


@dataclass(frozen=True, eq=False)
class SegmentLabels:
    """Labels of every segment of every video, joined by name."""

    names: tuple[str, ...]
    """Videos in the features' order."""
    values: tuple[NDArray[np.float32], ...]
    """(segments,) each, in [0, 1]."""
    fingerprint: str
    """Of the features and settings that made them."""

    def concatenated(self) -> NDArray[np.float32]:
        """(segments of all videos,) in the order of names."""
        return np.concatenate(self.values)


def label_segments(
    files: RunFiles, features: FeatureSet, settings: LabelSettings, execution: Execution
) -> SegmentLabels:
    """Label every segment; kept where features and settings have not changed.

    Raises:
        TooFewVideos, CannotSplit: the features carry nothing to split by (models.coarse).
        BadFeatures: a feature file that cannot be used, by name.
    """
    settings = settings.resolved()
    wanted = fingerprint({**asdict(settings), "features": features.fingerprint()})
    before = _record(files)
    if not execution.overwrite and before.get("fingerprint") == wanted:
        logger.info("labels of these features and settings are there already")
        return load_labels(files, features)
    if before:
        cause = what_changed(before.get("settings", {}), asdict(settings)) or "features"
        logger.info("labels: %s changed, labelling again", cause)
    made = make_labels(features, settings, quiet=execution.quiet)
    for note in made.notes:
        logger.warning("labels: %s", note)
    (files.labels / "labels.json").unlink(missing_ok=True)
    save_table(files.labels / "videos.csv", VIDEOS_HEADER, made.video_rows)
    save_table(files.labels / "labels.csv", LABELS_HEADER, _segment_rows(features, made))
    record: dict[str, Any] = {"settings": asdict(settings), "notes": list(made.notes)}
    save_json(files.labels / "labels.json", {**record, "fingerprint": wanted})
    positive = sum(float(labels.sum()) for labels in made.labels)
    total = sum(len(labels) for labels in made.labels)
    logger.info(
        "%d of %d videos and %.0f of %d segments are pseudo-anomalous",
        *(int(made.anomalous.sum()), len(features.names), positive, total),
    )
    return SegmentLabels(features.names, made.labels, wanted)


def load_labels(files: RunFiles, features: FeatureSet) -> SegmentLabels:
    """Read labels.csv and join it to the features by name.

    Raises:
        BadLabels: a video or a segment is missing on either side.
    """
    path = files.labels / "labels.csv"
    if not path.exists():
        raise BadLabels(
            f"{path} does not exist; run `c2fpl label FEATURES -o {files.labels}` first"
        )
    by_video: dict[str, list[float]] = {}
    for row in load_table(path):
        by_video.setdefault(row["video"], []).append(float(row["label"]))
    for name in features.names:
        found, expected = len(by_video.get(name, ())), features.segment_count(name)
        if found != expected:
            raise BadLabels(
                f"{path} has {found} segments of {name}, its features have {expected}; label again"
            )
    values = tuple(np.array(by_video[name], np.float32) for name in features.names)
    record = files.labels / "labels.json"
    made_by = (
        str(load_json(record)["fingerprint"])
        if record.exists()
        else fingerprint({"labels": path.read_text(encoding="utf-8", errors="surrogateescape")})
    )
    return SegmentLabels(features.names, values, made_by)


class NamedFeatures(Protocol):
    """The part of a feature set that labels are made from."""

    @property
    def names(self) -> tuple[str, ...]:
        """The videos."""

    def chunks(self, name: str) -> Iterator[NDArray[np.float32]]:
        """The values in order, finite float32 (segments, crops, dim) a chunk."""


@dataclass(frozen=True, eq=False)
class MadeLabels:
    """Labels in memory, in the order of the videos."""

    anomalous: NDArray[np.bool_]
    """(videos,) the coarse labels."""
    labels: tuple[NDArray[np.float32], ...]
    """Per video (segments,) in [0, 1]."""
    p_values: tuple[NDArray[np.float64], ...]
    """Per video (segments,): density of the segment's norm among normal segments."""
    video_rows: list[tuple[object, ...]]
    """Rows of videos.csv: name, segments, mean and spread of the norm, coarse label, round."""
    notes: tuple[str, ...]
    """One line for each reason to distrust the labels."""


def make_labels(features: NamedFeatures, settings: LabelSettings, *, quiet: bool) -> MadeLabels:
    """Label every segment in one pass over the features; nothing is written.

    Raises:
        TooFewVideos, CannotSplit: the features carry nothing to split by (models.coarse).
    """
    from c2fpl.models import coarse, fine, summaries

    settings = settings.resolved()
    assert settings.norm is not None
    assert settings.spread is not None
    norms = []
    with progress("norms", len(features.names), "videos", quiet=quiet) as shown:
        for name in features.names:
            chunks = [summaries.segment_norms(c, settings.norm) for c in features.chunks(name)]
            norms.append(np.concatenate(chunks))
            shown.advance()
    described = np.stack([summaries.describe(n, settings.spread) for n in norms])
    if len(norms) == 1:
        videos = coarse.CoarseLabels(np.array([True]), np.array([1]), (ALONE,))
        # Its own segments are the null model: given a second time, as a normal video.
        segments = fine.label_segments([*norms, *norms], np.array([True, False]), settings)
    else:
        videos = coarse.label_videos(described, settings)
        segments = fine.label_segments(norms, videos.anomalous, settings)
    return MadeLabels(
        videos.anomalous,
        tuple(labels.astype(np.float32) for labels in segments.labels[: len(norms)]),
        segments.p_values[: len(norms)],
        _video_rows(features, norms, described, videos),
        (*videos.notes, *segments.notes),
    )


def _video_rows(
    features: NamedFeatures,
    norms: Sequence[NDArray[Any]],
    described: NDArray[np.float64],
    videos: "CoarseLabels",
) -> list[tuple[object, ...]]:
    return [
        (name, len(n), repr(float(mean)), repr(float(spread)), int(anomalous), int(turn))
        for name, n, (mean, spread), anomalous, turn in zip(
            features.names, norms, described, videos.anomalous, videos.round, strict=True
        )
    ]


def _segment_rows(features: FeatureSet, made: MadeLabels) -> Iterator[tuple[object, ...]]:
    for name, labels, p_values in zip(features.names, made.labels, made.p_values, strict=True):
        plan = features.plan(name)
        for segment, (label, p_value) in enumerate(zip(labels, p_values, strict=True)):
            start, end = plan.interval_of(segment)
            yield name, segment, start, end, f"{label:g}", repr(float(p_value))


def _record(files: RunFiles) -> dict[str, Any]:
    """What was said of labels that are whole; empty where there are none."""
    record = files.labels / "labels.json"
    return load_json(record) if record.exists() else {}
