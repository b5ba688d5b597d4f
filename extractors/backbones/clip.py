"""CLIP's image encoder ViT-B/16 as a network on clips of one frame, and its tensor names.

The encoder is open_clip's (extra [clip]) with OpenAI's activation, QuickGELU. Its first convolution
is replaced by a 3D one, so that its input has the same axes as that of the other backbones.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import torch
from torch import nn

from c2fpl.errors import MissingPackage

Untyped: TypeAlias = Any
"""A network from a library without type annotations."""

WIDTH, LAYERS, HEADS, PATCH_PIXELS, DIM = 768, 12, 12, 16, 512
BODY = "body.encoder."
BODY_PARTS = (
    *("class_embedding", "positional_embedding", "ln_pre.", "ln_post.", "transformer.", "proj"),
)
"""Prefixes of the encoder's tensors in files of OpenAI and open_clip, after `visual.`."""
HUGGING_FACE = "vision_model."
HUGGING_FACE_PARTS = (
    ("vision_model.embeddings.class_embedding", "class_embedding"),
    ("vision_model.embeddings.patch_embedding.", "conv1."),
    ("vision_model.embeddings.position_embedding.weight", "positional_embedding"),
    ("vision_model.pre_layrnorm.", "ln_pre."),  # their spelling
    ("vision_model.post_layernorm.", "ln_post."),
    ("vision_model.encoder.layers.", "transformer.resblocks."),
    (".layer_norm", ".ln_"),
    (".mlp.fc1.", ".mlp.c_fc."),
    (".mlp.fc2.", ".mlp.c_proj."),
    (".self_attn.", ".attn."),
)
"""Parts of tensor names: Hugging Face's (CLIPModel, CLIPVisionModelWithProjection), OpenAI's."""
PROJECTION = "visual_projection.weight"
QUERY = ".attn.q_proj."


class Body(nn.Module):
    """The encoder after its first convolution. Tracing treats it as one layer."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """(clips, 768, 1, rows, columns) to (clips, 512), not normalised to unit length."""
        features: torch.Tensor = self.encoder(patches.squeeze(2))
        return features


class ClipImageEncoder(nn.Module):
    """The whole encoder: (clips, 3, 1, 224, 224) to (clips, 512)."""

    def __init__(self) -> None:
        super().__init__()
        encoder = open_clip_encoder()
        encoder.conv1 = nn.Identity()
        kernel = (1, PATCH_PIXELS, PATCH_PIXELS)
        self.conv1 = nn.Conv3d(3, WIDTH, kernel, stride=kernel, bias=False)
        self.body = Body(encoder)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """The same image features as CLIP's `encode_image`: (clips, 512)."""
        features: torch.Tensor = self.body(self.conv1(clips))
        return features


def open_clip_encoder() -> Untyped:
    """open_clip's VisionTransformer of ViT-B/16 with random weights.

    Raises:
        MissingPackage: the extra [clip] is not installed.
    """
    try:
        from open_clip.transformer import QuickGELU, VisionTransformer
    except ImportError as error:
        raise MissingPackage(
            "--backbone clip-vit-b-16 needs the package open_clip_torch: pip install 'c2fpl[clip]'"
        ) from error
    return VisionTransformer(
        image_size=224,
        patch_size=PATCH_PIXELS,
        width=WIDTH,
        layers=LAYERS,
        heads=HEADS,
        mlp_ratio=4.0,
        output_dim=DIM,
        act_layer=QuickGELU,
    )


def to_encoder_names(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Renames tensors of OpenAI, open_clip or Hugging Face to the names of ClipImageEncoder."""
    renamed = {}
    for name, value in from_hugging_face(state).items():
        if name == "conv1.weight" and value.dim() == 4:
            renamed[name] = value.unsqueeze(2)
        else:
            renamed[f"{BODY}{name}" if name.startswith(BODY_PARTS) else name] = value
    return renamed


def from_hugging_face(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Renames Hugging Face's tensors to OpenAI's names and joins query, key and value."""
    ours = {openai_name(name): value for name, value in state.items()}
    for query in [name for name in ours if QUERY in name]:
        parts = [ours.pop(query.replace(QUERY, f".attn.{part}_proj."), None) for part in "qkv"]
        joined = torch.cat([part for part in parts if part is not None])
        ours[query.replace(QUERY, ".attn.in_proj_")] = joined
    if PROJECTION in ours:
        ours["proj"] = ours.pop(PROJECTION).t()
    return ours


def openai_name(name: str) -> str:
    """OpenAI's name for a Hugging Face name; other names stay."""
    if name.startswith(HUGGING_FACE):
        for theirs, ours in HUGGING_FACE_PARTS:
            name = name.replace(theirs, ours)
    return name
