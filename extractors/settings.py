"""Decoding and extraction settings, validated on construction. Imports no torch and no decoder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from c2fpl.errors import BadSettings
from c2fpl.field_checks import check_fields

BackboneName = Literal[
    "i3d",
    "i3d-nonlocal-net",
    "i3d-inception",
    "x3d-s",
    "x3d-m",
    "r2plus1d-18",
    "mc3-18",
    "clip-vit-b-16",
    "flow",
    "flow-stabilised",
]
WITHOUT_NETWORK: frozenset[BackboneName] = frozenset({"flow", "flow-stabilised"})
"""Backbones that are computed on the CPU and need no weights."""
Crops = Literal[10, 5, 1]
Decoder = Literal["auto", "decord", "pyav"]
Fps = Literal["native", "30"]
Interpolation = Literal["bilinear", "cubic", "lanczos"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Resize = Literal["short256", "340x256"]
Tail = Literal["loop", "drop", "xdviodet"]


@dataclass(frozen=True, kw_only=True)
class DecodingSettings:
    """How a video file becomes resized uint8 RGB frames."""

    resize: Resize = "short256"
    """Frame size: short side of 256 pixels with the aspect ratio kept (RTFM, issue 21), or exactly
    340x256 (Gowtham's extractor). Both scale with the crop of a backbone whose crop is not 224."""
    interpolation: Interpolation = "bilinear"
    """Resize kernel as in Pillow, antialiased when shrinking; torchvision uses bilinear."""
    fps: Fps = "native"
    """native keeps the stored frames; 30 resamples to a constant 30 frames per second, as was done
    for 10 training videos of UCF-Crime."""
    decoder: Decoder = "auto"
    """auto uses decord, and PyAV for files that decord rejects or misreads. Choose pyav for
    untrusted videos: decord bundles FFmpeg 4.1 from 2018."""
    jpeg_quality: int | None = None
    """Compress each frame as JPEG at this quality (1 to 100) before extraction, as published
    extractors do. Off by default."""
    max_lost: float = 0.1
    """Largest fraction of a video's frames that may be lost; beyond it the video fails."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.jpeg_quality is not None and not 1 <= self.jpeg_quality <= 100:
            raise BadSettings(
                f"jpeg quality {self.jpeg_quality} is not in 1..100; leave it out to skip JPEG"
            )
        if not 0 <= self.max_lost <= 1:
            raise BadSettings(
                f"max lost {self.max_lost} is not a fraction in [0, 1]; 0.1 is one tenth"
            )


@dataclass(frozen=True, kw_only=True)
class ExtractionSettings:
    """All settings that affect feature values, and the stored dtype."""

    backbone: BackboneName = "i3d"
    """Network that computes the features (docs/backbones.md). flow and flow-stabilised need no
    weights; flow-stabilised subtracts the motion of the camera."""
    weights: Path | None = None
    """Weights file. By default the official file is downloaded into the torch hub cache."""
    crops: Crops = 10
    """Crops per segment: 10 (corners, centre, and their mirror images), 5 (corners, centre) or 1
    (centre). i3d-inception and clip-vit-b-16 store the centre first, as their published features
    do."""
    tail: Tail = "loop"
    """Last segment, if shorter than 16 frames. loop repeats its frames (ceil(n/16) segments, RTFM);
    drop leaves it out (floor(n/16)); xdviodet also drops the last frame (floor((n-1)/16), published
    XD-Violence features)."""
    precision: Precision = "auto"
    """Arithmetic of the network. auto is the fastest whose features stay within 2 % of float32. A
    run that continues on another device keeps the precision of its finished features."""
    dtype: Literal["float16", "float32"] = "float16"
    """Number type of the stored features. float16 has a relative error of 2e-4."""
    channel_order: Literal["rgb", "bgr"] = "rgb"
    """Colour order of the network's input. All backbones here were trained on RGB; bgr is for your
    own weights that were trained on BGR."""
    nonlocal_blocks: bool = False
    """i3d-nonlocal-net only: use the network with five non-local blocks instead of the baseline. It
    is not known which of the two made the published features (RTFM issues 63, 76, 95)."""

    def __post_init__(self) -> None:
        check_fields(self)
        if self.nonlocal_blocks and self.backbone != "i3d-nonlocal-net":
            raise BadSettings(
                f"backbone {self.backbone} has no non-local blocks; use backbone i3d-nonlocal-net"
            )
        if self.backbone in WITHOUT_NETWORK and self.weights is not None:
            raise BadSettings(
                f"backbone {self.backbone} takes no weights, got {self.weights}; leave the"
                " weights out or choose the backbone of the weights"
            )
