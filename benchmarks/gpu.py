"""Measure a GPU: its limits, the forms of a network, the feed, the whole pipeline, and training.

    python benchmarks/gpu.py [VIDEO ...] [--backbones i3d,i3d-nonlocal-net] [--out gpu.json]

Takes about six minutes. Needs no file: weights are random and videos are generated (H.264, 320x240)
unless some are given. `--device cpu` does all of it in tiny sizes, to test this program without a
GPU; its figures mean nothing. Each part that fails is reported, and the others go on.
"""

import argparse
import json
import os
import platform
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from extraction import save_weights
from gpu_network import Rows, forms, limits
from gpu_pipeline import feed, generated_videos, pipeline, training

from c2fpl.extractors.settings import Crops, ExtractionSettings
from c2fpl.pipeline.settings import Execution


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    crops: Crops
    """Crops of a segment in the pipeline."""
    clips: tuple[int, ...]
    """Batch sizes of the network's forms."""
    batch_segments: int
    """Segments of a batch of the encoder; 0 measures the fastest."""
    videos: int
    """Videos to generate."""
    most_frames: int
    """Frames of a generated video, at most."""
    copies: int
    """How often each video is decoded."""
    workers: tuple[int, ...]
    """Numbers of decoders."""
    seconds: float
    """Duration of a measurement."""
    matrix_side: int
    """Side of the matrices that are multiplied."""
    copied_bytes: int
    """Bytes of a copy."""
    training: tuple[int, int, int]
    """Segments, crops and dim of the training set."""


def sizes_for(device: torch.device) -> Sizes:
    """The sizes for a GPU, or tiny ones for a CPU."""
    if device.type == "cpu":
        return Sizes(1, (1,), 1, 1, 32, 1, (1,), 0.0, 256, 2**20, (256, 2, 64))
    cores = len(os.sched_getaffinity(0))
    workers = tuple(sorted({max(1, cores // 2), max(1, cores - 2)}))
    return Sizes(10, (40, 80, 160), 0, 8, 400, 8, workers, 2.0, 8192, 2**30, (20_000, 10, 2048))


def machine(device: torch.device) -> dict[str, str]:
    """Card, driver, versions and cores: what is needed to repeat the figures."""
    found = {
        "device": str(device),
        "card": "none",
        "driver": "none",
        "torch": torch.__version__,
        "cuda": torch.version.cuda or "none",
        "cudnn": str(torch.backends.cudnn.version()),
        "python": platform.python_version(),
        "cores": str(len(os.sched_getaffinity(0))),
        "date": time.strftime("%Y-%m-%d"),
    }
    if device.type == "cuda":
        found["card"] = torch.cuda.get_device_name(device)
        query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        asked = subprocess.run(query, capture_output=True, text=True, check=False)
        found["driver"] = next(iter(asked.stdout.split()), "unknown")
    return found


def parts(
    device: torch.device, sizes: Sizes, backbones: list[str], videos: list[Path], folder: Path
) -> dict[str, Callable[[], Rows]]:
    """The measurements by the title of their table."""
    every = videos * sizes.copies
    measured: dict[str, Callable[[], Rows]] = {
        "limits": partial(limits, device, sizes.matrix_side, sizes.copied_bytes),
        "feed": partial(feed, every, sizes.workers),
    }
    execution = Execution(device=str(device), segments_per_call=sizes.batch_segments, quiet=True)
    for name in backbones:
        weights = folder / f"{name}.pt"
        settings = ExtractionSettings(backbone=name, weights=weights, crops=sizes.crops)
        save_weights(name, weights)
        measured[f"forms of {name}"] = partial(
            forms, settings.backbone, weights, device, sizes.clips, sizes.seconds
        )
        measured[f"pipeline with {name}"] = partial(
            pipeline, settings, execution, every, sizes.workers, sizes.seconds, folder
        )
    measured["training"] = partial(training, device, *sizes.training)
    return measured


def table(title: str, rows: Rows) -> str:
    """A Markdown table."""
    columns = list(dict.fromkeys(name for row in rows for name in row))

    def line(cells: list[Any]) -> str:
        shown = (f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in cells)
        return f"| {' | '.join(shown)} |"

    body = [line([row.get(name, "") for name in columns]) for row in rows]
    return "\n".join([f"\n{title}\n", line(columns), line(["---"] * len(columns)), *body])


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("videos", nargs="*", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--backbones", default="i3d,i3d-nonlocal-net")
    parser.add_argument("--out", type=Path, default=Path("gpu.json"))
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    device = torch.device(asked.device)
    sizes, started = sizes_for(device), time.perf_counter()
    made: dict[str, Any] = {"machine": machine(device)}
    print(table("machine", [made["machine"]]), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        videos = asked.videos or generated_videos(
            Path(folder) / "videos", sizes.videos, sizes.most_frames
        )
        backbones = asked.backbones.split(",")
        for title, measure in parts(device, sizes, backbones, videos, Path(folder)).items():
            try:
                rows = measure()
            except Exception as error:  # noqa: BLE001  # time on a GPU is short: go on with the next
                rows = [{"failed": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"}]
            made[title] = rows
            print(table(f"{title} ({time.perf_counter() - started:.0f} s)", rows), flush=True)
            asked.out.write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
