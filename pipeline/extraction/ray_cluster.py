"""The Ray cluster: joined or started, and how its machines are divided among tasks."""

import logging
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

CPUS_PER_TASK = 2

Ray: TypeAlias = Any
"""The module `ray`, imported only when asked for; it has no types."""


class NoCluster(RuntimeError):
    """Ray is not installed, or its cluster has nothing to run on."""


@contextmanager
def cluster() -> Iterator[Ray]:
    """Ray's module, joined to the cluster of `ray start`, or to one for this block alone."""
    try:
        import ray
    except ImportError as error:
        raise NoCluster("Ray is not installed; pip install 'c2fpl[ray]'") from error
    if ray.is_initialized():
        yield ray
        return
    with _own_sigterm():
        try:
            ray.init(address="auto", logging_level=logging.ERROR, log_to_driver=False)
        except ConnectionError:
            ray.init(logging_level=logging.ERROR, log_to_driver=False, include_dashboard=False)
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep the command line's SIGTERM handler, which Ray replaces when it starts."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


def share_out(nodes: Sequence[Mapping[str, Any]], device: str) -> tuple[int, dict[str, float], str]:
    """How many tasks can run at a time, what each needs of Ray, and its device.

    A task takes one GPU; without GPUs, or with device `cpu`, it takes two CPUs of one machine.

    Raises:
        NoCluster: the machines have none of these.
    """
    resources = [node["Resources"] for node in nodes if node["Alive"]]
    gpus = sum(int(one.get("GPU", 0)) for one in resources)
    if gpus and not device.startswith("cpu"):
        return gpus, {"num_gpus": 1}, "cuda"
    if device.startswith("cuda"):
        raise NoCluster(f"device {device!r} was asked for and the cluster has no GPU; --device cpu")
    cpus = [int(one.get("CPU", 0)) for one in resources]
    each = min(CPUS_PER_TASK, max(cpus, default=0))
    if not each:
        raise NoCluster("the cluster has no CPU to run on; start a machine with `ray start`")
    return sum(count // each for count in cpus), {"num_cpus": each}, "cpu"
