"""Generates small CCTV-like videos with known anomalies: walking people and sometimes a brawl.

Everything follows from one seed. In normal parts a few figures cross the scene at walking speed,
the light drifts and the sensor is noisy. In anomalous parts more figures meet and struggle.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from c2fpl.pipeline.files.atomic import whole_file

WIDTH, HEIGHT, FRAME_RATE = 320, 240, 25


@dataclass(frozen=True)
class DemoVideo:
    """One video to generate."""

    name: str
    """File name without suffix."""
    frame_count: int
    anomaly: tuple[int, int] | None
    """Frames [start, end) of the brawl; None in a normal video."""
    camera_seed: int
    """Random seed of the scene."""
    seed: int
    """Random seed of the figures and the noise."""


def plan_videos(*, count: int, seed: int) -> list[DemoVideo]:
    """Plan `count` videos; every third has a brawl of about a fifth of its length."""
    random = np.random.default_rng(seed)
    videos = []
    for index in range(count):
        frame_count = int(random.integers(240, 400))
        length = int(frame_count * random.uniform(0.18, 0.26))
        start = int(random.integers(FRAME_RATE, frame_count - length - FRAME_RATE))
        anomaly = (start, start + length) if index % 3 == 2 else None
        name = f"{('hall', 'yard')[index % 2]}{index:02d}"
        videos.append(DemoVideo(name, frame_count, anomaly, seed + index % 2, seed * 1000 + index))
    return videos


def write_videos(videos: list[DemoVideo], folder: Path) -> Path:
    """Encode the videos as H.264 mp4 and write annotations.txt next to their folder.

    Returns:
        Path of the annotation file. Its lines are `name start end`, with frames from 0 and an
        exclusive end, or only `name` for a normal video.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for video in videos:
        path = folder / f"{video.name}.mp4"
        if not path.exists():
            _encode(path, draw_frames(video))
    lines = [" ".join(map(str, (video.name, *(video.anomaly or ())))) for video in videos]
    annotations = folder.parent / "annotations.txt"
    annotations.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return annotations


def draw_frames(video: DemoVideo) -> Iterator[NDArray[np.uint8]]:
    """The frames of a video: RGB, uint8 (height, width, 3) each."""
    random = np.random.default_rng(video.seed)
    scene = _scene(np.random.default_rng(video.camera_seed))
    figures = [_Figure(random) for _ in range(int(random.integers(1, 4)))]
    brawlers = [_Figure(random) for _ in range(4)]
    place = random.uniform((80, 110), (WIDTH - 80, HEIGHT - 50))
    noise = random.normal(0, 2.5, (8, HEIGHT, WIDTH, 3)).astype(np.float32)
    for frame in range(video.frame_count):
        image = scene * np.float32(1 + 0.04 * np.sin(2 * np.pi * frame / 400))
        for figure in figures:
            figure.walk()
            figure.draw(image)
        if video.anomaly and video.anomaly[0] <= frame < video.anomaly[1]:
            for brawler in brawlers:
                brawler.struggle(place, random)
                brawler.draw(image)
        image += noise[random.integers(len(noise))]
        yield np.clip(image, 0, 255).astype(np.uint8)


class _Figure:
    """A person made of three ellipses: head, body and legs."""

    def __init__(self, random: np.random.Generator) -> None:
        self.place = random.uniform((0, 100), (WIDTH, HEIGHT - 30))
        self.step = np.array([random.choice((-1, 1)) * random.uniform(0.6, 1.6), 0.0])
        self.colour = tuple(int(c) for c in random.integers(20, 230, 3))
        self.height = float(random.uniform(36, 54))

    def walk(self) -> None:
        """Move by one frame at walking speed, and reappear on the other side at the edge."""
        self.place = self.place + self.step
        self.place[0] %= WIDTH

    def struggle(self, place: NDArray[np.float64], random: np.random.Generator) -> None:
        """Move by one frame, quickly and erratically, around `place`, (x, y) in pixels."""
        pull = 0.25 * (place - self.place)
        self.place = self.place + pull + random.normal(0, 7, 2)

    def draw(self, image: NDArray[np.float32]) -> None:
        """Draw the figure into the frame (height, width, 3), in place."""
        x, y = (int(value) for value in self.place)
        head, body = int(self.height * 0.16), int(self.height * 0.34)
        cv2.ellipse(image, (x, y), (head + 4, body), 0, 0, 360, self.colour, -1)
        cv2.circle(image, (x, y - body - head), head, (190, 150, 130), -1)
        legs = (x, y + body + head)
        cv2.ellipse(image, legs, (head, body // 2 + 2), 0, 0, 360, (40, 40, 60), -1)


def _scene(random: np.random.Generator) -> NDArray[np.float32]:
    """A textured wall and floor with a few boxes, float32 (height, width, 3) in [0, 255]."""
    grey = random.uniform(95, 130, (HEIGHT // 16, WIDTH // 16, 1))
    coarse = (grey + random.uniform(-5, 5, (*grey.shape[:2], 3))).astype(np.float32)
    size = (WIDTH, HEIGHT)
    scene = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    scene[HEIGHT // 2 :] *= 0.8
    for _ in range(5):
        corner = random.integers((0, 0), (WIDTH - 40, HEIGHT - 40))
        far = corner + random.integers(15, 60, 2)
        shade = tuple(float(c) for c in random.uniform(60, 90) + random.uniform(0, 40, 3))
        cv2.rectangle(scene, corner.tolist(), far.tolist(), shade, -1)
    return scene


def _encode(path: Path, frames: Iterator[NDArray[np.uint8]]) -> None:
    """Write RGB frames, uint8 (height, width, 3), as H.264."""
    import av

    with whole_file(path) as file, av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"crf": "26", "preset": "veryfast", "g": "50", "threads": "1"}
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
