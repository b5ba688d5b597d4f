"""Builds the right encoder for a backbone and a device."""

import math
import warnings

import torch

from c2fpl.errors import BadSettings
from c2fpl.extractors.backbones.catalogue import Backbone, backbone_named
from c2fpl.extractors.backbones.weights import load_weights
from c2fpl.extractors.cores import usable_cores
from c2fpl.extractors.devices import check_device
from c2fpl.extractors.encoding.cpu_encoder import CpuEncoder
from c2fpl.extractors.encoding.flow_encoder import FlowEncoder
from c2fpl.extractors.encoding.gpu.cuda_encoder import CudaEncoder
from c2fpl.extractors.encoding.gpu.device import CudaDevice
from c2fpl.extractors.encoding.gpu.kernel_check import MAX_ERRORS
from c2fpl.extractors.encoding.held_frames import SegmentEncoder
from c2fpl.extractors.encoding.network import fast_form
from c2fpl.extractors.settings import WITHOUT_NETWORK, ExtractionSettings, Precision
from c2fpl.processor import has_native_bf16

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
FLOW_SEGMENTS_PER_CALL = 4
CLIPS_PER_CALL = 10
"""On the CPU the number of segments per call changes neither speed nor features. Small calls divide
the last part of the work more evenly among threads."""

UNMEASURED_BATCH_SEGMENTS = 8
"""Batch size on a GPU when it must not be measured."""


def make_encoder(
    settings: ExtractionSettings,
    *,
    device: torch.device | str,
    batch_size: int | None = None,
    threads: int | None = None,
) -> SegmentEncoder:
    """Builds the encoder of the settings' backbone and loads its weights.

    Args:
        settings: backbone, weights, crops and precision.
        device: where to run the network.
        batch_size: segments per network call; None measures the fastest number on a GPU.
        threads: CPU threads of one core each; None means one per usable core. On the CPU neither
            this nor `batch_size` changes any feature.

    Raises:
        MissingDevice, BadWeights, BadSettings
    """
    return _built(settings, torch.device(device), batch_size, threads or usable_cores())


def unloaded_encoder(settings: ExtractionSettings, *, device: torch.device | str) -> SegmentEncoder:
    """An encoder with random weights, to measure speed without a weights file or a download.

    Raises:
        MissingDevice, BadSettings
    """
    device = torch.device(device)
    batch_size = None if device.type == "cpu" else UNMEASURED_BATCH_SEGMENTS
    return _built(settings, device, batch_size, usable_cores(), loaded=False)


def build_quietly(backbone: Backbone) -> torch.nn.Module:
    """Builds the network and suppresses the deprecation warnings of importing pytorchvideo."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return backbone.build()


def _built(
    settings: ExtractionSettings,
    device: torch.device,
    batch_size: int | None,
    threads: int,
    *,
    loaded: bool = True,
) -> SegmentEncoder:
    """The encoder of the settings; if not `loaded`, its features are not checked on a GPU."""
    crops = settings.crops
    if settings.backbone in WITHOUT_NETWORK:
        stable, size = settings.backbone == "flow-stabilised", batch_size or FLOW_SEGMENTS_PER_CALL
        return FlowEncoder(crops, stabilised=stable, threads=threads, segments_per_batch=size)
    check_device(device)
    backbone = backbone_named(settings.backbone, nonlocal_blocks=settings.nonlocal_blocks)
    precision = choose_precision(settings.precision, device)
    network = build_quietly(backbone)
    digest = load_weights(network, backbone, settings.weights) if loaded else ""
    bgr = settings.channel_order == "bgr"
    fast = fast_form(network, backbone, DTYPES[precision], bgr=bgr)
    if device.type == "cuda":
        return CudaEncoder(
            fast,
            backbone,
            crops,
            device=CudaDevice(device),
            precision=precision,
            weights_sha256=digest,
            batch_size=batch_size,
            max_error=MAX_ERRORS[precision] if loaded else math.inf,
        )
    return CpuEncoder(
        fast,
        backbone,
        crops,
        precision=precision,
        weights_sha256=digest,
        threads=threads,
        segments_per_batch=batch_size or CLIPS_PER_CALL // crops,
    )


def choose_precision(asked: Precision, device: torch.device) -> Precision:
    """The precision to use; `auto` is the fastest whose feature error stays below 2 %.

    That is fp16 on a GPU (6 to 8 times less rounding error than bf16 at the same speed), bf16 on a
    CPU with native bf16, and fp32 otherwise. Measured errors: docs/performance.md.

    Raises:
        BadSettings: the device does not support the precision asked for.
    """
    native = device.type == "cuda" or has_native_bf16()
    if asked == "auto":
        return "fp16" if device.type == "cuda" else "bf16" if native else "fp32"
    if asked == "fp16" and device.type == "cpu":
        raise BadSettings("precision fp16 needs a GPU: use bf16 or fp32 on the CPU")
    if asked == "bf16" and not native:
        raise BadSettings("precision bf16 needs a CPU with AVX512_BF16 or AMX: use fp32")
    return asked
