"""CLIP's ViT-B/16 as plain functions on tensors by OpenAI's names, after the paper's description.

Attention is written out, QuickGELU is x * sigmoid(1.702 x); no code is shared with open_clip.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F


def features(state: Mapping[str, torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """(images, 3, 224, 224) to (images, 512)."""
    patches = F.conv2d(images, state["visual.conv1.weight"], stride=16).flatten(2).transpose(1, 2)
    first = state["visual.class_embedding"].expand(len(images), 1, -1)
    x = torch.cat([first, patches], 1) + state["visual.positional_embedding"]
    x = norm(state, "visual.ln_pre", x)
    for layer in range(12):
        name = f"visual.transformer.resblocks.{layer}"
        x = x + attention(state, f"{name}.attn", norm(state, f"{name}.ln_1", x))
        hidden = linear(state, f"{name}.mlp.c_fc", norm(state, f"{name}.ln_2", x))
        x = x + linear(state, f"{name}.mlp.c_proj", hidden * torch.sigmoid(1.702 * hidden))
    return norm(state, "visual.ln_post", x[:, 0]) @ state["visual.proj"]


def norm(state: Mapping[str, torch.Tensor], name: str, x: torch.Tensor) -> torch.Tensor:
    return F.layer_norm(x, (768,), state[f"{name}.weight"], state[f"{name}.bias"])


def linear(state: Mapping[str, torch.Tensor], name: str, x: torch.Tensor) -> torch.Tensor:
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def attention(state: Mapping[str, torch.Tensor], name: str, x: torch.Tensor) -> torch.Tensor:
    joined = x @ state[f"{name}.in_proj_weight"].T + state[f"{name}.in_proj_bias"]
    heads = joined.reshape(len(x), -1, 3, 12, 64).permute(2, 0, 3, 1, 4)
    query, key, value = heads
    weights = (query @ key.transpose(-1, -2) / 8).softmax(-1)
    mixed = (weights @ value).transpose(1, 2).flatten(2)
    return linear(state, f"{name}.out_proj", mixed)


def random_state() -> dict[str, torch.Tensor]:
    """Random tensors of OpenAI's names and shapes; of the text encoder a few."""

    def draw(*shape: int, scale: float = 0.03) -> torch.Tensor:
        return torch.randn(shape) * scale

    state = {
        "visual.class_embedding": draw(768),
        "visual.positional_embedding": draw(197, 768),
        "visual.conv1.weight": draw(768, 3, 16, 16),
        "visual.proj": draw(768, 512),
        "positional_embedding": draw(77, 512),
        "text_projection": draw(512, 512),
        "logit_scale": torch.tensor(4.6),
        "transformer.resblocks.0.ln_1.weight": draw(512),
        "transformer.resblocks.0.ln_1.bias": draw(512),
    }
    norms = ["ln_pre", "ln_post"]
    for layer in range(12):
        name = f"transformer.resblocks.{layer}"
        norms += [f"{name}.ln_1", f"{name}.ln_2"]
        sizes = {"attn.in_proj_": (2304, 768), "attn.out_proj.": (768, 768)}
        sizes |= {"mlp.c_fc.": (3072, 768), "mlp.c_proj.": (768, 3072)}
        for part, (out_dim, in_dim) in sizes.items():
            state[f"visual.{name}.{part}weight"] = draw(out_dim, in_dim)
            state[f"visual.{name}.{part}bias"] = draw(out_dim)
    for name in norms:
        state[f"visual.{name}.weight"] = 1 + draw(768, scale=0.1)
        state[f"visual.{name}.bias"] = draw(768, scale=0.1)
    return state


def in_hugging_face_names(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors as `CLIPModel.state_dict()` of transformers names them."""
    parts = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1"}
    parts |= {"mlp.c_proj": "mlp.fc2", "attn.out_proj": "self_attn.out_proj"}
    found = {
        "vision_model.embeddings.class_embedding": state["visual.class_embedding"],
        "vision_model.embeddings.patch_embedding.weight": state["visual.conv1.weight"],
        "vision_model.embeddings.position_embedding.weight": state["visual.positional_embedding"],
        "vision_model.embeddings.position_ids": torch.arange(197)[None],
        "visual_projection.weight": state["visual.proj"].T.contiguous(),
        "text_projection.weight": state["text_projection"],
        "logit_scale": state["logit_scale"],
        "text_model.final_layer_norm.weight": torch.ones(512),
    }
    for kind in ("weight", "bias"):
        found[f"vision_model.pre_layrnorm.{kind}"] = state[f"visual.ln_pre.{kind}"]
        found[f"vision_model.post_layernorm.{kind}"] = state[f"visual.ln_post.{kind}"]
        for layer in range(12):
            ours = f"visual.transformer.resblocks.{layer}"
            theirs = f"vision_model.encoder.layers.{layer}"
            for part, name in parts.items():
                found[f"{theirs}.{name}.{kind}"] = state[f"{ours}.{part}.{kind}"]
            joined = state[f"{ours}.attn.in_proj_{kind}"].chunk(3)
            for letter, value in zip("qkv", joined, strict=True):
                found[f"{theirs}.self_attn.{letter}_proj.{kind}"] = value.clone()
    return found


class PlainClip(nn.Module):
    """The functions above with random tensors, in the form of a library's network."""

    def __init__(self) -> None:
        super().__init__()
        self.tensors = random_state()

    def state_dict(self, *_args: Any, **_named: Any) -> Any:
        """The tensors by their public names."""
        return self.tensors

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        return features(self.tensors, clips[:, :, 0])
