"""Number of CPU cores to use."""

import os


def usable_cores() -> int:
    """CPU cores that this process may use; often not all in a container or a batch job."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_workers(cores: int | None = None) -> int:
    """Default number of decoder processes: half the cores, from 1 to 8.

    On a CPU, decoding needs only a few percent of the time and must leave cores for the network.
    """
    return max(1, min(8, (cores or usable_cores()) // 2))
