"""Step 4: features + detector -> scores/<name>.npy, exactly one value a decoded frame."""

import logging
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadDetector, BadFeatures, BadFile
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.models.settings import ScoreOptions
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.files.outcomes import Failure, save_failures
from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.files.run_files import RunFiles, beside, load_table, save_array, save_table
from c2fpl.pipeline.files.run_files import fingerprint as fingerprint_of
from c2fpl.pipeline.files.saved_times import save_times, times_facts
from c2fpl.pipeline.files.words import counted
from c2fpl.pipeline.settings import Execution, ScoreSettings
from c2fpl.pipeline.steps.detector_files import UNKNOWN_BACKBONE
from c2fpl.pipeline.steps.score_index import INDEX_KEY, save_index, say_left_out
from c2fpl.pipeline.steps.segment_scores import segment_scores

if TYPE_CHECKING:
    from c2fpl.pipeline.steps.detector_files import SavedDetector

logger = logging.getLogger(__name__)
STEP = "score"


def score_videos(
    files: RunFiles,
    features: FeatureSet,
    saved: "SavedDetector",
    settings: ScoreSettings,
    execution: Execution,
) -> list[Failure]:
    """Score every video; scores of the same detector, features and options are kept.

    Other videos that the same detector scored into this folder with the same options stay in its
    index; those of another detector leave it.

    Raises:
        BadDetector: the detector reads features of another length or backbone.
    """
    check_fits(features, saved)
    before = _index(files.score_index)
    scored_by = fingerprint_of({"detector": saved.fingerprint, **_options_in_force(settings)})
    rows = {name: _index_row(features, name, scored_by) for name in features.names}
    others = {
        name: row
        for name, row in before.items()
        if name not in rows and row["detector"] == scored_by
    }
    again = before.keys() & rows.keys()
    same = {name for name in again if before[name]["fingerprint"] == rows[name]["fingerprint"]}
    if again - same:
        logger.info(
            "scores: detector, features or options changed, %s to be scored again",
            counted(len(again - same), "video"),
        )
    kept = set() if execution.overwrite else same
    _forget_others(files, before, kept | others.keys())
    failures: list[Failure] = []
    with progress("score", len(rows), "videos", quiet=execution.quiet) as shown:
        for name in features.names:
            try:
                _score_one(files, features, saved, settings, name, name in kept)
            except BadFeatures as error:
                failures.append(Failure(name, STEP, str(error)))
                del rows[name]
            shown.advance()
    save_index(files.scores, [*rows.values(), *others.values()])
    say_left_out(files.scores)
    save_failures(files, STEP, failures)
    return failures


def _options_in_force(settings: ScoreSettings) -> dict[str, float]:
    """Those that are not off: they alone change a score."""
    values = {field.name: getattr(settings, field.name) for field in fields(ScoreOptions)}
    return {name: value for name, value in values.items() if value != 0}


def _index_row(features: FeatureSet, name: str, scored_by: str) -> Mapping[str, object]:
    """What is kept of a video beside its scores, whose features may lie elsewhere."""
    record, times = features.records[name], features.times(name)
    made_from = {"detector": scored_by, "features": record["fingerprint"]}
    return {
        "video": name,
        "fingerprint": fingerprint_of(made_from),
        "detector": scored_by,
        "source": record.get("source", ""),
        "frame_rate": times.frame_rate,
        **times_facts(times),
        "fps": record["settings"].get("fps", "native"),
        "num_frames_lost": record.get("num_frames_lost", 0),
        "damage": record.get("damage", ""),
    }


def _forget_others(
    files: RunFiles, before: Mapping[str, Mapping[str, object]], kept: set[str]
) -> None:
    """Before a score is replaced: a run killed midway must not leave the old word for new bytes.

    Nor may a folder be without an index while the first scores come: all would count.
    """
    if before.keys() - kept or not files.score_index.exists():
        save_index(files.scores, [before[name] for name in kept])


def check_fits(features: FeatureSet, saved: "SavedDetector") -> None:
    """Refuse features that the detector was not made for.

    Raises:
        BadDetector: another length, or another backbone of the same length.
    """
    name = features.names[0]
    dim, backbone = features.shape(name)[2], str(features.records[name]["settings"]["backbone"])
    made_for = str(saved.extraction.get("backbone", backbone))
    if made_for == UNKNOWN_BACKBONE:
        _check_length(dim, backbone, saved.dim)
        return
    weights = features.records[name].get("weights_sha256")
    trained_with = saved.extraction.get("weights_sha256")
    if dim == saved.dim and backbone == made_for and weights != trained_with:
        raise BadDetector(
            f"the detector's features came from weights {trained_with}, these from {weights}; "
            "give the same file with --weights"
        )
    if dim != saved.dim or backbone != made_for:
        raise BadDetector(
            f"the detector reads {saved.dim} numbers a crop from {made_for}, these features have "
            f"{dim} from {backbone}; extract with --backbone {made_for} or train another detector"
        )


def _check_length(dim: int, backbone: str, wanted: int) -> None:
    """All that can be checked of a detector whose features someone else made."""
    if dim != wanted:
        raise BadDetector(
            f"the detector reads published features of length {wanted}, these have {dim}; give the "
            "features that it was made for"
        )
    if backbone != UNKNOWN_BACKBONE:
        logger.warning(
            "the detector was made on published features of length %d: whether those of %s are "
            "alike cannot be checked",
            *(dim, backbone),
        )


def score_table(
    scores: NDArray[np.float32], times: PresentationTimes
) -> list[tuple[int, str, str]]:
    """Rows frame, time_s, score of one video."""
    starts_s = times.start_s(np.arange(len(scores)))
    rows = enumerate(zip(starts_s, scores, strict=True))
    return [(frame, f"{start_s:.3f}", f"{score:.6f}") for frame, (start_s, score) in rows]


def _score_one(
    files: RunFiles,
    features: FeatureSet,
    saved: "SavedDetector",
    settings: ScoreSettings,
    name: str,
    known: bool,
) -> None:
    """Write the formats that are missing."""
    from c2fpl.models.detection.scores import finished

    path, table = (beside(files.scores, name, suffix) for suffix in (".npy", ".csv"))
    plan = features.plan(name)
    if not (known and path.exists()):
        joined = [saved.joined] if saved.joined is not None else []
        relative = saved.settings.detector_input == "relative"
        scores = segment_scores([saved.detector], joined, features, name, relative=relative)[0]
        table.unlink(missing_ok=True)  # of other scores; the index does not name the video now
        save_array(path, plan.to_frames(finished(scores, settings)))
    times = features.times(name)
    save_times(files.scores, name, times)
    if "csv" in settings.formats and not (known and table.exists()):
        scores = np.load(path, allow_pickle=False)
        rows = score_table(scores, times)
        save_table(table, ("frame", "time_s", "score"), rows)


def _index(path: Path) -> dict[str, dict[str, str]]:
    try:
        rows = load_table(path, INDEX_KEY) if path.exists() else []
    except BadFile:
        return {}
    return {row["video"]: row for row in rows}
