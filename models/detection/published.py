"""The authors' checkpoints as detectors: names of their layers, and what their forward pass does.

Their released network is fc1 - ReLU - fc2 - ReLU - fc3 - sigmoid, then the mean over crops; two
attention layers are declared, saved and never used (METHOD 4, released version). `Detector` with
attention `none` is that function.
"""

from collections.abc import Mapping

from torch import Tensor

from c2fpl.models.detection.detector import HIDDEN, Detector
from c2fpl.models.settings import TrainingSettings

NAMES = {"fc1": "first.linear", "fc2": "second.linear", "fc3": "last"}
UNUSED = ("fc_att1", "fc_att2")
"""The attention layers; they tell these checkpoints from other detectors with fc1, fc2 and fc3."""
PARTS = ("weight", "bias")


class NotPublished(ValueError):
    """Tensors that are not those of a C2FPL checkpoint."""


def published_detector(tensors: Mapping[str, Tensor]) -> Detector:
    """A detector with the weights of a published checkpoint, for any length of features.

    Args:
        tensors: `fc1.weight` (512, dim) and so on, under any one prefix.

    Raises:
        NotPublished: a layer is missing, unknown or of another size.
    """
    prefix = next((n.removesuffix("fc1.weight") for n in tensors if n.endswith("fc1.weight")), "")
    given = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
    layers = {name.split(".")[0] for name in given}
    if layers != {*NAMES, *UNUSED}:
        raise NotPublished(
            f"it has the layers {', '.join(sorted(layers)[:8]) or 'none'}; a detector of c2fpl has "
            f"settings, a checkpoint of C2FPL has {', '.join((*NAMES, *UNUSED))}: make a detector "
            "with `c2fpl train`, or give another file"
        )
    state = {
        f"{ours}.{part}": given[f"{name}.{part}"] for name, ours in NAMES.items() for part in PARTS
    }
    dim = state["first.linear.weight"].shape[-1]
    detector = Detector(dim, TrainingSettings(attention="none", epoch_steps=1))
    for name, tensor in detector.state_dict().items():
        if state[name].shape != tensor.shape:
            raise NotPublished(
                f"{name} is {tuple(state[name].shape)}, not {tuple(tensor.shape)}: the hidden "
                f"layers of C2FPL have {HIDDEN[0]} and {HIDDEN[1]} neurons; give another file"
            )
    detector.load_state_dict(state)
    return detector
