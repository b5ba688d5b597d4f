"""Resolves and checks device names, without a silent fallback to the CPU, and explains failures."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from c2fpl.errors import MissingDevice

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


def check_device(device: "torch.device") -> None:
    """Check that a device exists.

    Raises:
        MissingDevice: the device is neither the CPU nor one of this machine's GPUs.
    """
    import torch

    if device.type not in ("cpu", "cuda"):
        raise MissingDevice(f"{device} is not supported; use device auto, cpu, cuda or cuda:1")
    count = torch.cuda.device_count() if device.type == "cuda" else 0
    if device.type == "cuda" and (device.index or 0) >= count:
        raise MissingDevice(
            f"no {device}: {count} CUDA devices here; use device cpu or another, "
            "or check the driver with nvidia-smi"
        )


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
