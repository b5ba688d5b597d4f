"""Extracts features of new videos with the settings of a detector."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar, get_args

from c2fpl.errors import BadDetector
from c2fpl.extractors.settings import BackboneName, DecodingSettings, ExtractionSettings
from c2fpl.pipeline.extraction.extract_features import extract_features
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.features.extracted import ExtractedFeatures
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.features.published import features_in, holds_features
from c2fpl.pipeline.files.outcomes import Failure
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.settings import Execution, ReadingSettings
from c2fpl.pipeline.steps.detector_files import SavedDetector
from c2fpl.pipeline.videos.find import holds_videos, videos_for

Settings = TypeVar("Settings", ExtractionSettings, DecodingSettings)


def features_for(
    saved: SavedDetector,
    source: str,
    files: RunFiles,
    weights: Path | None,
    reading: ReadingSettings,
    execution: Execution,
) -> tuple[FeatureSet, list[Failure]]:
    """Open a folder of features, or extract videos with the settings of a detector.

    A folder with videos counts as a folder of videos, whatever arrays it also contains.

    Args:
        saved: the detector.
        source: features, or videos as for `videos_for`.
        files: run that extracted features are written to.
        weights: weights of the backbone; None for the official ones, or for a backbone without any.
        reading: how published features are read.
        execution: device, workers, resume.

    Returns:
        The features, and the videos whose extraction failed.

    Raises:
        BadDetector: `source` has videos, but the detector was trained on published features.
    """
    place = Path(source)
    if place.exists() and not (place.is_dir() and holds_videos(place)) and holds_features(place):
        return features_in(place, reading), []
    settings = extraction_of(saved, weights, source)
    videos = videos_for(files, source)
    report = extract_features(files, videos, settings, execution)
    return ExtractedFeatures(files.features, report.ready), list(report.failures)


def extraction_of(saved: SavedDetector, weights: Path | None, source: str) -> FeatureSettings:
    """Extraction settings of the features of a detector.

    Raises:
        BadDetector: it was trained on published features.
    """
    if saved.extraction.get("backbone") not in get_args(BackboneName):
        raise BadDetector(
            "the detector was trained on published features, whose network is unknown; give "
            f"a folder of such features instead of {source}"
        )
    extraction = replace(_settings_from(ExtractionSettings, saved.extraction), weights=weights)
    return FeatureSettings(extraction, _settings_from(DecodingSettings, saved.extraction))


def _settings_from(kind: type[Settings], saved: dict[str, Any]) -> Settings:
    return kind(**{field.name: saved[field.name] for field in fields(kind) if field.name in saved})
