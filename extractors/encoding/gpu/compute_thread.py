"""One long-lived thread that owns everything on a GPU: network, graphs and cuDNN's plans.

PyTorch keeps the kernels that cuDNN has chosen per thread. A thread of its own chooses once,
whoever calls, and two callers cannot end up with different kernels.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Result = TypeVar("Result")


class ComputeThread:
    """Runs functions one after another in inference mode; the thread ends with this object."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "gpu")

    def run(self, work: Callable[[], Result]) -> Result:
        """Waits for the result of a function that runs in the thread; its errors are raised."""

        def in_inference_mode() -> Result:
            with torch.inference_mode():
                return work()

        return self._pool.submit(in_inference_mode).result()
