"""A device that is not there is refused by one rule, wherever it is asked for."""

import pytest
import torch

from c2fpl.errors import MissingDevice
from c2fpl.extractors.devices import check_device, resolve_device
from c2fpl.extractors.encoding.encoder import make_encoder
from c2fpl.extractors.settings import ExtractionSettings


@pytest.mark.parametrize(
    ("name", "gpus", "said"),
    [
        ("cuda", 0, "no cuda: 0 CUDA devices here; use device cpu or another, or check"),
        ("cuda:2", 1, "no cuda:2: 1 CUDA devices here"),
        ("meta", 1, "meta is not supported; use device auto, cpu, cuda or cuda:1"),
    ],
)
def test_the_command_and_the_encoder_refuse_a_device_alike(
    name: str, gpus: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    with pytest.raises(MissingDevice, match=said) as by_command:
        resolve_device(name)
    with pytest.raises(MissingDevice) as by_encoder:
        make_encoder(ExtractionSettings(backbone="i3d"), device=name)
    assert str(by_command.value) == str(by_encoder.value)


def test_a_word_that_is_no_device_is_refused() -> None:
    with pytest.raises(MissingDevice, match="device 'tpu9000' is unknown; use device auto, cpu"):
        resolve_device("tpu9000")


def test_the_processor_and_the_gpus_there_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for name in ("cpu", "cuda", "cuda:1"):
        check_device(torch.device(name))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == torch.device("cpu")
