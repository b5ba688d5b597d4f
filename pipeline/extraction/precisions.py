"""Chooses the precision of a run, the same on all of its devices."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from c2fpl.errors import BadSettings
from c2fpl.extractors.settings import WITHOUT_NETWORK, BackboneName, Precision

if TYPE_CHECKING:
    import torch


def computes_on_gpu(backbone: BackboneName, device: "torch.device") -> bool:
    """Whether features are computed on a GPU. Those of optical flow never are."""
    return device.type == "cuda" and backbone not in WITHOUT_NETWORK


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
