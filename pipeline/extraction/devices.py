"""The device by name: chosen once, and an error where it is absent, never a silent CPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from c2fpl.extractors.devices import MissingDevice, check_device

if TYPE_CHECKING:
    import torch


DEVICE_WORDS = ("CUDA", "cuDNN", "cuBLAS", "out of memory")
"""What a RuntimeError of torch says when the device, not the program, is at fault."""


class DeviceFailed(RuntimeError):
    """The device vanished midway, or has too little memory for a single clip."""


def resolve_device(name: str) -> "torch.device":
    """The torch device called `name`; `auto` is the first GPU if there is one, else the CPU.

    Raises:
        MissingDevice: no such device here.
    """
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise MissingDevice(f"device {name!r} is unknown; use auto, cpu, cuda or cuda:1") from error
    check_device(device)
    return device


@contextmanager
def device_failures_said() -> Iterator[None]:
    """Turn what torch says of a failing device into one line with its cure."""
    try:
        yield
    except RuntimeError as error:
        said = " ".join(str(error).split())
        if not any(word in said for word in DEVICE_WORDS):
            raise
        raise DeviceFailed(
            f"the device failed ({said[:200]}); what is finished is whole: check it with "
            "nvidia-smi, then the same command goes on from there, or on another --device"
        ) from error
