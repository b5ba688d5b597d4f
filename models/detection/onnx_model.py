"""The detector as an ONNX model, for other runtimes.

The graph is written with the `onnx` package, not traced by torch: torch's exporter needs
onnxscript and writes the paths of its source files into the model.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from c2fpl.errors import BadDetector, MissingPackage
from c2fpl.models.detection.detector import AttendedLayer, Detector

if TYPE_CHECKING:
    from onnx import GraphProto

FEATURES, USUAL_STATE, SCORES = "features", "usual_state", "scores"
"""Names of the inputs and of the output."""
_OPSET, _IR_VERSION = 17, 8  # onnxruntime 1.12 of 2022 and later read these


class _Node(NamedTuple):
    operator: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any] = {}


def onnx_model(detector: Detector, *, relative: bool, notes: Mapping[str, str]) -> bytes:
    """The serialised ONNX model; equal detectors and notes give equal bytes.

    Inputs: `features`, float32 (segments, crops, dim), with any number of segments and crops. If
    `relative`, also `usual_state`, float32 (crops, dim), as from `relative.usual_state`. Output:
    `scores`, float32 (segments,) in [0, 1], the mean over crops.

    Args:
        detector: on any device.
        relative: whether the detector reads features relative to their video.
        notes: metadata of the model.

    Raises:
        MissingPackage: the extra [onnx] is not installed.
        BadDetector: its softmax is over the batch.
    """
    try:
        from onnx import helper
    except ImportError as error:
        raise MissingPackage("onnx is not installed; pip install 'c2fpl[onnx]'") from error
    if detector.settings.softmax == "batch" and detector.settings.attention != "none":
        raise BadDetector(
            "a detector with the softmax over the batch has no ONNX form, because its scores depend"
            " on how a video is cut into batches; train one with --softmax feature"
        )
    opset = helper.make_opsetid("", _OPSET)
    graph = _graph(detector, relative=relative)
    model = helper.make_model(
        graph, opset_imports=[opset], ir_version=_IR_VERSION, producer_name="c2fpl"
    )
    helper.set_model_props(model, dict(notes))
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


def _graph(detector: Detector, *, relative: bool) -> "GraphProto":
    from onnx import TensorProto, helper, numpy_helper

    inputs: dict[str, list[str | int]] = {FEATURES: ["segments", "crops", detector.dim]}
    if relative:
        inputs[USUAL_STATE] = ["crops", detector.dim]
    outputs: dict[str, list[str | int]] = {SCORES: ["segments"]}
    infos = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (inputs | outputs).items()
    ]
    return helper.make_graph(
        [
            helper.make_node(node.operator, node.inputs, [node.output], **node.attributes)
            for node in _nodes(detector, relative=relative)
        ],
        "c2fpl detector",
        infos[:-1],
        infos[-1:],
        [numpy_helper.from_array(array, name) for name, array in _weights(detector).items()],
    )


def _weights(detector: Detector) -> dict[str, NDArray[np.float32]]:
    """Weights by name, as (in_dim, out_dim) matrices and (out_dim,) biases."""
    return {
        name: np.ascontiguousarray(tensor.cpu().numpy().T)
        for name, tensor in detector.state_dict().items()
    }


def _nodes(detector: Detector, *, relative: bool) -> Iterator[_Node]:
    source = FEATURES
    if relative:
        yield _Node("Sub", (FEATURES, USUAL_STATE), "difference")
        yield _Node("Abs", ("difference",), "distance")
        source = "distance"
    yield from _attended("first", detector.first, source)
    yield from _attended("second", detector.second, "first")
    yield from _linear("last", "second")
    yield _Node("Sigmoid", ("last",), "crop_scores")
    yield _Node("ReduceMean", ("crop_scores",), SCORES, {"axes": [1, 2], "keepdims": 0})


def _attended(name: str, layer: AttendedLayer, source: str) -> Iterator[_Node]:
    """As `AttendedLayer.forward` without dropout."""
    hidden = f"{name}.linear"
    yield from _linear(hidden, source)
    if layer.form != "none":
        yield from _linear(f"{name}.attention", source)
        yield _Node("Softmax", (f"{name}.attention",), f"{name}.softmax", {"axis": -1})
        yield _Node("Mul", (hidden, f"{name}.softmax"), f"{name}.attended")
        if layer.form == "residual":
            yield _Node("Add", (f"{name}.attended", hidden), f"{name}.residual")
        hidden = f"{name}.attended" if layer.form == "multiplicative" else f"{name}.residual"
    yield _Node("Relu", (hidden,), name)


def _linear(name: str, source: str) -> Iterator[_Node]:
    yield _Node("MatMul", (source, f"{name}.weight"), f"{name}.product")
    yield _Node("Add", (f"{name}.product", f"{name}.bias"), name)
