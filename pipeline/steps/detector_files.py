"""Writes detectors as safetensors; also reads PyTorch files and published checkpoints.

The content decides the format, not the name: `detector.pt` is written as safetensors.
"""

import json
import logging
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from c2fpl.errors import BadDetector, BadWeights, OtherVersion
from c2fpl.field_checks import check_argument
from c2fpl.models.labels.joined import Joined
from c2fpl.models.settings import TrainingSettings
from c2fpl.pipeline.files.atomic import whole_file

if TYPE_CHECKING:
    from torch import Tensor

    from c2fpl.models.detection.detector import Detector
    from c2fpl.pipeline.features.in_memory import Features

logger = logging.getLogger(__name__)

HEADER_KEY = "c2fpl"
"""Key of the metadata, one JSON object: safetensors does not keep several keys in order."""
_JOINED = "joined."
"""Prefix of tensors that do not belong to the network."""
UNKNOWN_BACKBONE = "published"
"""Backbone of published features, of which only the dimension can be checked."""
_DAMAGED = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, RuntimeError),
    *(TypeError, ValueError),
)
"""Errors of torch and the settings for damaged files and files that are not detectors."""


@dataclass(frozen=True, eq=False)
class SavedDetector:
    """A detector and what it was made for."""

    detector: "Detector"
    """The network, on the CPU, in evaluation mode."""
    dim: int
    """Dimension of the features."""
    settings: TrainingSettings
    extraction: dict[str, Any]
    """Extraction and decoding settings of its features, and `weights_sha256`."""
    fingerprint: str
    """Fingerprint of settings, labels and features."""
    joined: Joined | None = None
    """Joins its scores with the evidence; None uses only the detector."""

    def check_fits(self, dim: int, backbone: str, weights_sha256: str | None) -> None:
        """Refuse features that the detector was not made for.

        Raises:
            BadDetector: another dimension, backbone or weights.
        """
        made_for = str(self.extraction.get("backbone", backbone))
        if made_for == UNKNOWN_BACKBONE:
            self._check_length(dim, backbone)
            return
        if dim != self.dim or backbone != made_for:
            raise BadDetector(
                f"the detector needs {self.dim} values per crop from {made_for}, these features "
                f"have {dim} from {backbone}; extract with --backbone {made_for} or train another "
                "detector"
            )
        trained_with = self.extraction.get("weights_sha256")
        if weights_sha256 != trained_with:
            raise BadDetector(
                f"the detector was trained on features of weights {trained_with}, these are of "
                f"weights {weights_sha256}; give the same file with --weights"
            )

    def _check_length(self, dim: int, backbone: str) -> None:
        """Check the dimension, the only known property of published features."""
        if dim != self.dim:
            raise BadDetector(
                f"the detector needs published features of length {self.dim}, these have {dim}; "
                "give features like those that it was trained on"
            )
        if backbone != UNKNOWN_BACKBONE:
            logger.warning(
                "the detector was trained on published features of length %d; it cannot be checked "
                "whether features of %s are compatible",
                dim,
                backbone,
            )


def save_detector(path: Path, saved: SavedDetector) -> None:
    """Write a safetensors file, whatever its suffix; equal detectors give equal bytes."""
    from safetensors.torch import save

    made_from = {
        "dim": saved.dim,
        "settings": asdict(saved.settings),
        "extraction": saved.extraction,
        "fingerprint": saved.fingerprint,
    }
    header = {HEADER_KEY: json.dumps(made_from, sort_keys=True, default=str)}
    with whole_file(path) as file:
        file.write(save({**saved.detector.state_dict(), **_joined_tensors(saved)}, metadata=header))


def load_detector(path: Path) -> SavedDetector:
    """Read a detector in either format, or a published checkpoint.

    Code in the file is never executed.

    Raises:
        BadDetector: the file is missing, damaged or not a detector.
        OtherVersion: another version trained it, with evidence of other views.
    """
    from safetensors import SafetensorError

    if not path.is_file():
        raise BadDetector(f"{path} does not exist; `c2fpl train` makes a detector")
    try:
        content = _saved_content(path)
        return _detector_of(content, path) if content else read_checkpoint(path)
    except BadDetector:
        raise
    except (SafetensorError, BadWeights, *_DAMAGED) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].removeprefix(f"{path}: ")
        raise BadDetector(
            f"{path} is not a detector of c2fpl ({reason}); make one with `c2fpl train`"
        ) from error


def opened(
    detector: "Detector | str | PathLike[str]", features: "Features"
) -> tuple["Detector", list[Joined]]:
    """A detector, or the one in a file with its join if it has one.

    Raises:
        BadSettings: neither a detector nor a path.
        BadDetector: the file is missing, damaged or not a detector, or was not made for features
            like these results of `extract`.
    """
    from c2fpl.models.detection.detector import Detector
    from c2fpl.pipeline.features.in_memory import VideoFeatures

    check_argument("detector", detector, Detector | str | PathLike)
    if isinstance(detector, Detector):
        return detector, []
    saved = load_detector(Path(detector))
    if isinstance(features, VideoFeatures):
        backbone = features.settings.extraction.backbone
        saved.check_fits(features.values.shape[2], backbone, features.weights_sha256)
    return saved.detector, [] if saved.joined is None else [saved.joined]


def _saved_content(path: Path) -> dict[str, Any] | None:
    """Content of a detector in safetensors or PyTorch's format; None for other files."""
    import pickle

    import torch
    from safetensors import safe_open

    with path.open("rb") as file:
        is_safetensors = file.read(9)[8:] == b"{"
    if not is_safetensors:
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, *_DAMAGED):
            return None
        return content if isinstance(content, dict) and "settings" in content else None
    with safe_open(path, framework="pt") as opened:
        header = (opened.metadata() or {}).get(HEADER_KEY)
        if header is None:
            return None
        state = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a dict
    return {**json.loads(header), "state": state}


def _detector_of(content: dict[str, Any], path: Path) -> SavedDetector:
    from c2fpl.models.detection.detector import Detector

    settings = TrainingSettings(**content["settings"])
    detector = Detector(content["dim"], settings)
    state = dict(content["state"])
    arrays = {
        name.removeprefix(_JOINED): state.pop(name).numpy()
        for name in list(state)
        if name.startswith(_JOINED)
    }
    detector.load_state_dict(state)
    try:
        joined = Joined.from_arrays(arrays) if arrays else None
    except KeyError as error:
        raise OtherVersion(
            f"{path} was trained by another version of c2fpl, whose `refined` reads other "
            "evidence; train again with `c2fpl run` or `c2fpl train`"
        ) from error
    return SavedDetector(
        detector=detector.eval(),
        dim=content["dim"],
        settings=settings,
        extraction=content["extraction"],
        fingerprint=content["fingerprint"],
        joined=joined,
    )


def _joined_tensors(saved: SavedDetector) -> dict[str, "Tensor"]:
    """The arrays of the join, of any shapes, as tensors by their names in the file."""
    import torch

    arrays = saved.joined.as_arrays() if saved.joined is not None else {}
    return {f"{_JOINED}{name}": torch.from_numpy(np.array(a)) for name, a in arrays.items()}


def read_checkpoint(path: Path) -> SavedDetector:
    """Read a checkpoint of the C2FPL authors (`UCFfinal.pkl`, `XDfinal.pkl`) as a detector.

    Raises:
        BadDetector: the state dict is from another network.
        BadWeights: the file contains no state dict.
    """
    from c2fpl.extractors.backbones.official import sha256
    from c2fpl.extractors.backbones.state_files import read_state
    from c2fpl.models.detection.published import NotPublished, published_detector

    try:
        detector = published_detector(read_state(path).tensors)
    except NotPublished as error:
        raise BadDetector(f"{path}: {error}") from error
    logger.info(
        "%s: a C2FPL checkpoint for features of dimension %d; its attention layers are not used, "
        "as in the published code",
        path,
        detector.dim,
    )
    extraction = {"backbone": UNKNOWN_BACKBONE, "weights_sha256": None}
    return SavedDetector(detector.eval(), detector.dim, detector.settings, extraction, sha256(path))
