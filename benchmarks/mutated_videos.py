"""Score 300 damaged copies of real videos together with intact ones, and check every outcome.

    python benchmarks/mutated_videos.py VIDEOS [--copies 300] [--frames 64] [--seed 0]

VIDEOS is a folder of real mp4 videos. The first frames of each are copied without re-encoding into
mp4, mkv and ts in turn, and damaged copies are made of these. A detector is trained on the intact
videos, and `c2fpl score` scores intact and damaged ones in one folder. Every video must get scores
or a line in failed.csv, and intact ones exactly the scores of the training run. Missing frames must
be reported, as a count or as damage. A copy without a report passes only as a shorter recording:
its frames are bit for bit the first frames of the original.
"""

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from c2fpl.extractors.decoding.video import DecodedFrame, decode_video
from c2fpl.extractors.settings import DecodingSettings

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from mutating import mutated

C2FPL = (sys.executable, "-m", "c2fpl")
CONTAINERS: dict[str, dict[str, str]] = {".mp4": {"movflags": "faststart"}, ".mkv": {}, ".ts": {}}
"""Damage makes most mp4 files unreadable; the other containers continue after it.
The mp4 files have their index first, as cameras write it."""
SETTINGS = ("--backbone", "flow", "--crops", "1", "--device", "cpu", "--quiet")
TIMEOUT_S = 7200.0
UNNAMED = "WRONG: neither scores nor a reason"
UNREPORTED = "WRONG: fewer frames, not reported"


def first_frames(source: Path, target: Path, frames: int) -> None:
    """Copy the first packets of the video stream unchanged."""
    with (
        av.open(str(source)) as read,
        av.open(str(target), "w", options=CONTAINERS[target.suffix]) as written,
    ):
        stream = read.streams.video[0]
        copy = written.add_stream_from_template(stream)
        for packet in islice(read.demux(stream), frames):
            if packet.dts is not None:
                packet.stream = copy
                written.mux(packet)


def damage(whole: list[Path], folder: Path, copies: int, seed: int) -> None:
    """Write damaged copies, named after the kind of damage."""
    dice = random.Random(seed)
    contents = [path.read_bytes() for path in whole]
    for number in range(copies):
        origin = number % len(whole)
        data, done = mutated(dice, contents[origin], contents)
        name = f"x{number:03}-{whole[origin].stem}-{done}{whole[origin].suffix}"
        (folder / name).write_bytes(data)


def c2fpl(*arguments: object) -> int:
    """Run the command in a new process and return its exit code."""
    command = [*C2FPL, *map(str, arguments)]
    return subprocess.run(command, timeout=TIMEOUT_S, check=False).returncode


def outcome(folder: Path, copy: Path, failed: set[str], frames: dict[str, int]) -> str:
    """The outcome of one damaged copy; `frames` has the frame counts of the intact videos."""
    record = folder / "out" / "features" / f"{copy.stem}.json"
    if copy.stem in failed:
        return "failed, with its reason"
    if not (folder / "out" / f"{copy.stem}.npy").exists() or not record.exists():
        return UNNAMED
    facts = json.loads(record.read_text())
    if facts["num_frames_lost"]:
        return "scored, frames lost and counted"
    origin = copy.stem.split("-")[1]
    all_there = facts["num_frames_decoded"] >= frames[origin]
    if facts["damage"]:
        return f"scored, damage named, {'all frames' if all_there else 'fewer frames'}"
    if all_there:
        return "scored, all frames, nothing reported"
    whole = folder / "whole" / f"{origin}{copy.suffix}"
    return "scored, a shorter recording" if is_beginning(copy, whole) else UNREPORTED


def is_beginning(copy: Path, whole: Path) -> bool:
    """Whether the frames of the copy are bit for bit the first frames of the intact video."""
    pairs = zip(decoded_frames(copy), decoded_frames(whole), strict=False)
    return all(np.array_equal(one, other) for one, other in pairs)


def decoded_frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Decode a file with PyAV: RGB frames, uint8 (height, width, 3)."""
    for event in decode_video(path, DecodingSettings(decoder="pyav"), short_side_pixels=256):
        if isinstance(event, DecodedFrame):
            yield event.pixels


def main() -> None:
    """Print the outcomes; the exit code is 1 if any is wrong or intact videos score differently."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--copies", type=int, default=300)
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        sys.exit(measure(Path(folder), options))


def measure(folder: Path, options: argparse.Namespace) -> int:
    """Write, damage and score the videos, and compare the results."""
    (folder / "whole").mkdir()
    (folder / "all").mkdir()
    sources = sorted(options.videos.rglob("*.mp4"))
    for number, (source, suffix) in enumerate(zip(sources, cycle(CONTAINERS), strict=False)):
        first_frames(source, folder / "whole" / f"w{number:02}{suffix}", options.frames)
    whole = sorted((folder / "whole").iterdir())
    for path in whole:
        (folder / "all" / path.name).write_bytes(path.read_bytes())
    damage(whole, folder / "all", options.copies, options.seed)
    assert c2fpl("run", folder / "whole", "-o", folder / "run", *SETTINGS, "--epochs", "2") == 0

    started_s = time.monotonic()
    detector = ("--detector", folder / "run" / "detector.pt", "--device", "cpu", "--quiet")
    code = c2fpl("score", folder / "all", "-o", folder / "out", *detector)
    seconds = time.monotonic() - started_s
    with (folder / "out" / "failed.csv").open(newline="") as file:
        failed = {row["video"] for row in csv.DictReader(file)}
    copies = sorted((folder / "all").glob("x*"))
    records = (json.loads(path.read_text()) for path in folder.glob("run/features/*.json"))
    frames = {record["video"]: record["num_frames_decoded"] for record in records}
    counts = Counter(outcome(folder, copy, failed, frames) for copy in copies)
    exact = sum(
        (folder / "out" / f"{path.stem}.npy").read_bytes()
        == (folder / "run" / "scores" / f"{path.stem}.npy").read_bytes()
        for path in whole
    )
    print(f"{len(copies)} damaged copies of {len(whole)} videos, {seconds:.0f} s, exit code {code}")
    for said, count in counts.most_common():
        print(f"  {count:4} {said}")
    print(f"{exact} of {len(whole)} intact videos have exactly their scores")
    return int(code != 1 or exact != len(whole) or counts[UNNAMED] + counts[UNREPORTED] > 0)


if __name__ == "__main__":
    main()
