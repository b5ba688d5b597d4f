"""A small finished run: three tiny videos, their scores, and the files beside them."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from c2fpl.pipeline.files.run_files import RunFiles

FRAME_RATE = 10
WIDTH, HEIGHT = 96, 64
HOSTILE = """cam 1</script><b onload=alert(1)>it's "100%" #2? & %41 ünï 动 ${1}\\"""
"""A name that breaks HTML, URLs and scripts that do not quote."""


def write_video(path: Path, frame_count: int, *, bright: Collection[int] = ()) -> None:
    """H.264 video whose grey level rises with the frame; frames in `bright` are red."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"g": "10", "preset": "ultrafast"}
        for index in range(frame_count):
            picture = np.full((HEIGHT, WIDTH, 3), 40 + index % 100, dtype=np.uint8)
            if index in bright:
                picture[:] = (220, 20, 20)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def scores_with(
    frame_count: int, events: Sequence[tuple[int, int, float]] = (), background: float = 0.1
) -> NDArray[np.float32]:
    scores = np.full(frame_count, background, dtype=np.float32)
    for start, end, height in events:
        scores[start:end] = height
    return scores


def add_video(
    files: RunFiles,
    videos: Path,
    name: str,
    scores: NDArray[np.float32],
    *,
    with_file: bool = True,
    bright: Collection[int] = (),
) -> None:
    """One video of a run: its file, scores/<name>.npy and features/<name>.json."""
    source = videos / (name + ".mp4")
    if with_file:
        write_video(source, len(scores), bright=bright)
    array = files.scores / (name + ".npy")
    array.parent.mkdir(parents=True, exist_ok=True)
    np.save(array, scores)
    record = files.features / (name + ".json")
    record.parent.mkdir(parents=True, exist_ok=True)
    facts = {"source": str(source), "frame_rate": FRAME_RATE, "num_frames_decoded": len(scores)}
    facts |= {"width_pixels": WIDTH, "height_pixels": HEIGHT, "num_frames_lost": 0}
    record.write_text(json.dumps({"video": name, **facts}))


def small_run(folder: Path) -> RunFiles:
    """Three videos at 10 frames a second: one event of 4 s, one of 2 s, none."""
    files, videos = RunFiles(folder / "run"), folder / "videos"
    add_video(files, videos, "quiet", scores_with(160))
    add_video(
        files, videos, "gate/night", scores_with(240, [(80, 120, 0.9)]), bright=range(80, 120)
    )
    add_video(files, videos, HOSTILE, scores_with(200, [(50, 70, 0.8)]), bright=range(50, 70))
    files.failed.write_text(
        'video,step,reason\nbroken<i>.mp4,extract,"no frame decodes; re-export"\n'
    )
    return files


@dataclass(frozen=True)
class Shown:
    """A frame of a clip."""

    picture: NDArray[np.uint8]
    time_s: float


def frames_of(path: Path) -> list[Shown]:
    with av.open(str(path)) as container:
        return [
            Shown(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8), float(frame.time or 0))
            for frame in container.decode(video=0)
        ]
