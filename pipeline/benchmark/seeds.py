"""Train one seed of a variant, score the test segments after its epochs and compute metrics.

Scores and metrics are cached separately, each with a fingerprint of its inputs. New annotations or
another protocol only recompute the metrics; new labels or settings train again. An interrupted seed
restarts from its first epoch and gives the same numbers.
"""

import logging
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadFile
from c2fpl.models.labels.evidence import Evidence
from c2fpl.models.settings import TrainingSettings
from c2fpl.pipeline.benchmark.benchmark_data import BenchmarkData
from c2fpl.pipeline.benchmark.labels import BenchmarkLabels
from c2fpl.pipeline.benchmark.plan import BenchmarkFiles, BenchmarkPlan
from c2fpl.pipeline.benchmark.truth import TestSegments
from c2fpl.pipeline.benchmark.variants import Variant
from c2fpl.pipeline.evaluation.intervals import bootstrapped
from c2fpl.pipeline.evaluation.metrics import Metrics, measure
from c2fpl.pipeline.evaluation.yardsticks import FRAME_RATES, Yardsticks, measure_yardsticks
from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.files.run_files import fingerprint, load_json, save_array, save_json
from c2fpl.pipeline.steps.segment_scores import (
    is_relative,
    joined_with,
    segment_scores,
    training_source,
)
from c2fpl.pipeline.steps.update_labels import SegmentLabels
from c2fpl.pipeline.truth.frame_runs import VideoRuns, pooled

if TYPE_CHECKING:
    from c2fpl.models.detection.detector import Detector
    from c2fpl.models.detection.feeding import ResidentFeeder, StreamedFeeder
    from c2fpl.models.detection.training import Epoch

logger = logging.getLogger(__name__)

YARDSTICKS = tuple(field.name for field in fields(Yardsticks))
"""Metrics that do not reward a score for knowing the length of a video."""
METRICS = ("auc", "ap", "ap_trapezoid", "auc_anomalous", "far", *YARDSTICKS)
"""Metrics of every seed, fractions in [0, 1]."""
REPLICATES = 200
"""Bootstrap draws of test videos per seed; the 95 % interval pools those of all seeds."""


@dataclass(frozen=True)
class SeedRunner:
    """Trains and evaluates single seeds, or loads their cached results."""

    plan: BenchmarkPlan
    files: BenchmarkFiles
    data: BenchmarkData
    labels: BenchmarkLabels
    truth: TestSegments
    _feeders: "dict[bool, StreamedFeeder | ResidentFeeder]" = field(default_factory=dict)
    """Training segments, relative or not, kept for all seeds."""

    def run(self, variant: Variant, seed: int) -> dict[str, Any]:
        """Metrics of the last epoch, with `curve`, `best_epoch`, `bootstrap` and `notes`."""
        epochs, scores, made_by = self._scores(variant, seed)
        wanted = fingerprint(
            {"scores": made_by, "epochs": epochs, "truth": self.truth.fingerprint()}
        )
        path = self.files.seed(variant.key, seed)
        if (known := _known(path, wanted)) is not None and not self.plan.execution.overwrite:
            return known
        measured = self._measured(epochs, scores, seed)
        save_json(path, {**measured, "fingerprint": wanted})
        return measured

    def last_scores(self, variant: Variant, seed: int) -> NDArray[np.float32]:
        """Scores after the last epoch of a finished seed, (segments of all test videos,)."""
        scores = np.load(self.files.scores(variant.key, seed), allow_pickle=False)[-1]
        return cast("NDArray[np.float32]", scores)

    def _measured(
        self, epochs: list[int], scores: NDArray[np.float32], seed: int
    ) -> dict[str, Any]:
        """Results of one seed from scores, float32 (epochs, segments of all test videos)."""
        last = self.truth.runs(scores[-1])
        metrics = measure(last, bootstrap_replicates=0)
        curve = [self.truth.auc(row) for row in scores[:-1]] + [metrics.auc]
        return {
            **self._row(seed, epochs[-1], last, metrics),
            "curve": {"epochs": epochs, "auc": curve},
            "best_epoch": self._best(seed, epochs, scores, curve),
            "bootstrap": _bootstrap(last, seed),
            "notes": list(metrics.notes),
        }

    def _best(
        self,
        seed: int,
        epochs: list[int],
        scores: NDArray[np.float32],
        curve: list[float | None],
    ) -> dict[str, Any] | None:
        """Metrics of the epoch with the best test AUC; None if it is undefined or trivial.

        `scores` is float32 (epochs, segments of all test videos).
        """
        known = [value for value in curve if value is not None]
        if len(known) < len(curve) or len(curve) < 2:
            return None
        best = int(np.argmax(known))
        videos = self.truth.runs(scores[best])
        return self._row(seed, epochs[best], videos, measure(videos, bootstrap_replicates=0))

    def _row(
        self, seed: int, epoch: int, videos: list[VideoRuns], metrics: Metrics
    ) -> dict[str, Any]:
        """One entry of `seeds` in results.json."""
        yardsticks = measure_yardsticks(videos, FRAME_RATES[self.plan.dataset])
        values = {**vars(metrics), **vars(yardsticks)}
        return {"seed": seed, **{name: values[name] for name in METRICS}, "epoch": epoch}

    def _scores(self, variant: Variant, seed: int) -> tuple[list[int], NDArray[np.float32], str]:
        """Epochs, scores (epochs, segments of all test videos), and the fingerprint of both."""
        labels = None if variant.labels == "p-values" else self.labels.of(variant, seed)
        settings = variant.trained_with(seed)
        wanted = self._fingerprint(variant, settings, labels)
        path = self.files.scores(variant.key, seed)
        record = path.with_suffix(".json")
        known = None if self.plan.execution.overwrite else _known(record, wanted)
        complete = not self.plan.curve or (known and len(known["epochs"]) == settings.epochs)
        if known is not None and (complete or labels is None):
            return known["epochs"], np.load(path, allow_pickle=False), wanted
        if labels is None:
            epochs, scores = [0], self._p_values(variant)[np.newaxis]
        else:
            epochs, scores = self._trained(variant, settings, labels)
        record.unlink(missing_ok=True)
        save_array(path, scores)
        save_json(record, {"epochs": epochs, "fingerprint": wanted})
        return epochs, scores, wanted

    def _fingerprint(
        self, variant: Variant, settings: TrainingSettings, labels: SegmentLabels | None
    ) -> str:
        made_by = labels.fingerprint if labels else self.labels.fingerprint(variant)
        trained = asdict(settings) if labels else {}
        return fingerprint(
            {
                "labels": made_by,
                "training": trained,
                "test": self.data.test.fingerprint(),
                "order": list(self.truth.own_names),
            }
        )

    def _p_values(self, variant: Variant) -> NDArray[np.float32]:
        """1 - p of all test segments, float32 (segments,) in list order."""
        scores = self.labels.p_value_scores(variant, self.data.test)
        return np.concatenate([scores[own] for own in self.truth.own_names.values()])

    def _feeder(self, relative: bool) -> "StreamedFeeder | ResidentFeeder":
        """Feeds training segments; loads them to a GPU with enough memory once for all seeds."""
        from c2fpl.extractors.devices import resolve_device
        from c2fpl.models.detection.feeding import feeder_for

        if relative not in self._feeders:
            source = training_source(self.data.train, relative=relative)
            device = resolve_device(self.plan.execution.devices[0])
            self._feeders[relative] = feeder_for(source, device)
        return self._feeders[relative]

    def _trained(
        self, variant: Variant, settings: TrainingSettings, labels: SegmentLabels
    ) -> tuple[list[int], NDArray[np.float32]]:
        """Epochs, and scores float32 (epochs, segments of all test videos)."""
        from c2fpl.extractors.devices import resolve_device
        from c2fpl.models.detection.detector import Detector
        from c2fpl.models.detection.training import train

        execution = self.plan.execution
        device = resolve_device(execution.devices[0])
        relative = is_relative(settings, labels.evidence)
        feeder = self._feeder(relative)
        kept: dict[int, Detector] = {}
        title = f"{variant.key}, seed {settings.seed}"
        with progress(title, settings.epochs, "epochs", quiet=execution.quiet) as shown:

            def after_epoch(epoch: "Epoch") -> None:
                if self.plan.curve or epoch.number == settings.epochs:
                    copy = Detector(feeder.dim, settings)
                    copy.load_state_dict(epoch.detector.state_dict())
                    kept[epoch.number] = copy.to(device).eval()
                shown.advance()

            train(feeder, labels.concatenated(), settings, device=device, after_epoch=after_epoch)
        return list(kept), self._scored(list(kept.values()), labels.evidence, relative)

    def _scored(
        self, detectors: list["Detector"], evidence: Evidence | None, relative: bool
    ) -> NDArray[np.float32]:
        """Score with all detectors in one pass over the test features: (detectors, segments)."""
        joined = []
        if evidence is not None:
            joined = joined_with(evidence, detectors, self.data.train, relative=relative)
        rows = [
            segment_scores(detectors, joined, self.data.test, own, relative=relative)
            for own in self.truth.own_names.values()
        ]
        return np.concatenate(rows, axis=1)


def _bootstrap(videos: list[VideoRuns], seed: int) -> dict[str, list[float]]:
    """AUC and AP of test sets bootstrapped from the videos."""
    auc, ap = bootstrapped(pooled(videos), len(videos), REPLICATES, seed).tolist()
    return {"auc": auc, "ap": ap}


def _known(path: Path, wanted: str) -> dict[str, Any] | None:
    """The cached record, if its fingerprint matches."""
    try:
        found = load_json(path) if path.exists() else {}
    except BadFile:
        return None
    if found.pop("fingerprint", None) != wanted:
        return None
    return found
