"""Step 3: features + labels -> detector.pt, which carries the settings that made it."""

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from c2fpl.models.settings import TrainingSettings
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.files.changes import what_changed
from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.files.run_files import fingerprint, whole_file
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.steps.label_segments import SegmentLabels
from c2fpl.pipeline.steps.tensorboard import scalars

if TYPE_CHECKING:
    from c2fpl.models.detection.detector import Detector
    from c2fpl.models.detection.training import Epoch

logger = logging.getLogger(__name__)


_DAMAGED = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, RuntimeError),
    *(TypeError, ValueError),
)
"""What torch and the settings raise on files that are damaged, or were never detectors."""


class BadDetector(ValueError):
    """A detector file that cannot be used here."""


@dataclass(frozen=True, eq=False)
class SavedDetector:
    """A detector and what it was made for."""

    detector: "Detector"
    """The network, on the CPU, in evaluation mode."""
    dim: int
    """Length of the features it reads."""
    settings: TrainingSettings
    """How it was trained."""
    extraction: dict[str, Any]
    """Extraction and decoding settings of its features, and `weights_sha256`."""
    fingerprint: str
    """Of settings, labels and features."""


def train_detector(
    path: Path,
    features: FeatureSet,
    labels: SegmentLabels,
    settings: TrainingSettings,
    execution: Execution,
    *,
    tensorboard: Path | None = None,
) -> SavedDetector:
    """Train on all labelled segments; kept where nothing it read has changed.

    Raises:
        MissingDevice: the device asked for is not here.
        MissingTensorboard: scalars are wanted in the folder `tensorboard`, which nothing can write.
    """
    from c2fpl.models.detection.training import train
    from c2fpl.pipeline.extraction.devices import resolve_device

    wanted = fingerprint({**asdict(settings), "labels": labels.fingerprint})
    if not execution.overwrite and path.exists():
        saved = load_detector(path)
        if saved.fingerprint == wanted:
            logger.info("%s was trained on these labels with these settings already", path)
            return saved
        cause = what_changed(asdict(saved.settings), asdict(settings)) or "labels"
        logger.info("detector: %s changed, training again", cause)
    device = resolve_device(execution.devices[0])
    source = features.source()
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
    saved = SavedDetector(detector.cpu().eval(), source.dim, settings, extraction, wanted)
    save_detector(path, saved)
    return saved


def save_detector(path: Path, saved: SavedDetector) -> None:
    """Write tensors and plain values only, so that weights_only can read them."""
    import torch

    content = {
        "state": saved.detector.state_dict(),
        "dim": saved.dim,
        "settings": asdict(saved.settings),
        "extraction": saved.extraction,
        "fingerprint": saved.fingerprint,
    }
    with whole_file(path) as file:
        torch.save(content, file)


def load_detector(path: Path) -> SavedDetector:
    """Read what `save_detector` wrote; code inside the file is never executed.

    Raises:
        BadDetector: not such a file.
    """
    import pickle

    import torch

    from c2fpl.models.detection.detector import Detector

    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        settings = TrainingSettings(**content["settings"])
        detector = Detector(content["dim"], settings)
        detector.load_state_dict(content["state"])
    except FileNotFoundError as error:
        raise BadDetector(f"{path} does not exist; `c2fpl train` makes a detector") from error
    except (pickle.UnpicklingError, *_DAMAGED) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadDetector(
            f"{path} is not a detector of c2fpl ({reason}); make one with `c2fpl train`"
        ) from error
    return SavedDetector(
        detector.eval(), content["dim"], settings, content["extraction"], content["fingerprint"]
    )
