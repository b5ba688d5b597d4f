"""Converts the authors' checkpoints to detectors.

The released network is fc1 - ReLU - fc2 - ReLU - fc3 - sigmoid, then the mean over crops. It also
declares and saves two attention layers but never uses them. `Detector` with attention `none`
computes the same function.
"""

from collections.abc import Mapping

from torch import Tensor

from c2fpl.models.detection.detector import HIDDEN, Detector
from c2fpl.models.settings import TrainingSettings

NAMES = {"fc1": "first.linear", "fc2": "second.linear", "fc3": "last"}
UNUSED = ("fc_att1", "fc_att2")
"""The attention layers. They distinguish these checkpoints from other networks with fc1 to fc3."""
PARTS = ("weight", "bias")


class NotPublished(ValueError):
    """Tensors that are not from a C2FPL checkpoint."""


def published_detector(tensors: Mapping[str, Tensor]) -> Detector:
    """Makes a detector with the weights of a published checkpoint, for features of any dimension.

    Args:
        tensors: `fc1.weight` (512, dim) and so on, with any common prefix.

    Raises:
        NotPublished: a layer is missing, unknown or has another size.
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
