"""Step 2: features to labels/labels.csv and videos.csv, redone when anything has changed."""

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
from c2fpl.pipeline.files.wording import counted, what_changed
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.steps.make_labels import MadeLabels, make_labels
from c2fpl.pipeline.videos.names import named

logger = logging.getLogger(__name__)

LABELS_HEADER = ("video", "segment", "start_frame", "end_frame", "label", "density")


@dataclass(frozen=True, eq=False)
class SegmentLabels:
    """Labels of every segment of every video."""

    names: tuple[str, ...]
    """Videos, in the order of the features."""
    values: tuple[NDArray[np.float32], ...]
    """(segments,) per video, in [0, 1]."""
    fingerprint: str
    """Fingerprint of the labels, the evidence and the features."""
    evidence: Evidence | None = None
    """Evidence of `refined`, which scores are joined with; None for other methods."""
    answered: tuple[NDArray[np.bool_], ...] | None = None
    """(segments,) per video: whether the label is a person's answer; None without feedback."""

    def concatenated(self) -> NDArray[np.float32]:
        """(segments of all videos,) in the order of `names`."""
        return np.concatenate(self.values)


def update_labels(
    files: RunFiles, features: FeatureSet, settings: LabelSettings, execution: Execution
) -> SegmentLabels:
    """Label every segment, or keep the labels if features and settings have not changed.

    Raises:
        CannotLabel: the videos cannot be split or compared.
        BadFeatures: a feature file cannot be used; the message names it.
    """
    if dropped := settings.dropped():
        logger.warning("labels: --method refined ignores: %s", ", ".join(dropped))
    settings = settings.resolved()
    asked = asdict(settings)
    wanted = fingerprint({**asked, "features": features.fingerprint()})
    before = _record(files)
    if not execution.overwrite and before.get("fingerprint") == wanted:
        logger.info("labels of these features and settings exist already")
        _log_confidence(files)
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
    if made.confidence is not None:
        record["confidence"] = made.confidence.as_json()
    save_json(files.labels_record, {**record, "fingerprint": wanted})
    _log_confidence(files)
    _log_counts(made)
    return load_labels(files, features)


def _log_counts(made: MadeLabels) -> None:
    logger.info(
        "%d of %s and %.0f of %s are pseudo-anomalous: the detector learns from them; "
        "its scores decide what becomes an event",
        int(made.anomalous.sum()),
        counted(len(made.labels), "video"),
        sum(float(labels.sum()) for labels in made.labels),
        counted(sum(len(labels) for labels in made.labels), "segment"),
    )


def confidence_of(files: RunFiles) -> dict[str, Any] | None:
    """The confidence that `update_labels` recorded; None if the method has none."""
    found = _record(files).get("confidence")
    return found if isinstance(found, dict) else None


def _log_confidence(files: RunFiles) -> None:
    if found := confidence_of(files):
        weak = found.get("level") == "weak"
        logger.log(logging.WARNING if weak else logging.INFO, "%s", found.get("line"))


def load_labels(files: RunFiles, features: FeatureSet) -> SegmentLabels:
    """Read labels.csv, which may be edited by hand, and match it to the features.

    Rows may be in any order: they are matched by video and segment.

    Raises:
        BadLabels: a segment is missing, repeated or not in the features, or a label is not a
            number in [0, 1].
        BadFile: the file is not a CSV table.
    """
    path = files.segment_labels
    if not path.exists():
        raise BadLabels(
            f"{path} does not exist; run `c2fpl label FEATURES -o {files.labels}` first"
        )
    by_video = _labels_by_segment(path)
    values = tuple(
        _complete(path, name, by_video.pop(name, {}), features.segment_count(name))
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
    """Labels by video and segment; rows may be in any order."""
    by_video: dict[str, dict[int, float]] = {}
    for row in load_table(path, ("video", "segment", "label")):
        name, segment = row["video"], _segment(path, row["segment"])
        labels = by_video.setdefault(name, {})
        if segment in labels:
            raise BadLabels(f"{path}: segment {segment} of {name} appears twice; label again")
        labels[segment] = _label(path, row["label"])
    return by_video


def _complete(path: Path, name: str, labels: dict[int, float], count: int) -> NDArray[np.float32]:
    """(count,) labels of one video, checked to be complete."""
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
        raise BadLabels(f"{path}: segment {written[:40]!r} is not a whole number; label again")
    return int(written)


def _label(path: Path, written: str) -> float:
    try:
        label = float(written)
    except ValueError:
        label = math.nan
    if not 0 <= label <= 1:
        raise BadLabels(f"{path}: label {written[:40]!r} is not a number in [0, 1]; label again")
    return label


def _segment_rows(features: FeatureSet, made: MadeLabels) -> Iterator[tuple[object, ...]]:
    for name, labels, densities in zip(features.names, made.labels, made.densities, strict=True):
        plan = features.plan(name)
        for segment, (label, density) in enumerate(zip(labels, densities, strict=True)):
            start, end = plan.interval_of(segment) or ("", "")
            # nine digits identify every float32
            yield name, segment, start, end, f"{label:.9g}", repr(float(density))


def _record(files: RunFiles) -> dict[str, Any]:
    """Record of complete labels; empty if there are none."""
    return load_json(files.labels_record) if files.labels_record.exists() else {}


def evidence_path(files: RunFiles) -> Path:
    """Path of the evidence, in the folder of labels."""
    return files.labels / "evidence.safetensors"


def save_evidence(path: Path, evidence: Evidence | None) -> None:
    """Write the evidence; None removes an earlier file."""
    from safetensors.numpy import save

    if evidence is None:
        path.unlink(missing_ok=True)
        return
    with whole_file(path) as file:
        file.write(save(evidence.as_arrays()))


def load_evidence(path: Path) -> Evidence | None:
    """Read the evidence; None if there is no file.

    Raises:
        BadLabels: the file was not written by `c2fpl label`.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if not path.exists():
        return None
    try:
        return Evidence.from_arrays(load(path.read_bytes()))
    except (SafetensorError, KeyError) as error:
        raise BadLabels(
            f"{path} was not written by this version of `c2fpl label`; label again"
        ) from error
