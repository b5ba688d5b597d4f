"""How many CPU cores there are to use."""

import os


def usable_cores() -> int:
    """CPU cores that this process may use; in a container or a batch job often not all of them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_workers(cores: int | None = None) -> int:
    """Decoder processes: decoding is a few percent of a CPU run and must not crowd it out."""
    return max(1, min(8, (cores or usable_cores()) // 2))
