"""Step 3: features and labels to detector.pt, which includes its settings."""

import logging
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from c2fpl.models.settings import TrainingSettings
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.files.run_files import fingerprint
from c2fpl.pipeline.files.words import what_changed
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.steps.detector_files import SavedDetector, load_detector, save_detector
from c2fpl.pipeline.steps.label_segments import SegmentLabels
from c2fpl.pipeline.steps.segment_scores import is_relative, joined_with, training_source
from c2fpl.pipeline.steps.tensorboard import scalars

if TYPE_CHECKING:
    from c2fpl.models.detection.training import Epoch

logger = logging.getLogger(__name__)


def train_detector(
    path: Path,
    features: FeatureSet,
    labels: SegmentLabels,
    settings: TrainingSettings,
    execution: Execution,
    *,
    tensorboard: Path | None = None,
) -> SavedDetector:
    """Train on all labelled segments, or keep the detector if labels and settings are the same.

    Raises:
        MissingDevice: the requested device does not exist.
        MissingPackage: `tensorboard` is given, but the package is not installed.
    """
    from c2fpl.models.detection.training import train
    from c2fpl.pipeline.extraction.devices import resolve_device

    relative = is_relative(settings, labels.evidence)
    settings = replace(settings, detector_input="relative" if relative else "absolute")
    wanted = fingerprint({**asdict(settings), "labels": labels.fingerprint})
    if not execution.overwrite and path.exists():
        saved = load_detector(path)
        if saved.fingerprint == wanted:
            logger.info("%s was trained on these labels with these settings already", path)
            return saved
        cause = what_changed(asdict(saved.settings), asdict(settings)) or "labels"
        logger.info("detector: %s changed, training again", cause)
    device = resolve_device(execution.devices[0])
    source = training_source(features, relative=relative)
    with (
        scalars(tensorboard) as write_scalars,
        progress("train", settings.epochs, "epochs", quiet=execution.quiet) as shown,
    ):

        def after_epoch(epoch: "Epoch") -> None:
            logger.debug("epoch %d: loss %.5f", epoch.number, epoch.loss)
            write_scalars(epoch)
            shown.advance()

        detector = train(
            source, labels.concatenated(), settings, device=device, after_epoch=after_epoch
        )
    made_by = features.records[features.names[0]]
    extraction = {**made_by["settings"], "weights_sha256": made_by["weights_sha256"]}
    joined = None
    if labels.evidence is not None:
        (joined,) = joined_with(labels.evidence, [detector.eval()], features, relative=relative)
    saved = SavedDetector(detector.cpu().eval(), source.dim, settings, extraction, wanted, joined)
    save_detector(path, saved)
    return saved
