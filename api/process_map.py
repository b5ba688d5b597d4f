"""Map a function over items in worker processes that never outlive the call or the caller."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from joblib.externals.loky import ProcessPoolExecutor

CHECK_PARENT_EVERY_S = 1.0

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_processes(
    function: Callable[[Item], Result], items: Iterable[Item], processes: int
) -> Iterator[Result]:
    """Yield function(item) in order; with one process, without starting any.

    Joblib's shared pool would keep idle processes for minutes, which delay the caller's exit.
    """
    if processes == 1:
        yield from map(function, items)
        return
    with ProcessPoolExecutor(
        processes, initializer=_end_with_parent, initargs=(os.getpid(),)
    ) as pool:
        yield from pool.map(function, items)


def _end_with_parent(parent: int) -> None:
    """Make this process end soon after its parent, even if the parent was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(CHECK_PARENT_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
