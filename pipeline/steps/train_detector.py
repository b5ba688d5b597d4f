"""Step 3: features and labels to detector.pt, which includes its settings."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import MissingPackage, OtherVersion
from c2fpl.models.repeated import RepeatedSource, repeats
from c2fpl.models.settings import TrainingSettings
from c2fpl.models.sources import SegmentSource
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.files.run_files import fingerprint
from c2fpl.pipeline.files.wording import what_changed
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.steps.detector_files import SavedDetector, load_detector, save_detector
from c2fpl.pipeline.steps.segment_scores import is_relative, joined_with, training_source
from c2fpl.pipeline.steps.update_labels import SegmentLabels

if TYPE_CHECKING:
    from c2fpl.models.detection.training import Epoch

logger = logging.getLogger(__name__)

ANSWERED_SHARE = 0.25
"""Share of an epoch's segments with a person's answer: a few answers outweigh many labels."""


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
    from c2fpl.extractors.devices import resolve_device
    from c2fpl.models.detection.training import train

    relative = is_relative(settings, labels.evidence)
    settings = replace(settings, detector_input="relative" if relative else "absolute")
    wanted = fingerprint({**asdict(settings), "labels": labels.fingerprint})
    if not execution.overwrite and (kept := _kept(path, settings, wanted)):
        return kept
    device = resolve_device(execution.devices[0])
    source = training_source(features, relative=relative)
    with _shown(settings.epochs, execution, tensorboard) as after_epoch:
        read_from, targets = with_repeats(source, labels)
        detector = train(read_from, targets, settings, device=device, after_epoch=after_epoch)
    joined = None
    if labels.evidence is not None:
        (joined,) = joined_with(labels.evidence, [detector.eval()], features, relative=relative)
    made_from = _extraction_of(features)
    saved = SavedDetector(detector.cpu().eval(), source.dim, settings, made_from, wanted, joined)
    save_detector(path, saved)
    return saved


def with_repeats(
    source: SegmentSource, labels: SegmentLabels
) -> tuple[SegmentSource, NDArray[np.float32]]:
    """Segments and labels (segments,) to train on; those with an answer are repeated."""
    targets = labels.concatenated()
    if labels.answered is None:
        return source, targets
    repeated = RepeatedSource(source, repeats(np.concatenate(labels.answered), ANSWERED_SHARE))
    return repeated, targets[repeated.numbers]


@contextmanager
def _shown(
    epochs: int, execution: Execution, tensorboard: Path | None
) -> Iterator[Callable[["Epoch"], None]]:
    """Show progress and write the losses; gives the function to call after each epoch."""
    with (
        _scalars(tensorboard) as write_scalars,
        progress("train", epochs, "epochs", quiet=execution.quiet) as shown,
    ):

        def after_epoch(epoch: "Epoch") -> None:
            logger.debug("epoch %d: loss %.5f", epoch.number, epoch.loss)
            write_scalars(epoch)
            shown.advance()

        yield after_epoch


@contextmanager
def _scalars(folder: Path | None) -> Iterator[Callable[["Epoch"], None]]:
    """Yield a function that writes loss, learning rate and seconds of an epoch to `folder`.

    With None it does nothing.

    Raises:
        MissingPackage: the extra [tensorboard] is not installed.
    """
    if folder is None:
        yield lambda epoch: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingPackage(
            "--tensorboard needs the package tensorboard; pip install 'c2fpl[tensorboard]', "
            "or omit the option"
        ) from error
    for earlier in folder.glob("events.out.tfevents.*"):
        earlier.unlink()  # TensorBoard would draw two trainings in one folder as one line
    with SummaryWriter(folder) as writer:

        def write(epoch: "Epoch") -> None:
            writer.add_scalar("train/loss", epoch.loss, epoch.number)
            writer.add_scalar("train/learning_rate", epoch.learning_rate, epoch.number)
            writer.add_scalar("train/seconds", epoch.seconds, epoch.number)

        yield write


def _kept(path: Path, settings: TrainingSettings, wanted: str) -> SavedDetector | None:
    """The detector at this path, if it has the wanted fingerprint."""
    if not path.exists():
        return None
    try:
        saved = load_detector(path)
    except OtherVersion:
        logger.info("detector: version changed, training again")
        return None
    if saved.fingerprint == wanted:
        logger.info("%s was trained on these labels with these settings already", path)
        return saved
    cause = what_changed(asdict(saved.settings), asdict(settings)) or "labels"
    logger.info("detector: %s changed, training again", cause)
    return None


def _extraction_of(features: FeatureSet) -> dict[str, Any]:
    """How the features were made, so that new videos are extracted in the same way."""
    made_by = features.records[features.names[0]]
    return {**made_by["settings"], "weights_sha256": made_by["weights_sha256"]}
