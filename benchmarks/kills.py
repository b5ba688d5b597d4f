"""Kill runs at random times, resume them, and check that results are identical to the byte.

    python benchmarks/kills.py [--kills 50] [--videos 40] [--seed 0] [--folder FOLDER]

One uninterrupted run over short videos sets the time and the expected results. Then a run is
started in an empty folder, killed (SIGKILL) after a uniformly random part of that time and resumed,
until it finishes; its results are compared. After every kill, all files with final names must be
complete, and no process of the run may be left.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from killing import (
    SETTINGS,
    Killable,
    damaged,
    results,
    strays,
    write_short_videos,
)


def phase(output: Path, videos: int) -> str:
    """The step at which a run was killed, judged by its files."""
    if not (output / "features").exists():
        return "start"
    if len(list((output / "features").glob("*.json"))) < videos:
        return "extract"
    if not (output / "detector.pt").exists():
        return "label, train"
    scored = len(list((output / "scores").glob("*.npy"))) == videos
    return "events, plots, page" if scored else "score"


def main() -> None:
    """Print each round and the totals; the exit code is 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--videos", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        sys.exit(1 if measure(Path(folder), options.kills, options.videos, options.seed) else 0)


def measure(folder: Path, kills: int, videos: int, seed: int) -> int:
    """Kill and resume runs; return the number of problems."""
    random.seed(seed)
    runs = Killable(f"kills{seed}")
    write_short_videos(folder / "videos", videos)
    arguments = ("run", folder / "videos", *SETTINGS, "-o")
    runs.finish(*arguments, folder / "warm up")
    started_s = time.monotonic()
    assert runs.finish(*arguments, folder / "whole") == 0
    whole_s = time.monotonic() - started_s
    expected = results(folder / "whole")
    print(f"uninterrupted: {whole_s:.1f} s, {len(expected)} files compared", flush=True)

    output = folder / "killed"
    killed, wrong, rounds = 0, 0, 0
    phases: Counter[str] = Counter()
    while killed < kills:
        process = runs.start(*arguments, output)
        process.join(random.uniform(0, whole_s))
        if process.exitcode is None:
            process.kill()
            process.join()
            killed += 1
            phases[phase(output, videos)] += 1
            wrong += report("half file", damaged(output)) + report("process", runs.left_over())
            if killed < kills:
                continue
            assert runs.finish(*arguments, output) == 0
        rounds += 1
        found = results(output)
        differing = [name for name in expected | found if expected.get(name) != found.get(name)]
        wrong += report("differing", differing) + report("stray", strays(output))
        print(f"round {rounds}: {killed} kills so far, {wrong} wrong", flush=True)
        shutil.rmtree(output)
    print(f"{killed} kills ({dict(phases)}), {rounds} resumed to the end, {wrong} wrong")
    return wrong


def report(what: str, found: Sequence[object]) -> int:
    """Print problems of one kind and return their number."""
    for each in found:
        print(f"{what}: {each}", flush=True)
    return len(found)


if __name__ == "__main__":
    main()
