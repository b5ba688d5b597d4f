"""Compare ten-crop extraction with common extractors and with hardware limits, on the CPU.

    python benchmarks/extraction.py VIDEO [--backbone i3d] [--segments 4] [--repeats 3]

Each variant runs in its own process, on the same random weights and the first segments of VIDEO.
Repeats are interleaved and medians printed. Core-seconds are CPU time including child processes,
without imports and building the network; "whole process" includes them.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WAYS = {
    "jpeg": "(a) JPEG files, PIL, float crops, float32",
    "whole": "(b) decord whole video, float crops, float32",
    "ours": "c2fpl extract, the whole pipeline",
    "network": "limit: our network only, frames in memory",
    "decoder": "limit: our decoder only",
}
SEGMENT_FRAMES = 16


def core_seconds() -> float:
    """CPU time of this process and its finished children, in seconds."""
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def measured(
    way: str, video: Path, segments: int, backbone: str, weights: Path
) -> dict[str, float]:
    """Run one variant in this process and return its times."""
    work = prepared(way, video, segments, backbone, weights)
    cores, start = core_seconds(), time.perf_counter()
    features = work()
    wall_s, core_s = time.perf_counter() - start, core_seconds() - cores
    np.save(weights.with_name(f"{way}.npy"), features)
    return {"wall_s": wall_s, "core_s": core_s, "process_core_s": core_seconds()}


def prepared(
    way: str, video: Path, segments: int, backbone: str, weights: Path
) -> Callable[[], NDArray[np.float32]]:
    """Import and build everything; the returned function does only the measured work."""
    if way in ("jpeg", "whole"):
        return _peer(way, video, segments, backbone, weights)
    from c2fpl.extractors.decoder_messages import SegmentFrames
    from c2fpl.extractors.decoder_pool import DecoderPool
    from c2fpl.extractors.encoding.encoder import make_encoder
    from c2fpl.extractors.extraction import Extraction, FeatureRows
    from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings

    encoder = make_encoder(ExtractionSettings(backbone=backbone, weights=weights), device="cpu")

    def decoded() -> list[NDArray[np.uint8]]:
        with DecoderPool(DecodingSettings(), encoder.short_side_pixels) as decoders:
            messages = decoders.decode([("video", video)])
            return [m.frames for m in messages if isinstance(m, SegmentFrames)]

    def pipeline() -> NDArray[np.float32]:
        with DecoderPool(
            DecodingSettings(), encoder.short_side_pixels, receiver=encoder
        ) as decoders:
            messages = Extraction(decoders, encoder).extract([("video", video)])
            rows = [m.values for m in messages if isinstance(m, FeatureRows)]
        return np.concatenate(rows)

    if way == "ours":
        return pipeline
    if way == "decoder":
        return lambda: np.zeros(len(decoded()), np.float32)
    frames = decoded()
    return lambda: _in_threads(encoder.encode, frames, encoder.threads)


def _in_threads(
    encode: Callable[[list[NDArray[np.uint8]]], NDArray[np.float32]],
    frames: list[NDArray[np.uint8]],
    threads: int,
) -> NDArray[np.float32]:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(lambda one: encode([one]), frames)))


def _peer(
    way: str, video: Path, segments: int, backbone: str, weights: Path
) -> Callable[[], NDArray[np.float32]]:
    import peers
    import torch

    from c2fpl.extractors.backbones.catalogue import backbone_named

    known = backbone_named(backbone)
    network = known.build()
    network.load_state_dict(torch.load(weights, weights_only=True))
    network.eval()
    run = peers.by_jpeg_files if way == "jpeg" else peers.by_whole_video
    return lambda: run(video, segments, network, known)


def save_weights(backbone: str, path: Path) -> None:
    """Save random weights whose activations have a realistic scale."""
    import torch

    from c2fpl.extractors.backbones.catalogue import backbone_named

    torch.manual_seed(0)
    network = backbone_named(backbone).build()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.weight.data.fill_(1.0)
    torch.save(network.state_dict(), path)


def save_cut(video: Path, segments: int, path: Path) -> None:
    """Save the first segments of the video as an H.264 file."""
    import av

    with av.open(str(video)) as source, av.open(str(path), "w") as target:
        first = source.streams.video[0]
        stream = target.add_stream("libx264", rate=first.average_rate)
        stream.width, stream.height, stream.pix_fmt = first.width, first.height, "yuv420p"
        stream.options = {"crf": "18"}
        frames = source.decode(video=0)
        for frame, _ in zip(frames, range(segments * SEGMENT_FRAMES), strict=False):
            picture = av.VideoFrame.from_ndarray(frame.to_ndarray(format="rgb24"), format="rgb24")
            target.mux(stream.encode(picture))
        target.mux(stream.encode())


def compare(video: Path, backbone: str, segments: int, repeats: int) -> None:
    """Run all variants, interleaved, and print the table."""
    figures: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.pt"
        save_weights(backbone, weights)
        save_cut(video, segments, Path(folder) / "cut.mp4")
        for _ in range(repeats):
            for way in WAYS:
                command = [sys.executable, __file__, str(Path(folder) / "cut.mp4"), "--way", way]
                command += ["--backbone", backbone, "--segments", str(segments)]
                command += ["--weights", str(weights)]
                out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                figures[way].append(json.loads(out.splitlines()[-1]))
        print(table(figures, segments, backbone))
        print(errors(Path(folder)))
        print(limit_of_arithmetic(backbone))


def table(figures: dict[str, list[dict[str, float]]], segments: int, backbone: str) -> str:
    """Markdown table of medians per ten-crop segment, and the speed-up in core-seconds over (a)."""

    def median(way: str, key: str) -> float:
        return statistics.median(figure[key] for figure in figures[way]) / segments

    lines = [
        f"| {backbone}, {segments} segments | segments/s | core-s per segment |"
        " core-s, whole process | vs (a) |",
        "|---|---|---|---|---|",
    ]
    for way, title in WAYS.items():
        core_s = median(way, "core_s")
        cells = (1 / median(way, "wall_s"), core_s, median(way, "process_core_s"))
        ratio = median("jpeg", "core_s") / core_s
        shown = " | ".join(f"{cell:.3g}" for cell in cells)
        lines.append(f"| {title} | {shown} | {ratio:.1f}x |")
    over = median("ours", "core_s") / median("network", "core_s") - 1
    lines.append(
        f"\nThe pipeline takes {100 * over:.1f} % more core-seconds than the network by itself."
    )
    return "\n".join(lines)


def errors(folder: Path) -> str:
    """Relative L2 error of the crop means against (b), which decodes and crops in the same way."""
    ours, plain = (np.load(folder / f"{way}.npy").mean(axis=1) for way in ("ours", "whole"))
    error = np.linalg.norm(ours - plain) / np.linalg.norm(plain)
    return f"Features against (b), crop means: relative L2 {100 * error:.2f} %."


def limit_of_arithmetic(backbone: str) -> str:
    """The time a segment would take at the rate of plain matrix products."""
    import roof

    from c2fpl.extractors.backbones.catalogue import backbone_named

    return roof.summary(roof.measured_roof(), roof.segment_gflop(backbone_named(backbone)))


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("video", type=Path)
    parser.add_argument("--backbone", default="i3d")
    parser.add_argument("--segments", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--weights", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    if asked.way:
        way = (asked.way, asked.video, asked.segments, asked.backbone, asked.weights)
        print(json.dumps(measured(*way)))
    else:
        print(f"{len(os.sched_getaffinity(0))} cores")
        compare(asked.video, asked.backbone, asked.segments, asked.repeats)


if __name__ == "__main__":
    main()
