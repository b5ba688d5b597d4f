"""Freed memory stays in the process while a CPU computes, and goes back to the kernel after it."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from c2fpl.extractors.encoding import allocator
from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.extraction.worker import ExtractionWorker
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.settings import Execution

PASSES = """
import resource, sys
import psutil, torch
from c2fpl.extractors.encoding.allocator import keep_freed_memory, return_freed_memory

ARRAY_BYTES = 2**25

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def resident():
    return psutil.Process().memory_info().rss

if not keep_freed_memory():
    sys.exit(77)
torch.set_num_threads(1)
before = resident()
for number in range(30):
    if number == 20:  # glibc splits aligned chunks until its lists of small ones are full
        first = faults()
    torch.ones(ARRAY_BYTES, dtype=torch.uint8)
assert faults() - first < ARRAY_BYTES // 4096, "each pass finds its pages in place"
assert resident() > before + ARRAY_BYTES // 2, "freed memory is kept"
assert return_freed_memory()
assert resident() < before + ARRAY_BYTES // 2, "kept memory is returned"
larger = torch.empty(16 * ARRAY_BYTES, dtype=torch.uint8)  # fits into no hole of the heap
larger[:ARRAY_BYTES] = 1
del larger
assert resident() < before + ARRAY_BYTES // 2, "a larger array is returned when it is freed"
"""


def test_passes_reuse_their_memory_until_it_is_returned() -> None:
    # A preloaded malloc, such as jemalloc, would replace that of glibc.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    done = subprocess.run(
        [sys.executable, "-c", PASSES], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode == 77:
        pytest.skip("no glibc here")
    assert done.returncode == 0, done.stderr


def test_without_glibc_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    class Musl:
        mallopt = malloc_trim = None  # without gnu_get_libc_version

    for platform, library in (("darwin", None), ("linux", Musl)):
        monkeypatch.setattr(sys, "platform", platform)
        monkeypatch.setattr(ctypes, "CDLL", {None: library}.__getitem__)
        assert not allocator.keep_freed_memory()
        assert not allocator.return_freed_memory()


@pytest.mark.parametrize(("device", "calls"), [("cpu", ["keep", "return"]), ("cuda", ["return"])])
def test_a_worker_on_a_cpu_keeps_memory_while_it_is_open(
    device: str, calls: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    encoder: Any = SimpleNamespace(short_side_pixels=32, threads=1, segments_per_batch=1)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr("c2fpl.extractors.encoding.encoder.make_encoder", lambda *_, **__: encoder)
    monkeypatch.setattr(allocator, "keep_freed_memory", lambda: made.append("keep"))
    monkeypatch.setattr(allocator, "return_freed_memory", lambda: made.append("return"))
    settings = FeatureSettings(ExtractionSettings(), DecodingSettings())
    with ExtractionWorker(RunFiles(tmp_path), settings, Execution(device=device)):
        assert made == calls[:-1]
    assert made == calls
