"""Measure what `flow-stabilised` brings when the camera moves: the tables of docs/methods.md.

    python benchmarks/camera_motion.py DATA [-o OUT] [--sets ped2 surv-cameras]

The videos of a set are filmed again through a window of 80 % of their side, which is either fixed
or moves: it pans in bursts and zooms, turns and shakes. The frames and their ground truth stay the
same. Agreement is the mean rank correlation, within videos, of a sign in the moving window with
that of `flow` in the fixed one; it reads no annotation. Features are kept in OUT. A window over
flat frames has no parallax: real moving cameras gain less.
"""

import argparse
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from method_sets import FRAME_RATES, RealSet, intervals_of, truth_of
from method_table import Arrays, measured
from numpy.typing import NDArray
from scipy.stats import spearmanr

from c2fpl.extractors.encoding.encoder import make_encoder
from c2fpl.extractors.segments import SegmentPlan
from c2fpl.extractors.settings import BackboneName, ExtractionSettings
from c2fpl.models.labels import refined
from c2fpl.models.labels.change import larger_side, steps_of
from c2fpl.pipeline.steps.make_labels import CropMeans

SIDE = 0.8
"""Side of the window over that of the picture."""
BACKBONES: tuple[BackboneName, ...] = ("flow", "flow-stabilised")
SIGNS = ("norm", "change", "evidence")

Frames = NDArray[np.uint8]
Signs = dict[str, list[NDArray[np.float64]]]


@dataclass(frozen=True, eq=False)
class Video:
    """Features of a video with both backbones."""

    features: NDArray[np.float32]
    """(2, segments, crops, dim) in the order of BACKBONES."""
    frame_count: int


def read(path: Path) -> Frames:
    """All frames, RGB, uint8 (frames, height, width, 3)."""
    video, frames = cv2.VideoCapture(str(path)), []
    while (read := video.read())[0]:
        frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    return np.stack(frames).astype(np.uint8)


def window_path(count: int, frame_rate: float, seed: int) -> NDArray[np.float64]:
    """Place of a moving window: (count, 6) of x, y, zoom and turn in [-1, 1], and the shake x, y.

    It moves and rests in turns of 1.5 to 4 s. The shake has a deviation of 0.3 pixels.
    """
    random = np.random.default_rng(seed)
    moves, moving = np.zeros(count), bool(random.integers(2))
    start = 0
    while start < count:
        end = start + int(random.uniform(1.5, 4) * frame_rate)
        moves[start:end] = moving
        start, moving = end, not moving
    soft = np.ones(max(int(0.4 * frame_rate), 1))
    seconds = np.cumsum(np.convolve(moves, soft / len(soft), "same")[:count]) / frame_rate
    starts, periods_s = random.uniform(0, 2 * np.pi, 4), random.uniform(2.5, 5, 4)
    slow = np.sin(2 * np.pi * seconds[:, None] / periods_s + starts)
    shake = random.normal(0, 0.25, (count, 2))
    for i in range(1, count):
        shake[i] += 0.6 * shake[i - 1]
    return np.hstack([slow, shake])


def filmed(frames: Frames, places: NDArray[np.float64]) -> Frames:
    """The frames through a window at these places, enlarged to their size."""
    height, width = frames.shape[1:3]
    room = (1 - SIDE) / 2 * 0.8
    shown = np.empty_like(frames)
    for picture, frame, (x, y, zoom, turn, *shake) in zip(shown, frames, places, strict=True):
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, SIDE * (1 + 0.04 * zoom))
        matrix[:, 2] += np.array([room * width * x, room * 0.6 * height * y]) + shake
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        cv2.warpAffine(frame, matrix, (width, height), picture, flags, cv2.BORDER_REFLECT)
    return shown


def extract(name: str, moving: bool, data: Path, out: Path) -> dict[str, Video]:
    """Features of each video, by its path without suffix; kept in `out`."""
    encoders = [
        make_encoder(ExtractionSettings(backbone=backbone), device="cpu") for backbone in BACKBONES
    ]
    videos = {}
    for path in sorted((data / name).rglob("*.mp4")):
        video = path.relative_to(data / name).with_suffix("")
        saved = out / name / ("moving" if moving else "fixed") / f"{video}.npz"
        if not saved.exists():
            frames = read(path)
            places = np.zeros((len(frames), 6))
            if moving:
                rate, seed = FRAME_RATES.get(name, 30.0), zlib.crc32(path.name.encode())
                places = window_path(len(frames), rate, seed)
            segments = split(filmed(frames, places))
            saved.parent.mkdir(parents=True, exist_ok=True)
            features = np.stack([encoder.encode(segments) for encoder in encoders])
            np.savez(saved, features=features, frame_count=len(frames))
        stored = np.load(saved)
        videos[str(video)] = Video(stored["features"], int(stored["frame_count"]))
    return videos


def split(frames: Frames) -> list[Frames]:
    """Segments of 16 frames; the last one repeats its frames."""
    parts = (frames[start : start + 16] for start in range(0, len(frames), 16))
    return [part[np.arange(16) % len(part)] for part in parts]


def signs(videos: Sequence[NDArray[np.float32]]) -> Signs:
    """Norm, change and evidence of each segment of each video."""
    arrays = Arrays(videos)
    means = [CropMeans(arrays, name) for name in arrays.names]
    norms = [np.linalg.norm(video.mean(axis=1), axis=1).astype(float) for video in videos]
    changes = [larger_side(steps) for steps in steps_of(means)]
    return dict(zip(SIGNS, (norms, changes, list(refined.label(means).scores)), strict=True))


def agreement(some: Signs, others: Signs, sign: str) -> float:
    """Mean rank correlation within videos of four segments or more."""
    pairs = zip(some[sign], others[sign], strict=True)
    found = [spearmanr(a, b)[0] for a, b in pairs if len(a) > 3 and np.ptp(a) * np.ptp(b) > 0]
    return float(np.mean(found))


def auc(
    name: str,
    videos: dict[str, Video],
    scores: Sequence[NDArray[np.float64]],
    intervals: dict[str, list[tuple[int, int]]],
) -> str:
    """AUC of segment scores in per cent, pooled / within videos."""
    counts = [videos[video].frame_count for video in intervals]
    real = RealSet(
        trained=(),
        tested=(),
        truths=tuple(map(truth_of, counts, intervals.values())),
        to_frames=tuple(SegmentPlan(count).to_frames for count in counts),
        frame_rate=FRAME_RATES.get(name, 30.0),
    )
    by_name = dict(zip(videos, scores, strict=True))
    found = measured(real, [by_name[video] for video in intervals])
    return f"{100 * found['auc']:.1f} / {100 * found['auc_within_videos']:.1f}"


def report(name: str, data: Path, out: Path) -> None:
    """Print a row per window and backbone: agreement, then AUC pooled / within videos."""
    intervals = intervals_of(data / name)
    reference: Signs = {}
    for moving in (False, True):
        videos = extract(name, moving, data, out)
        for number, backbone in enumerate(BACKBONES):
            found = signs([video.features[number] for video in videos.values()])
            reference = reference or found
            cells = [f"{agreement(reference, found, sign):.2f}" for sign in SIGNS]
            cells += [auc(name, videos, found[sign], intervals) for sign in SIGNS]
            window = "moving" if moving else "fixed"
            print(f"| {name}, {window} | {backbone} |", " | ".join(cells), "|", flush=True)


def main() -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("camera-motion"))
    parser.add_argument("--sets", nargs="+", default=["ped2", "surv-cameras"])
    options = parser.parse_args()
    agreements, aucs = (" | ".join(f"{sign}, {what}" for sign in SIGNS) for what in ("rho", "AUC"))
    print(f"| window | backbone | {agreements} | {aucs} |", "|---" * 8 + "|", sep="\n")
    for name in options.sets:
        report(name, options.data, options.out)


if __name__ == "__main__":
    main()
