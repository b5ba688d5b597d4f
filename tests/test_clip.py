"""CLIP's image encoder: three forms of weights files, one network; refusals in one line."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest
import torch
from torch import nn

from c2fpl.errors import BadWeights, MissingPackage
from c2fpl.extractors.backbones.catalogue import CLIP_VIT_B_16
from c2fpl.extractors.backbones.weights import load_weights
from plain_clip import features, in_hugging_face_names, random_state

State: TypeAlias = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return CLIP_VIT_B_16.build().eval()


@pytest.fixture(scope="module")
def state() -> State:
    torch.manual_seed(2)
    return random_state()


@pytest.fixture(scope="module")
def image() -> torch.Tensor:
    return torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(3))


@pytest.fixture(scope="module")
def expected(state: State, image: torch.Tensor) -> torch.Tensor:
    """Features (1, 512) of the image by the plain encoder."""
    return features(state, image)


FORMS: dict[str, Callable[[State], object]] = {
    "openai": lambda state: state,
    "vision encoder alone": lambda state: {
        k.removeprefix("visual."): v for k, v in state.items() if k.startswith("visual.")
    },
    "hugging face": in_hugging_face_names,
    "lightning": lambda state: {
        "state_dict": {f"model.clip.{k}": v for k, v in in_hugging_face_names(state).items()}
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_weights_gives_the_features_of_the_plain_encoder(
    form: str,
    network: nn.Module,
    state: State,
    image: torch.Tensor,
    expected: torch.Tensor,
    tmp_path: Path,
) -> None:
    torch.save(FORMS[form](state), tmp_path / "w.pt")
    for parameter in network.parameters():
        parameter.data.zero_()
    load_weights(network, CLIP_VIT_B_16, tmp_path / "w.pt")
    with torch.no_grad():
        found = network(image[:, :, None])
    assert found.shape == (1, 512)
    assert (found - expected).norm() < 1e-4 * expected.norm()


@pytest.mark.parametrize("form", ["openai", "hugging face"])
def test_a_missing_part_of_the_encoder_is_refused(
    form: str, network: nn.Module, state: State, tmp_path: Path
) -> None:
    content = dict(state) if form == "openai" else in_hugging_face_names(state)
    lost = "visual.ln_pre.bias" if form == "openai" else "vision_model.pre_layrnorm.bias"
    del content[lost]
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(BadWeights, match=r"1 tensors missing such as body\.encoder\.ln_pre\.bias"):
        load_weights(network, CLIP_VIT_B_16, tmp_path / "w.pt")


def test_without_its_library_the_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open_clip.transformer", None)
    with pytest.raises(MissingPackage, match=r"pip install 'c2fpl\[clip\]'"):
        CLIP_VIT_B_16.build()
