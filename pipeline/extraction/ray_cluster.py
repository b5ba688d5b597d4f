"""Connects to a Ray cluster or starts one, and divides its resources among tasks."""

import logging
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from c2fpl.errors import NoCluster

CPUS_PER_TASK = 2

Ray: TypeAlias = Any
"""The untyped module `ray`, imported only if it is used."""


@contextmanager
def cluster() -> Iterator[Ray]:
    """Yield the module `ray`, connected to a running cluster or to a new one for this block.

    Raises:
        NoCluster: Ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise NoCluster("Ray is not installed; pip install 'c2fpl[ray]'") from error
    if ray.is_initialized():
        yield ray
        return
    with _sigterm_handler_kept():
        try:
            ray.init(address="auto", logging_level=logging.ERROR, log_to_driver=False)
        except ConnectionError:
            ray.init(logging_level=logging.ERROR, log_to_driver=False, include_dashboard=False)
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def _sigterm_handler_kept() -> Iterator[None]:
    """Restore the command line's SIGTERM handler, which Ray replaces when it starts."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


def share_out(nodes: Sequence[Mapping[str, Any]], device: str) -> tuple[int, dict[str, float], str]:
    """Number of concurrent tasks, resources requested from Ray for each, and their device.

    A task uses one GPU and its share of the machine's CPUs, on which it decodes. Without GPUs, or
    with device `cpu`, it uses two CPUs of one machine.

    Raises:
        NoCluster: the machines lack these resources.
    """
    resources = [node["Resources"] for node in nodes if node["Alive"]]
    with_gpu = [one for one in resources if one.get("GPU", 0) >= 1]
    if with_gpu and not device.startswith("cpu"):
        share = min(int(one.get("CPU", 0)) // int(one["GPU"]) for one in with_gpu)
        tasks = sum(int(one["GPU"]) for one in with_gpu)
        return tasks, {"num_gpus": 1, "num_cpus": max(1, share)}, "cuda"
    if device.startswith("cuda"):
        raise NoCluster(f"device {device!r}: the cluster has no GPU; use --device cpu")
    cpus = [int(one.get("CPU", 0)) for one in resources]
    each = min(CPUS_PER_TASK, max(cpus, default=0))
    if not each:
        raise NoCluster("the cluster has no CPUs; add a machine with `ray start`")
    return sum(count // each for count in cpus), {"num_cpus": each}, "cpu"
