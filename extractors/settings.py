"""What extraction can be told, checked at birth. Light to import: no torch, no decoder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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
]
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
    """Short side 256 with the aspect kept (RTFM's recipe, RTFM issue 21), or warped to 340x256
    (Gowtham's extractor). Backbones with a crop other than 224 scale both in proportion."""
    interpolation: Interpolation = "bilinear"
    """Resize kernel, as Pillow's (antialiased when shrinking): torchvision Resize's default."""
    fps: Fps = "native"
    """Frames as stored, or resampled to a constant 30 a second (as 10 UCF-Crime training ones)."""
    decoder: Decoder = "auto"
    """decord first and PyAV for what decord refuses or gets wrong, or one of them for all files.
    Choose pyav for videos of unknown origin: decord carries FFmpeg 4.1 of 2018."""
    jpeg_quality: int | None = None
    """Imitate the peers' frames-to-JPEG step at this quality (1 to 100); none by default."""
    max_lost: float = 0.1
    """Largest share of a video's frames that may be lost before the video counts as failed."""

    def __post_init__(self) -> None:
        if self.jpeg_quality is not None and not 1 <= self.jpeg_quality <= 100:
            raise ValueError(
                f"jpeg quality {self.jpeg_quality} is not in 1..100; leave it out for no JPEG"
            )
        if not 0 <= self.max_lost <= 1:
            raise ValueError(f"max lost {self.max_lost} is not a share in [0, 1]; 0.1 is one tenth")


@dataclass(frozen=True, kw_only=True)
class ExtractionSettings:
    """Everything that can change a feature value, and the stored form."""

    backbone: BackboneName = "i3d"
    """The network: `i3d` is the design's default, `flow` needs no weights."""
    weights: Path | None = None
    """Weights file; without it the official file is fetched into the torch hub cache."""
    crops: Crops = 10
    """Ten (corners, centre, mirrored), five (corners, centre) or one (centre) crops a segment;
    i3d-inception and clip-vit-b-16 have the centre first, as their published sets."""
    tail: Tail = "loop"
    """Last short segment: repeated cyclically (RTFM: ceil(n/16)) or dropped (floor(n/16));
    xdviodet leaves out the last frame too: floor((n-1)/16), as the published XD-Violence set."""
    precision: Precision = "auto"
    """Arithmetic of the network; auto is the fastest whose error is inside 2 % of float32."""
    dtype: Literal["float16", "float32"] = "float16"
    """Stored form of the features; float16 costs a relative error of 2e-4."""
    channel_order: Literal["rgb", "bgr"] = "rgb"
    """Colour order given to the network. Every backbone was trained on RGB, video-nonlocal-net too
    (USE_BGR False, its decoder's pixels RGB24); BGR is for weights of other origin."""
    nonlocal_blocks: bool = False
    """With i3d-nonlocal-net: the network with five non-local blocks instead of the baseline. Which
    one gave the published features was never said (RTFM issues 63, 76, 95)."""

    def __post_init__(self) -> None:
        if self.nonlocal_blocks and self.backbone != "i3d-nonlocal-net":
            raise ValueError(
                f"backbone {self.backbone} has no non-local blocks; use i3d-nonlocal-net for them"
            )
        if self.backbone == "flow" and self.weights is not None:
            raise ValueError(
                f"backbone flow takes no weights, got {self.weights}; leave --weights out"
                " or name the network with --backbone"
            )
