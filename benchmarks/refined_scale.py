"""Measure time and memory of `--method refined` on synthetic features, up to UCF-Crime's size.

    python benchmarks/refined_scale.py [--segments 50000] [--dim 2048]

Features are generated chunk by chunk as they are read, so that only the memory of the method is
measured. Generating them is not counted in the time. UCF-Crime has 779,951 segments, 1,609 videos.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from c2fpl.models.labels.refined import label

CHUNK_SEGMENTS = 256
SEGMENTS_A_VIDEO = 485  # UCF-Crime's mean


@dataclass
class Clock:
    """CPU seconds spent generating features."""

    seconds: float = 0.0


@dataclass(frozen=True)
class MadeVideo:
    """A scene with noise of changing level, in chunks; every pass gives the same values."""

    number: int
    segments: int
    dim: int
    clock: Clock = field(repr=False)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        rng = np.random.default_rng(self.number)
        scene = rng.normal(size=self.dim).astype(np.float32)
        for first in range(0, self.segments, CHUNK_SEGMENTS):
            started = time.process_time()
            count = min(CHUNK_SEGMENTS, self.segments - first)
            level = np.float32(1 + (self.number + first // 40) % 3)
            chunk = scene + level * rng.standard_normal((count, self.dim), dtype=np.float32)
            self.clock.seconds += time.process_time() - started
            yield chunk


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--segments", type=int, default=50_000)
    parser.add_argument("--dim", type=int, default=2048)
    options = parser.parse_args()
    clock = Clock()
    count = max(2, options.segments // SEGMENTS_A_VIDEO)
    videos = [MadeVideo(n, SEGMENTS_A_VIDEO, options.dim, clock) for n in range(count)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.process_time()
    label(videos)
    cpu_seconds = time.process_time() - started - clock.seconds
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count} videos, {count * SEGMENTS_A_VIDEO} segments of {options.dim}: "
        f"{cpu_seconds:.1f} s of one core, "
        f"memory {before:.0f} -> {peak:.0f} MB"
    )


if __name__ == "__main__":
    main()
