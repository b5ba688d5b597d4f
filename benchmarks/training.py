"""Compare detector training from disk with the published training: speed and peak memory.

    python benchmarks/training.py [--segments 50000] [--threads 1] [--repeats 3] [--folder FOLDER]

Published: the whole float32 array in memory, a DataLoader that reads one segment at a time, and the
training step in the same thread. Ours: float16 files with lengths like UCF-Crime's, read in random
order while the step runs. Before each run the files are dropped from the page cache. Each run has
its own process, for its own peak memory. The network without attention is the released one. On a
busy machine, compare CPU times instead of rates.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy
from torch.utils.data import DataLoader, Dataset

from c2fpl.models.detection.training import train
from c2fpl.models.settings import TrainingSettings
from c2fpl.models.sources import ArraySource
from c2fpl.pipeline.features.array_blocks import stored_features
from c2fpl.pipeline.features.segment_store import SegmentStore

CROPS, DIM = 10, 2048
UCF_SEGMENTS = 779_951
RUNS: dict[str, TrainingSettings | None] = {
    "published": None,
    "ours, no attention, fp32": TrainingSettings(
        attention="none", epochs=1, matmul_precision="fp32"
    ),
    "ours, no attention, bf16": TrainingSettings(
        attention="none", epochs=1, matmul_precision="bf16"
    ),
    "ours, residual attention, fp32": TrainingSettings(epochs=1, matmul_precision="fp32"),
    "ours, residual attention, bf16": TrainingSettings(epochs=1, matmul_precision="bf16"),
}


def write_features(folder: Path, segments: int) -> None:
    """Write one float16 file per video, and the same features as one float32 array."""
    rng = np.random.default_rng(0)
    whole = np.lib.format.open_memmap(
        folder / "concatenated.npy", "w+", np.float32, (segments, CROPS, DIM)
    )
    first = 0
    while first < segments:
        count = min(max(7, int(rng.lognormal(5, 1))), segments - first)
        values = rng.gamma(0.3, 1, (count, CROPS, DIM)).astype(np.float16)
        np.save(folder / f"video{first:08}.npy", values)
        whole[first : first + count] = values
        first += count
    whole.flush()
    np.save(folder / "labels.npy", (rng.random(segments) < 0.1).astype(np.float32))


def leave_page_cache(folder: Path) -> None:
    """Drop all files from the page cache, so that they are read from disk."""
    for path in folder.glob("*.npy"):
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


class WholeArray(Dataset[tuple[Tensor, Tensor]]):
    """All features in memory, read one segment at a time."""

    def __init__(self, folder: Path) -> None:
        self._features = np.load(folder / "concatenated.npy")
        self._labels = np.load(folder / "labels.npy")

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(self._features[index]), torch.tensor(self._labels[index])


def published(folder: Path) -> Callable[[], None]:
    """Load everything and return the epoch as a function."""
    dataset = WholeArray(folder)
    detector = nn.Sequential(
        *(nn.Linear(DIM, 512), nn.ReLU(), nn.Dropout(0.6)),
        *(nn.Linear(512, 32), nn.ReLU(), nn.Dropout(0.6)),
        *(nn.Linear(32, 1), nn.Sigmoid()),
    )
    optimiser = torch.optim.SGD(
        detector.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4
    )

    def epoch() -> None:
        for batch, labels in DataLoader(dataset, batch_size=128, shuffle=True):
            optimiser.zero_grad()
            torch.autograd.backward(binary_cross_entropy(detector(batch).mean(dim=(1, 2)), labels))
            optimiser.step()

    return epoch


def ours(folder: Path, settings: TrainingSettings) -> Callable[[], None]:
    """Read the file headers and return the epoch as a function."""
    store = SegmentStore([stored_features(p.name, p) for p in sorted(folder.glob("video*.npy"))])
    labels = np.load(folder / "labels.npy")

    def epoch() -> None:
        train(store, labels, settings, device="cpu")

    return epoch


def measure(name: str, folder: Path) -> None:
    """Run one epoch in this process and print its figures as JSON."""
    settings = RUNS[name]
    warm_up(settings or TrainingSettings(epochs=1))
    started = time.perf_counter()
    epoch = published(folder) if settings is None else ours(folder, settings)
    loaded, cpu = time.perf_counter(), time.process_time()
    epoch()
    figures = {
        "load_s": loaded - started,
        "epoch_s": time.perf_counter() - loaded,
        "cpu_s": time.process_time() - cpu,
        "peak_gb": peak_resident_gb(),
    }
    print(json.dumps(figures))


def warm_up(settings: TrainingSettings) -> None:
    """Train a few steps on zeros, because the first steps of a process load parts of torch."""
    values = np.zeros((512, CROPS, DIM), np.float32)
    train(ArraySource([values]), np.zeros(512), settings, device="cpu")


def peak_resident_gb() -> float:
    """Peak memory of this process; getrusage would include the parent that started it."""
    status = Path("/proc/self/status").read_text()
    kibibytes = next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]
    return int(kibibytes) * 1024 / 1e9


def compare(folder: Path, segments: int, threads: int, repeats: int) -> None:
    """Print the fastest of interleaved repeats of each run, and its speed-up over published."""
    fastest: dict[str, dict[str, float]] = {}
    for _ in range(repeats):
        for name in RUNS:
            figures = one_run(name, folder, threads)
            if name not in fastest or figures["epoch_s"] < fastest[name]["epoch_s"]:
                fastest[name] = figures
    baseline_s = fastest["published"]["epoch_s"]
    for name, figures in fastest.items():
        rate = segments / figures["epoch_s"]
        print(
            f"{name:32} {rate:7,.0f} segments/s  {baseline_s / figures['epoch_s']:4.2f}x  "
            f"UCF-Crime epoch {UCF_SEGMENTS / rate:5.0f} s  "
            f"CPU {1e3 * figures['cpu_s'] / segments:5.3f} ms a segment  "
            f"load {figures['load_s']:5.1f} s  peak {figures['peak_gb']:.2f} GB"
        )


def one_run(name: str, folder: Path, threads: int) -> dict[str, float]:
    """Measure one epoch in a new process, with a cold page cache."""
    leave_page_cache(folder)
    answer = subprocess.run(
        [sys.executable, __file__, "--run", name, "--folder", str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        check=True,
        capture_output=True,
        text=True,
    )
    figures: dict[str, float] = json.loads(answer.stdout)
    return figures


def main() -> None:
    """Run the benchmark from the command line, in a temporary folder inside --folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=50_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--run", choices=tuple(RUNS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        measure(options.run, options.folder)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        write_features(Path(folder), options.segments)
        compare(Path(folder), options.segments, options.threads, options.repeats)


if __name__ == "__main__":
    main()
