"""Number of CPU cores to use."""

import os


def usable_cores() -> int:
    """CPU cores that this process may use; often not all in a container or a batch job."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_workers(cores: int | None = None, *, on_gpu: bool = False) -> int:
    """Default number of decoder processes, at least 1.

    On a CPU, half the cores and at most 8: decoding needs only a few percent of the time and must
    leave cores for the network. With the network on a GPU, decoding limits the speed: all cores but
    two, which feed the GPU.
    """
    cores = cores or usable_cores()
    return max(1, cores - 2 if on_gpu else min(8, cores // 2))
