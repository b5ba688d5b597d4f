"""The detector of a run as an ONNX model."""

import json
import logging
from importlib import metadata
from pathlib import Path

from c2fpl.pipeline.files.atomic import whole_file
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.steps.detector_files import SavedDetector, load_detector

logger = logging.getLogger(__name__)

_FEATURES = "float32 (segments, crops, {dim}): features as described by `extraction`"
_USUAL_STATE = (
    "float32 (crops, {dim}): median over segments of the features of the video, from every k-th "
    "segment; k is the smallest power of two that leaves at most 256"
)
_SCORES = "float32 (segments,) in [0, 1]: mean over crops of the network's scores"
_JOINED = "; `c2fpl score` joins them with evidence that is measured on the whole video"


def write_onnx(place: Path) -> Path:
    """Write the detector as an ONNX model beside it (`models.detection.onnx_model`).

    The metadata of the model describes its inputs and output, and how the features were extracted.

    Args:
        place: a detector file, or the folder of a run.

    Raises:
        MissingPackage: the extra [onnx] is not installed.
        BadDetector: the file is missing or damaged, or its detector has no ONNX form.
    """
    from c2fpl.models.detection.onnx_model import onnx_model

    path = place if place.is_file() else RunFiles.opened(place).detector
    saved = load_detector(path)
    relative = saved.settings.detector_input == "relative"
    model = onnx_model(saved.detector, relative=relative, notes=_notes(saved, relative=relative))
    target = path.with_suffix(".onnx")
    with whole_file(target) as file:
        file.write(model)
    if saved.joined is not None:
        logger.info("%s gives the scores of the network%s", target, _JOINED)
    return target


def _notes(saved: SavedDetector, *, relative: bool) -> dict[str, str]:
    notes = {
        "features": _FEATURES.format(dim=saved.dim),
        "scores": _SCORES + (_JOINED if saved.joined is not None else ""),
        "extraction": json.dumps(saved.extraction, sort_keys=True, default=str),
        "fingerprint": saved.fingerprint,
        "version": f"c2fpl {metadata.version('c2fpl')}",
    }
    return notes | ({"usual_state": _USUAL_STATE.format(dim=saved.dim)} if relative else {})
