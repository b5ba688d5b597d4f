"""The device by name: chosen once, and an error where it is absent, never a silent CPU."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class MissingDevice(ValueError):
    """A device was asked for that this machine does not have."""


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
    count = torch.cuda.device_count()
    if device.type not in ("cpu", "cuda"):
        raise MissingDevice(f"device {name!r} is not supported; use auto, cpu, cuda or cuda:1")
    if device.type == "cuda" and (device.index or 0) >= count:
        raise MissingDevice(
            f"device {name!r} was asked for and this machine has {count} CUDA devices; "
            "use --device cpu, or check the driver with nvidia-smi"
        )
    return device
