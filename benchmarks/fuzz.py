"""Fuzz all file readers: npy, features, records, labels, detector, config, ...

    python benchmarks/fuzz.py [--minutes 5] [--seed 0] [--keep FOLDER]

Each round feeds damaged files to every reader, with the next seed, until the time is up. A finding
is any result other than a value or a one-line error of ours; the file that caused it is kept.
Videos are decoded in separate processes and have their own benchmark, mutated_videos.py.
"""

import argparse
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fuzzed_readers import readers
from fuzzing import findings

FILES_A_ROUND = 200


def main() -> None:
    """Print each finding and the totals; the exit code is 1 if there was a finding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    options = parser.parse_args()
    warnings.simplefilter("ignore", SyntaxWarning)  # raised by Python for damaged npy headers
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(fuzz(Path(folder), options))


def fuzz(folder: Path, options: argparse.Namespace) -> int:
    """Run rounds until the time is up; return 1 if there was a finding."""
    deadline_s = time.monotonic() + 60 * options.minutes
    files: Counter[str] = Counter()
    found = 0
    seed = options.seed
    all_readers = readers(folder)
    while time.monotonic() < deadline_s:
        for reader in all_readers:
            place = folder / reader.name
            place.mkdir(exist_ok=True)
            for finding in findings(reader, place, FILES_A_ROUND, seed):
                found += 1
                options.keep.mkdir(exist_ok=True)
                kept = options.keep / f"{reader.name}-{seed}-{found}"
                kept.write_bytes(finding.data)
                print(f"{kept}: {finding.done}: {finding.said}", flush=True)
            files[reader.name] += FILES_A_ROUND
        seed += 1
    print(f"{sum(files.values())} damaged files of {len(files)} kinds, {found} findings")
    return int(found > 0)


if __name__ == "__main__":
    main()
