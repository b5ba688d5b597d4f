"""Generate features and annotations in the layout of RTFM's UCF-Crime features, at any scale.

    python benchmarks/made_features.py OUT [--scale 0.01] [--dim 2048] [--crops 10]
        [--dtype float16|float32] [--counts ucf_train.csv ucf_test.csv] [--sparse] [--seed 0]

OUT then contains UCF_Train_ten_crop_i3d/ and UCF_Test_ten_crop_i3d/ with <video>_i3d.npy
(segments, crops, dim), Anomaly_Train.txt, Anomaly_Test.txt, the annotation file and ucf_test.csv:

    c2fpl benchmark ucf-crime --features OUT --annotations OUT/Temporal_Anomaly_Annotation.txt ...

Segment counts come from the given tables; otherwise they are random, with the same number of videos
and segments. `--sparse` writes sparse files with one non-zero value per video: 779,951 x 10 x 2048
values need 8 MB of disk. They test memory use, not learning.

The values are synthetic. Each video has its own scene, all scenes have similar norms, and anomalous
segments are shifted in one direction. The method finds them, but results on them say nothing about
real videos.
"""

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

CLASSES = (
    "Abuse", "Arrest", "Arson", "Assault", "Burglary", "Explosion", "Fighting", "RoadAccidents",
    "Robbery", "Shooting", "Shoplifting", "Stealing", "Vandalism",
)  # fmt: skip
SEGMENT_FRAMES = 16
PARTS = {
    "train": ("UCF_Train_ten_crop_i3d", 810, 800, 779_951),
    "test": ("UCF_Test_ten_crop_i3d", 140, 150, 69_634),
}
"""Folder, anomalous and normal videos, and segments at scale 1."""
ANNOTATIONS = "Temporal_Anomaly_Annotation.txt"


@dataclass(frozen=True)
class Video:
    """One synthetic video."""

    name: str
    """Name in the style of UCF-Crime."""
    segments: int
    """At least 5."""
    event: tuple[int, int] | None
    """Anomalous segments [start, end)."""


@dataclass(frozen=True)
class Shape:
    """Shape and storage of the feature arrays."""

    crops: int = 10
    dim: int = 2048
    dtype: str = "float16"
    sparse: bool = False


def make(
    folder: Path,
    *,
    scale: float = 0.01,
    shape: Shape | None = None,
    counts: dict[str, NDArray[np.int64]] | None = None,
    seed: int = 0,
) -> dict[str, list[Video]]:
    """Write the data set.

    Args:
        folder: created if missing.
        scale: fraction of UCF-Crime's videos, at least four of each kind.
        shape: shape and storage of the arrays.
        counts: (videos,) segment counts by part, instead of random ones.
        seed: random seed.

    Returns:
        The videos by part, in list order.
    """
    rng = np.random.default_rng(seed)
    shape = shape or Shape()
    made = {}
    direction = rng.normal(size=shape.dim)
    for part, (name, anomalous, normal, segments) in PARTS.items():
        videos = _videos(part, anomalous, normal, segments, scale, (counts or {}).get(part), rng)
        (folder / name).mkdir(parents=True, exist_ok=True)
        for video in videos:
            path = folder / name / f"{video.name}_i3d.npy"
            write_features(path, video, shape, direction, rng)
        lines = [f"{_folder_of(video)}/{video.name}.mp4" for video in videos]
        (folder / f"Anomaly_{part.title()}.txt").write_text("\n".join(lines) + "\n")
        made[part] = videos
    _write_annotations(folder, made["test"])
    return made


def write_features(
    path: Path, video: Video, shape: Shape, direction: NDArray[np.float64], rng: np.random.Generator
) -> None:
    """Write one feature file, 64 segments at a time."""
    whole = (video.segments, shape.crops, shape.dim)
    descr = "<f2" if shape.dtype == "float16" else "<f4"
    scene = rng.gamma(0.6, 0.5, size=shape.dim)
    scene *= np.sqrt(shape.dim) / np.linalg.norm(scene) * rng.uniform(0.9, 1.1)
    with path.open("wb") as file:
        header = {"descr": descr, "fortran_order": False, "shape": whole}
        npy_format.write_array_header_1_0(file, header)
        if shape.sparse:
            loud = np.array(rng.uniform(50, 60) if video.event else rng.uniform(5, 6), descr)
            end = file.tell() + int(np.prod(whole)) * loud.itemsize
            file.write(loud.tobytes())
            file.truncate(end)
            return
        for start in range(0, video.segments, 64):
            segments = np.arange(start, min(start + 64, video.segments))
            values = _values(segments, video, scene, direction, shape, rng)
            file.write(values.astype(descr).tobytes())


def _values(
    segments: NDArray[np.int64],
    video: Video,
    scene: NDArray[np.float64],
    direction: NDArray[np.float64],
    shape: Shape,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Features (segments, crops, dim), non-negative as after a ReLU."""
    start, end = video.event or (0, 0)
    anomalous = ((segments >= start) & (segments < end)).astype(np.float32)[:, None, None]
    noise = rng.standard_normal((len(segments), shape.crops, shape.dim), dtype=np.float32)
    change = anomalous * np.abs(direction)
    return np.maximum(0, scene + 0.12 * noise + change).astype(np.float32)


def _videos(
    part: str,
    anomalous: int,
    normal: int,
    segments: int,
    scale: float,
    counts: NDArray[np.int64] | None,
    rng: np.random.Generator,
) -> list[Video]:
    if counts is None:
        anomalous, normal = max(4, round(anomalous * scale)), max(4, round(normal * scale))
        counts = drawn_counts(anomalous + normal, max(40, round(segments * scale)), rng)
    else:
        anomalous = round(len(counts) * anomalous / (anomalous + normal))
    videos = []
    for index, count in enumerate(counts.tolist()):
        is_anomalous = index < anomalous
        length = max(1, round(0.2 * count))
        start = int(rng.integers(0, count - length + 1))
        event = (start, start + length) if is_anomalous else None
        videos.append(Video(_name(part, index, anomalous), count, event))
    return videos


def drawn_counts(
    videos: int, segments: int, rng: np.random.Generator, least: int = 7
) -> NDArray[np.int64]:
    """(videos,) log-normal segment counts with the given sum, long-tailed like the real ones."""
    drawn = rng.lognormal(5, 1.3, videos)
    spare = max(0, segments - least * videos)
    counts = least + (drawn / drawn.sum() * spare).astype(np.int64)
    counts[counts.argmax()] += max(0, segments - int(counts.sum()))
    return counts


def _name(part: str, index: int, anomalous: int) -> str:
    if index < anomalous:
        kind = CLASSES[index % len(CLASSES)]
        number = index // len(CLASSES) + (1 if part == "train" else 501)
        return f"{kind}{number:03d}_x264"
    number = index - anomalous + 1
    return f"Normal_Videos{'' if part == 'train' else '_'}{number:03d}_x264"


def _folder_of(video: Video) -> str:
    if video.event is not None:
        return video.name.removesuffix("_x264")[:-3]
    test = "_" in video.name.removeprefix("Normal_Videos")[:1]
    return "Testing_Normal_Videos_Anomaly" if test else "Training_Normal_Videos_Anomaly"


def _write_annotations(folder: Path, videos: list[Video]) -> None:
    """Write the annotations in the official format, and the table of frame counts."""
    lines, rows = [], []
    for order, video in enumerate(videos):
        kind = _folder_of(video) if video.event else "Normal"
        start, end = (SEGMENT_FRAMES * edge for edge in video.event) if video.event else (-1, -1)
        lines.append(f"{video.name}.mp4  {kind}  {start}  {end}  -1  -1  ")
        rows.append((order, video.name, video.segments * SEGMENT_FRAMES))
    (folder / ANNOTATIONS).write_text("\n".join(lines) + "\n")
    with (folder / "ucf_test.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("order", "video", "n_frames"), *rows])


def read_counts(path: Path, column: str = "T_i3d2048_rtfm") -> NDArray[np.int64]:
    """(videos,) segment counts of a table; rows with an empty cell are skipped."""
    with path.open(newline="") as file:
        cells = [row[column] for row in csv.DictReader(file)]
    return np.array([int(cell) for cell in cells if cell], dtype=np.int64)


def main() -> None:
    """Generate the data set from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=float, default=0.01)
    parser.add_argument("--dim", type=int, default=2048)
    parser.add_argument("--crops", type=int, default=10)
    parser.add_argument("--dtype", choices=("float16", "float32"), default="float16")
    parser.add_argument("--counts", type=Path, nargs=2, metavar=("TRAIN", "TEST"))
    parser.add_argument("--sparse", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    counts = None
    if given.counts:
        counts = dict(zip(("train", "test"), map(read_counts, given.counts), strict=True))
    shape = Shape(given.crops, given.dim, given.dtype, given.sparse)
    made = make(given.folder, scale=given.scale, shape=shape, counts=counts, seed=given.seed)
    for part, videos in made.items():
        print(f"{part}: {len(videos)} videos, {sum(video.segments for video in videos)} segments")


if __name__ == "__main__":
    main()
