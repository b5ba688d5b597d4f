"""Work shared among processes: the same results in order, and no process left behind."""

import multiprocessing
import operator
import os
import subprocess
import sys
import textwrap

import psutil
import pytest

from c2fpl.process_map import map_in_processes


@pytest.mark.parametrize("processes", [1, 3])
def test_results_come_in_the_order_of_the_items(processes: int) -> None:
    assert list(map_in_processes(operator.neg, range(20), processes)) == [-n for n in range(20)]


def test_one_process_is_this_process() -> None:
    assert list(map_in_processes(lambda _: os.getpid(), [0], 1)) == [os.getpid()]


def test_no_worker_outlives_the_call() -> None:
    assert os.getpid() not in list(map_in_processes(lambda _: os.getpid(), range(4), 2))
    assert not multiprocessing.active_children()


def test_workers_end_when_their_parent_is_killed() -> None:
    script = textwrap.dedent("""
        import os, time
        from c2fpl.process_map import map_in_processes

        def say_pid_and_wait(_):
            print(os.getpid(), flush=True)
            time.sleep(600)

        list(map_in_processes(say_pid_and_wait, range(2), 2))
    """)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        workers = [psutil.Process(int(parent.stdout.readline())) for _ in range(2)]
        parent.kill()
    _, alive = psutil.wait_procs(workers, timeout=600)
    assert not alive
