"""Step 2: features -> labels/labels.csv and videos.csv; made again when anything changed."""

import logging
import math
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadLabels
from c2fpl.models.labels.evidence import Evidence
from c2fpl.models.settings import LabelSettings
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.files.atomic import whole_file
from c2fpl.pipeline.files.run_files import (
    RunFiles,
    fingerprint,
    load_json,
    load_table,
    save_json,
    save_table,
)
from c2fpl.pipeline.files.words import counted, what_changed
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.steps.make_labels import MadeLabels, make_labels
from c2fpl.pipeline.videos.names import named

logger = logging.getLogger(__name__)

LABELS_HEADER = ("video", "segment", "start_frame", "end_frame", "label", "density")


@dataclass(frozen=True, eq=False)
class SegmentLabels:
    """Labels of every segment of every video, joined by name."""

    names: tuple[str, ...]
    """Videos in the features' order."""
    values: tuple[NDArray[np.float32], ...]
    """(segments,) each, in [0, 1]."""
    fingerprint: str
    """Of these labels, the evidence and the features that they belong to."""
    evidence: Evidence | None = None
    """What `refined` measured; scores are joined with it."""

    def concatenated(self) -> NDArray[np.float32]:
        """(segments of all videos,) in the order of names."""
        return np.concatenate(self.values)


def label_segments(
    files: RunFiles, features: FeatureSet, settings: LabelSettings, execution: Execution
) -> SegmentLabels:
    """Label every segment; kept where features and settings have not changed.

    Raises:
        CannotLabel: the features carry nothing to split by (models.coarse).
        BadFeatures: a feature file that cannot be used, by name.
    """
    if dropped := settings.dropped():
        logger.warning("labels: --method refined reads no %s; left out", ", ".join(dropped))
    settings = settings.resolved()
    asked = _asked(settings)
    wanted = fingerprint({**asked, "features": features.fingerprint()})
    before = _record(files)
    if not execution.overwrite and before.get("fingerprint") == wanted:
        logger.info("labels of these features and settings are there already")
        return load_labels(files, features)
    if before:
        cause = what_changed(before.get("settings", {}), asked) or "features"
        logger.info("labels: %s changed, labelling again", cause)
    made = make_labels(features, settings, quiet=execution.quiet)
    for note in made.notes:
        logger.warning("labels: %s", note)
    files.labels_record.unlink(missing_ok=True)
    save_table(files.video_labels, made.video_header, made.video_rows)
    save_evidence(evidence_path(files), made.evidence)
    save_table(files.segment_labels, LABELS_HEADER, _segment_rows(features, made))
    record: dict[str, Any] = {"settings": asked, "notes": list(made.notes)}
    save_json(files.labels_record, {**record, "fingerprint": wanted})
    positive = sum(float(labels.sum()) for labels in made.labels)
    total = sum(len(labels) for labels in made.labels)
    logger.info(
        "%d of %s and %.0f of %s are pseudo-anomalous",
        *(int(made.anomalous.sum()), counted(len(features.names), "video")),
        *(positive, counted(total, "segment")),
    )
    return load_labels(files, features)


def load_labels(files: RunFiles, features: FeatureSet) -> SegmentLabels:
    """Read labels.csv, as written or changed by hand, and join it to the features.

    Rows may stand in any order: they are joined by video and segment.

    Raises:
        BadLabels: a segment is missing, doubled or unknown to the features, or a label is no number
            in [0, 1].
        BadFile: no CSV table.
    """
    path = files.segment_labels
    if not path.exists():
        raise BadLabels(
            f"{path} does not exist; run `c2fpl label FEATURES -o {files.labels}` first"
        )
    by_video = _labels_by_segment(path)
    values = tuple(
        _whole(path, name, by_video.pop(name, {}), features.segment_count(name))
        for name in features.names
    )
    if by_video:
        logger.warning("%s: labels of videos without features: %s", path, named(by_video))
    read = {"labels": sha256(path.read_bytes()).hexdigest(), "features": features.fingerprint()}
    evidence = load_evidence(evidence_path(files))
    if evidence is not None:
        read["evidence"] = sha256(evidence_path(files).read_bytes()).hexdigest()
    return SegmentLabels(features.names, values, fingerprint(read), evidence)


def _labels_by_segment(path: Path) -> dict[str, dict[int, float]]:
    """Label by video and segment, in whatever order the rows stand."""
    by_video: dict[str, dict[int, float]] = {}
    for row in load_table(path, ("video", "segment", "label")):
        name, segment = row["video"], _segment(path, row["segment"])
        labels = by_video.setdefault(name, {})
        if segment in labels:
            raise BadLabels(f"{path}: segment {segment} of {name} stands twice; label again")
        labels[segment] = _label(path, row["label"])
    return by_video


def _whole(path: Path, name: str, labels: dict[int, float], count: int) -> NDArray[np.float32]:
    """The labels of segments 0, 1, ... count - 1."""
    missing = next((segment for segment in range(count) if segment not in labels), None)
    if len(labels) != count or missing is not None:
        lacks = "" if missing is None else f" and segment {missing} is missing"
        raise BadLabels(
            f"{path} has {len(labels)} segments of {name}, its features have {count}{lacks}; "
            "label again"
        )
    return np.array([labels[segment] for segment in range(count)], np.float32)


def _segment(path: Path, written: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", written, re.ASCII):
        raise BadLabels(f"{path}: segment {written[:40]!r} is no whole number; label again")
    return int(written)


def _label(path: Path, written: str) -> float:
    try:
        label = float(written)
    except ValueError:
        label = math.nan
    if not 0 <= label <= 1:
        raise BadLabels(f"{path}: label {written[:40]!r} is no number in [0, 1]; label again")
    return label


def _segment_rows(features: FeatureSet, made: MadeLabels) -> Iterator[tuple[object, ...]]:
    for name, labels, densities in zip(features.names, made.labels, made.densities, strict=True):
        plan = features.plan(name)
        for segment, (label, density) in enumerate(zip(labels, densities, strict=True)):
            start, end = plan.interval_of(segment) or ("", "")
            # nine digits tell every float32: what is read back is what was made
            yield name, segment, start, end, f"{label:.9g}", repr(float(density))


def _asked(settings: LabelSettings) -> dict[str, Any]:
    """What labels follow from beside the features; `refined` had other rules before version 3."""
    version = {"version": 3} if settings.method == "refined" else {}
    return {**asdict(settings), **version}


def _record(files: RunFiles) -> dict[str, Any]:
    """What was said of labels that are whole; empty where there are none."""
    return load_json(files.labels_record) if files.labels_record.exists() else {}


def evidence_path(files: RunFiles) -> Path:
    """Beside the labels."""
    return files.labels / "evidence.safetensors"


def save_evidence(path: Path, evidence: Evidence | None) -> None:
    """Write it; labels of another method have none, and an earlier file goes."""
    from safetensors.numpy import save

    if evidence is None:
        path.unlink(missing_ok=True)
        return
    with whole_file(path) as file:
        file.write(save(evidence.as_arrays()))


def load_evidence(path: Path) -> Evidence | None:
    """Read it; None where there is no file.

    Raises:
        BadLabels: a file that is something else.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if not path.exists():
        return None
    try:
        return Evidence.from_arrays(load(path.read_bytes()))
    except (SafetensorError, KeyError) as error:
        raise BadLabels(f"{path} is not what `c2fpl label` wrote; label again") from error
