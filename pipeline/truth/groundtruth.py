"""Build the ground-truth vector of a test set: the frames of all videos, concatenated.

Annotations and counts are joined by name, so a lost, renamed or duplicate video is refused and
never shifts the frames after it. Under a published protocol the saved file is byte-identical to
the one published by its authors (PUBLISHED_VECTORS).
"""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadAnnotation
from c2fpl.pipeline.truth.annotations import annotation_of, read_annotations, required_names
from c2fpl.pipeline.truth.datasets import DATASETS, DatasetName, is_anomalous
from c2fpl.pipeline.truth.forms.records import AnnotationSettings
from c2fpl.pipeline.truth.frame_counts import CountTable, read_count_table
from c2fpl.pipeline.truth.protocols import ProtocolName, protocol_of
from c2fpl.pipeline.truth.test_set import make_test_set
from c2fpl.pipeline.truth.video_annotation import Annotations
from c2fpl.pipeline.videos.names import named


@dataclass(frozen=True)
class PublishedVector:
    """Facts about a published ground-truth file."""

    frames: int
    """Length of the vector."""
    anomalous_frames: int
    """Number of ones."""
    blob_id: str
    """Git blob id of the .npy: SHA-1 of `blob <size>`, a zero byte and the file."""


PUBLISHED_VECTORS: Mapping[tuple[DatasetName, ProtocolName], PublishedVector] = MappingProxyType(
    {
        ("ucf-crime", "deepmil"): PublishedVector(
            1_109_680, 84_128, "17b93404bde7a382f5cc05bb197d3f17046925f5"
        ),
        ("ucf-crime", "rtfm"): PublishedVector(
            1_114_144, 84_343, "7058f89f9b4c1cd7353af91991afacfe3dcb775b"
        ),
        ("ucf-crime", "vadclip"): PublishedVector(
            1_109_888, 84_160, "a2737bd8a60368130d819948128b6e294579f334"
        ),
        ("xd-violence", "xdviodet"): PublishedVector(
            2_330_384, 537_805, "8d47b9bec08d35e5f16f9bd47147aec9f27044bc"
        ),
        ("xd-violence", "vadclip"): PublishedVector(
            2_331_296, 537_882, "863e617f09fc08ae03446c4c863e68a71943c9b5"
        ),
        ("shanghaitech", "shanghaitech-rtfm"): PublishedVector(
            142_912, 8_028, "529d814b1f6295f564b854f473002dcf152a7507"
        ),
    }
)


@dataclass(frozen=True)
class GroundTruth:
    """Ground truth of all test videos, concatenated."""

    names: tuple[str, ...]
    """Videos in list order."""
    frame_counts: tuple[int, ...]
    """Frames of each video in the vector."""
    frames: NDArray[Any]
    """(frames,) of 0 and 1 in the protocol's dtype."""
    notes: tuple[str, ...] = ()
    """Comparison with the published vector."""

    def blob_id(self) -> str:
        """Git blob id of `frames` as written by numpy.save."""
        file = io.BytesIO()
        np.save(file, self.frames, allow_pickle=False)
        content = file.getvalue()
        return hashlib.sha1(
            b"blob %d\0" % len(content) + content, usedforsecurity=False
        ).hexdigest()


def make_ground_truth(
    dataset: DatasetName,
    *,
    annotations: Path,
    frame_counts: Path,
    protocol: ProtocolName,
    segments_column: str | None = None,
    reading: AnnotationSettings = AnnotationSettings(),
) -> GroundTruth:
    """Build the vector of a test set from its files.

    Raises:
        BadAnnotation, BadFile: the annotations are invalid.
        BadAnnotation: the table is invalid, or a video is in only one of the files.
        BadAnnotation: the counts of a video contradict each other or its intervals.
        BadAnnotation: the protocol does not apply to the data set.
    """
    table = read_count_table(frame_counts, segments_column)
    read = read_annotations(annotations, dataset, reading)
    _refuse_mismatch(table, read, dataset)
    test_set = make_test_set(dataset, protocol, read, table.counts)
    if table.gap:
        raise BadAnnotation(table.gap)
    if protocol != "native":
        _check_complete(dataset, table, protocol)
        _check_published_order(dataset, table)
    parts = [test_set.truth(name) for name in table.counts]
    frames = np.concatenate(parts).astype(protocol_of(protocol, dataset).dtype)
    truth = GroundTruth(tuple(table.counts), tuple(len(part) for part in parts), frames)
    return replace(truth, notes=_notes(truth, dataset, protocol))


def _refuse_mismatch(table: CountTable, annotations: Annotations, dataset: DatasetName) -> None:
    """Refuse a video that is in only one of the files."""
    required = required_names(annotations, dataset)
    listed = required if dataset == "shanghaitech" and required else frozenset(table.counts)
    strange = [
        name
        for name in table.counts
        if name not in listed or annotation_of(name, annotations, dataset) is None
    ]
    lost = sorted(required - set(table.counts))
    if lost or strange:
        faults = [f"lacks {named(lost)}"] if lost else []
        faults += [f"has {named(strange)}, without annotation"] if strange else []
        raise BadAnnotation(
            f"{table.path} does not match {annotations.path}: the table {' and '.join(faults)}"
            f" ({_effect(lost, strange)}); restore the row or the name in whichever file is wrong"
        )


def _effect(lost: list[str], strange: list[str]) -> str:
    kind = "renamed" if lost and strange else "missing"
    return f"{max(len(lost), len(strange))} {kind}: every frame after it would shift"


def _check_complete(dataset: DatasetName, table: CountTable, protocol: ProtocolName) -> None:
    official = DATASETS[dataset].test_videos
    if len(table.counts) != official:
        raise BadAnnotation(
            f"{table.path} has {len(table.counts)} videos, but the test set has {official}:"
            f" protocol {protocol} needs all of them; for a subset choose native"
        )


def _check_published_order(dataset: DatasetName, table: CountTable) -> None:
    """Require anomalous videos by name, then normal ones (ShanghaiTech is ordered differently)."""
    if dataset == "shanghaitech":
        return
    names = list(table.counts)
    ordered = sorted(names, key=lambda name: (not is_anomalous(name, dataset), name))
    for name, expected in zip(names, ordered, strict=True):
        if name != expected:
            raise BadAnnotation(
                f"{table.path} has {name} where {expected} belongs (published order: anomalous"
                " videos by name, then normal ones by name): restore the renamed or moved row"
            )


def _notes(truth: GroundTruth, dataset: DatasetName, protocol: ProtocolName) -> tuple[str, ...]:
    published = PUBLISHED_VECTORS.get((dataset, protocol))
    if published is None:
        return ()
    if truth.blob_id() == published.blob_id:
        return (f"byte-identical to the published vector (git blob {published.blob_id[:12]})",)
    ones = int(truth.frames.sum())
    return (
        f"differs from the published vector (git blob {published.blob_id[:12]}):"
        f" {len(truth.frames)} frames instead of {published.frames}, {ones} anomalous instead of"
        f" {published.anomalous_frames}, or a different order of videos",
    )
