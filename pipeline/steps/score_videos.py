"""Step 4: features and detector to scores/<name>.npy, exactly one value per decoded frame."""

import logging
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures, BadFile
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.models.settings import ScoreOptions
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.files.outcomes import Failure, save_failures
from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.files.run_files import RunFiles, beside, load_table, save_array, save_table
from c2fpl.pipeline.files.run_files import fingerprint as fingerprint_of
from c2fpl.pipeline.files.saved_times import save_times, times_facts
from c2fpl.pipeline.files.wording import counted
from c2fpl.pipeline.settings import Execution, ScoreSettings
from c2fpl.pipeline.steps.score_index import INDEX_HEADER, save_index, warn_of_left_out
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
    *,
    keep_failures: bool = False,
) -> list[Failure]:
    """Score every video, or keep scores of the same detector, features and options.

    The index keeps other videos in this folder that were scored by the same detector with the same
    options, and drops those of other detectors. `keep_failures` is for a few of many videos: it
    keeps the failures of the others in failed.csv and does not search the folder for their scores.

    Raises:
        BadDetector: the detector needs features of another dimension or backbone.
    """
    _check_fits(saved, features)
    before = _index(files.score_index)
    scored_by = fingerprint_of({"detector": saved.fingerprint, **_options_in_force(settings)})
    rows = {name: _index_row(features, name, scored_by) for name in features.names}
    others = {n: row for n, row in before.items() if n not in rows and row["detector"] == scored_by}
    same = _unchanged(before, rows)
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
    if not keep_failures:
        warn_of_left_out(files.scores)
    save_failures(files, STEP, failures, of=features.names if keep_failures else None)
    return failures


def _check_fits(saved: "SavedDetector", features: FeatureSet) -> None:
    """Refuse features of another dimension, backbone or weights than those of the detector."""
    first = features.names[0]
    made_from = features.records[first]
    backbone, weights = made_from["settings"]["backbone"], made_from.get("weights_sha256")
    saved.check_fits(features.shape(first)[2], backbone, weights)


def _unchanged(
    before: Mapping[str, Mapping[str, str]], rows: Mapping[str, Mapping[str, object]]
) -> set[str]:
    """Videos that were scored by the same detector on the same features with the same options."""
    again = before.keys() & rows.keys()
    same = {name for name in again if before[name]["fingerprint"] == rows[name]["fingerprint"]}
    if again - same:
        logger.info(
            "scores: detector, features or options changed, %s to be scored again",
            counted(len(again - same), "video"),
        )
    return same


def _options_in_force(settings: ScoreSettings) -> dict[str, float]:
    """Options that are not off; only these change a score."""
    values = {field.name: getattr(settings, field.name) for field in fields(ScoreOptions)}
    return {name: value for name, value in values.items() if value != 0}


def _index_row(features: FeatureSet, name: str, scored_by: str) -> Mapping[str, object]:
    """Facts about a video that are saved with its scores, because features may be elsewhere."""
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
        "width_pixels": record.get("width_pixels", ""),
        "height_pixels": record.get("height_pixels", ""),
        "num_frames_lost": record.get("num_frames_lost", 0),
        "damage": record.get("damage", ""),
    }


def _forget_others(
    files: RunFiles, before: Mapping[str, Mapping[str, object]], kept: set[str]
) -> None:
    """Remove other videos from the index before any score is replaced.

    If the run is killed, the index must not list old fingerprints for new scores. A new folder gets
    an empty index, because without one all score files would count.
    """
    if before.keys() - kept or not files.score_index.exists():
        save_index(files.scores, [before[name] for name in kept])


def score_table(
    scores: NDArray[np.float32], times: PresentationTimes
) -> list[tuple[int, str, str]]:
    """(frame, time_s, score) rows of one video."""
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
    """Write the missing formats of one video."""
    from c2fpl.models.detection.scores import finished

    path, table = (beside(files.scores, name, suffix) for suffix in (".npy", ".csv"))
    plan = features.plan(name)
    if not (known and path.exists()):
        joined = [saved.joined] if saved.joined is not None else []
        relative = saved.settings.detector_input == "relative"
        scores = segment_scores([saved.detector], joined, features, name, relative=relative)[0]
        table.unlink(missing_ok=True)  # of older scores; the index no longer lists the video
        save_array(path, plan.to_frames(finished(scores, settings)))
    times = features.times(name)
    save_times(files.scores, name, times)
    if "csv" in settings.formats and not (known and table.exists()):
        scores = np.load(path, allow_pickle=False)
        rows = score_table(scores, times)
        save_table(table, ("frame", "time_s", "score"), rows)


def _index(path: Path) -> dict[str, dict[str, str]]:
    try:
        rows = load_table(path, INDEX_HEADER) if path.exists() else []
    except BadFile:
        return {}
    return {row["video"]: row for row in rows}
