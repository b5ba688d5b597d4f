"""Checks that the requested device exists, so that nothing falls back to the CPU silently."""

from typing import TYPE_CHECKING

from c2fpl.errors import MissingDevice

if TYPE_CHECKING:
    import torch


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
