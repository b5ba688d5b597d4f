"""Resolves device names and explains device failures."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from c2fpl.errors import BadSettings, MissingDevice
from c2fpl.extractors.devices import check_device
from c2fpl.extractors.settings import BackboneName, Precision

if TYPE_CHECKING:
    import torch


DEVICE_WORDS = ("CUDA", "cuDNN", "cuBLAS", "out of memory")
"""Words in a RuntimeError of torch that is caused by the device."""


def resolve_device(name: str) -> "torch.device":
    """The torch device called `name`; `auto` is the first GPU if there is one, else the CPU.

    Raises:
        MissingDevice: the name is unknown, or this machine has no such device.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError) as error:
        raise MissingDevice(
            f"device {name!r} is unknown; use device auto, cpu, cuda or cuda:1"
        ) from error
    check_device(device)
    return device


def computes_on_gpu(backbone: BackboneName, device: "torch.device") -> bool:
    """Whether features are computed on a GPU. Those of flow never are."""
    return device.type == "cuda" and backbone != "flow"


def auto_precision(devices: Sequence[str]) -> Precision:
    """The precision that `auto` means on all of these devices; if any is a CPU, that of the CPU."""
    from c2fpl.extractors.encoding.encoder import choose_precision

    return choose_precision("auto", _least_device(devices))


def check_can_continue(precision: Precision, devices: Sequence[str]) -> None:
    """Check that these devices support the precision of the finished features.

    Raises:
        BadSettings: one does not; videos of the same run would get features of another precision.
    """
    from c2fpl.extractors.encoding.encoder import choose_precision

    device = _least_device(devices)
    try:
        choose_precision(precision, device)
    except BadSettings as error:
        raise BadSettings(
            f"the finished features have precision {precision}, which this {device} does not "
            "support; continue on the device that made them, or extract all videos again with "
            f"--precision {auto_precision(devices)}"
        ) from error


def _least_device(devices: Sequence[str]) -> "torch.device":
    """The CPU if any of the devices is one, else a GPU; not checked."""
    import torch

    gpu_by_default = torch.cuda.is_available()
    on_gpu = (name.startswith("cuda") or (name == "auto" and gpu_by_default) for name in devices)
    return torch.device("cuda" if all(on_gpu) else "cpu")


@contextmanager
def explain_device_failures() -> Iterator[None]:
    """Convert errors of torch that are caused by the device to a one-line MissingDevice."""
    try:
        yield
    except RuntimeError as error:
        message = " ".join(str(error).split())
        if not any(word in message for word in DEVICE_WORDS):
            raise
        raise MissingDevice(
            f"the device failed ({message[:200]}); finished videos are kept: check the device with "
            "nvidia-smi, then run the same command again to continue, or choose another --device"
        ) from error
