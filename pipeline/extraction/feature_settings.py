"""Everything that determines the content of a feature file, and its fingerprint."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings, Precision
from c2fpl.field_checks import check_fields
from c2fpl.pipeline.extraction.freshness import source_facts
from c2fpl.pipeline.files.run_files import fingerprint


@dataclass(frozen=True)
class FeatureSettings:
    """All settings that determine the content of a feature file."""

    extraction: ExtractionSettings
    decoding: DecodingSettings
    auto_precision: Precision = "auto"
    """Precision that `auto` means in this run; auto leaves it to the device."""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def precision(self) -> Precision:
        """Precision of the features."""
        asked = self.extraction.precision
        return self.auto_precision if asked == "auto" else asked

    def fingerprint(self, video: Path, weights_sha256: str | None) -> str:
        """Fingerprint of features: settings, resolved precision, weights, the video's digest."""
        facts = {"precision": self.precision, "weights": weights_sha256}
        return fingerprint({**self.as_json(), **facts, **source_facts(video)})

    def as_json(self) -> dict[str, Any]:
        """All settings except the path of the weights, which are identified by their SHA-256."""
        return {**asdict(replace(self.extraction, weights=None)), **asdict(self.decoding)}
