"""Step 4: features + detector -> scores/<name>.npy, exactly one value a decoded frame."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from c2fpl.models.settings import ScoreOptions
from c2fpl.pipeline.feature_source import FeatureSet
from c2fpl.pipeline.files import NotATable, RunFiles, beside, load_table, save_array, save_table
from c2fpl.pipeline.files import fingerprint as fingerprint_of
from c2fpl.pipeline.outcomes import Failure, save_failures
from c2fpl.pipeline.own_features import BadFeatures
from c2fpl.pipeline.progress import progress
from c2fpl.pipeline.settings import Execution, ScoreSettings

if TYPE_CHECKING:
    from c2fpl.pipeline.train_detector import SavedDetector

logger = logging.getLogger(__name__)
STEP = "score"
INDEX_HEADER = ("video", "fingerprint", "source", "frame_rate", "num_frames_lost", "damage")


class WrongDetector(ValueError):
    """A detector made for other features."""


def score_videos(
    files: RunFiles,
    features: FeatureSet,
    saved: "SavedDetector",
    settings: ScoreSettings,
    execution: Execution,
) -> list[Failure]:
    """Score every video; scores of the same detector, features and options are kept.

    Raises:
        WrongDetector: the detector reads features of another length or backbone.
    """
    check_fits(features, saved)
    index_path = files.score_index
    before = _index(index_path)
    options = _options_in_force(settings)
    wanted = {name: _made_by(features, saved, options, name) for name in features.names}
    same = {name for name in before.keys() & wanted if before[name][1] == wanted[name]}
    if before.keys() - same:
        replaced = len(before.keys() - same)
        logger.info(
            "scores: detector, features or options changed, %d videos are scored again", replaced
        )
    kept = set() if execution.overwrite else same
    _forget_others(index_path, before, kept)
    failures: list[Failure] = []
    rows: list[Sequence[object]] = []
    with progress("score", len(features.names), "videos", quiet=execution.quiet) as shown:
        for name in features.names:
            try:
                _score_one(files, features, saved, settings, name, name in kept)
                rows.append(_index_row(features, name, wanted[name]))
            except BadFeatures as error:
                failures.append(Failure(name, STEP, str(error)))
            shown.advance()
    save_table(index_path, INDEX_HEADER, rows)
    save_failures(files, STEP, failures)
    return failures


def _made_by(
    features: FeatureSet, saved: "SavedDetector", options: Mapping[str, float], name: str
) -> str:
    of_features = features.records[name]["fingerprint"]
    return fingerprint_of({"detector": saved.fingerprint, "features": of_features, **options})


def _options_in_force(settings: ScoreSettings) -> dict[str, float]:
    """Those that are not off: they alone change a score."""
    values = {field.name: getattr(settings, field.name) for field in fields(ScoreOptions)}
    return {name: value for name, value in values.items() if value != 0}


def _index_row(features: FeatureSet, name: str, made_by: str) -> Sequence[object]:
    """What is kept of a video beside its scores, whose features may lie elsewhere."""
    record = features.records[name]
    loss = record.get("num_frames_lost", 0), record.get("damage", "")
    return name, made_by, record.get("source", ""), features.frame_rate(name), *loss


def _forget_others(index_path: Path, before: Mapping[str, Sequence[str]], kept: set[str]) -> None:
    """Before a score is replaced: a run killed midway must not leave the old word for new bytes."""
    if before.keys() - kept:
        save_table(index_path, INDEX_HEADER, [before[name] for name in sorted(kept)])


def check_fits(features: FeatureSet, saved: "SavedDetector") -> None:
    """Refuse features that the detector was not made for.

    Raises:
        WrongDetector: another length, or another backbone of the same length.
    """
    name = features.names[0]
    dim, backbone = features.shape(name)[2], str(features.records[name]["settings"]["backbone"])
    made_for = str(saved.extraction.get("backbone", backbone))
    weights = features.records[name].get("weights_sha256")
    trained_with = saved.extraction.get("weights_sha256")
    if dim == saved.dim and backbone == made_for and weights != trained_with:
        raise WrongDetector(
            f"the detector's features came from weights {trained_with}, these from {weights}; "
            "give the same file with --weights"
        )
    if dim != saved.dim or backbone != made_for:
        raise WrongDetector(
            f"the detector reads {saved.dim} numbers a crop from {made_for}, these features have "
            f"{dim} from {backbone}; extract with --backbone {made_for} or train another detector"
        )


def score_table(scores: NDArray[np.float32], frame_rate: float) -> list[tuple[int, str, str]]:
    """Rows frame, time_s, score of one video."""
    return [
        (frame, f"{frame / frame_rate:.3f}", f"{score:.6f}") for frame, score in enumerate(scores)
    ]


def _score_one(
    files: RunFiles,
    features: FeatureSet,
    saved: "SavedDetector",
    settings: ScoreSettings,
    name: str,
    known: bool,
) -> None:
    """Write the formats that are missing."""
    from c2fpl.models.detector import chunk_scores
    from c2fpl.models.score_options import finished

    path = beside(files.scores, name, ".npy")
    plan = features.plan(name)
    if not (known and path.exists()):
        chunks = features.chunks(name)
        scores = chunk_scores([saved.detector], chunks, features.segment_count(name))[0]
        save_array(path, plan.to_frames(finished(scores, settings)))
    table = beside(files.scores, name, ".csv")
    if "csv" in settings.formats and not (known and table.exists()):
        scores = np.load(path, allow_pickle=False)
        rows = score_table(scores, features.frame_rate(name))
        save_table(table, ("frame", "time_s", "score"), rows)


def _index(path: Path) -> dict[str, Sequence[str]]:
    try:
        rows = load_table(path, INDEX_HEADER) if path.exists() else []
    except NotATable:
        return {}
    return {row["video"]: [row[column] for column in INDEX_HEADER] for row in rows}
