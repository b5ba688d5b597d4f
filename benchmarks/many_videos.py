"""Extract 2,000 short videos and a two-hour one, and record memory, descriptors and processes.

    python benchmarks/many_videos.py [--videos 2000] [--hours 2] [--folder FOLDER]

The videos are small and synthetic; the long one has 10 frames per second. Once a second, resident
memory, open descriptors and processes are summed over the process tree of `c2fpl extract`. Shared
pages count once per process, so true memory is lower. The table shows the largest values within
each tenth of the videos; they should not grow.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from synthetic import Synthetic

C2FPL = (sys.executable, "-m", "c2fpl")
SETTINGS = ("--backbone", "flow", "--crops", "1", "--device", "cpu", "--workers", "2", "--quiet")
FRAME_RATE = 10
KINDS = 20
"""Number of distinct short videos, of 16 to 35 frames; the others are copies."""


@dataclass(frozen=True)
class Sample:
    """The process tree at one moment."""

    done: int
    """Videos with complete features."""
    resident_mb: float
    descriptors: int
    processes: int


def write_videos(folder: Path, count: int, hours: float) -> None:
    """Write the short videos and the long one."""
    folder.mkdir()
    kinds = folder.parent / "kinds"
    kinds.mkdir()
    for kind in range(KINDS):
        Synthetic(f"{kind}.mp4", frames=16 + kind, width=64, height=48).write(kinds)
    for number in range(count):
        shutil.copy(kinds / f"{number % KINDS}.mp4", folder / f"short{number:05}.mp4")
    if hours:
        write_long_video(folder / "long.mp4", round(hours * 3600 * FRAME_RATE))


def write_long_video(path: Path, frames: int) -> None:
    """Write a moving square on a grey background."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = {"preset": "ultrafast", "g": "250"}
        for number in range(frames):
            pixels = np.full((48, 64, 3), 120, np.uint8)
            pixels[20:28, number % 56 : number % 56 + 8] = 200
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def sample(root: psutil.Process, features: Path) -> Sample:
    """Sum over the processes running now."""
    done = sum(1 for _ in features.glob("*.npy"))
    resident = descriptors = processes = 0
    for process in [root, *root.children(recursive=True)]:
        try:
            with process.oneshot():
                resident += process.memory_info().rss
                descriptors += process.num_fds()
            processes += 1
        except psutil.Error:
            continue
    return Sample(done, resident / 1e6, descriptors, processes)


def watch(folder: Path, output: Path) -> tuple[list[Sample], int]:
    """Extract all videos, sampling every second; return the samples and the exit code."""
    samples = []
    command = [*C2FPL, "extract", str(folder), "-o", str(output), *SETTINGS]
    with subprocess.Popen(command) as process:
        root = psutil.Process(process.pid)
        while process.poll() is None:
            samples.append(sample(root, output))
            time.sleep(1)
    return samples, process.returncode


def print_table(samples: list[Sample], videos: int) -> None:
    """Print the largest values within each tenth of the videos."""
    print("videos done   resident MB   descriptors   processes")
    for tenth in range(10):
        low, high = videos * tenth / 10, videos * (tenth + 1) / 10
        inside = [one for one in samples if low <= one.done < high and one.processes]
        if inside:
            print(
                f"{low:6.0f}-{high:<6.0f} {max(one.resident_mb for one in inside):11.0f}"
                f" {max(one.descriptors for one in inside):13}"
                f" {max(one.processes for one in inside):11}"
            )


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=2000)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        write_videos(folder / "videos", options.videos, options.hours)
        started_s = time.monotonic()
        samples, code = watch(folder / "videos", folder / "features")
        seconds = time.monotonic() - started_s
        done = len(list((folder / "features").glob("*.npy")))
        print(f"{done} of {options.videos + bool(options.hours)} videos in {seconds:.0f} s")
        print_table(samples, done)
        sys.exit(code)


if __name__ == "__main__":
    main()
