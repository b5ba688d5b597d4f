"""Damages files from outside and says how their readers may answer.

A reader may take a damaged file as it is, or refuse it with one line of our own. Anything else,
such as a KeyError or a hang, is a finding.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mutating import mutated

SLOW_CPU_S = 20.0
"""A reader that computes longer over a small file hangs, on any machine."""


@dataclass(frozen=True)
class Reader:
    """One kind of file and what reads it."""

    name: str
    file_name: str
    """Where it is put below the folder that `read` gets."""
    whole: Sequence[bytes]
    """Files that are read without complaint."""
    read: Callable[[Path], object]
    """Reads the folder."""


@dataclass(frozen=True)
class Finding:
    """A damaged file that was not refused as it should be."""

    reader: str
    done: str
    said: str
    data: bytes


def findings(reader: Reader, folder: Path, count: int, seed: int) -> Iterator[Finding]:
    """Read `count` damaged files one after the other."""
    dice = random.Random(seed)
    for _ in range(count):
        data, done = mutated(dice, dice.choice(reader.whole), reader.whole)
        path = folder / reader.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        started_s = time.process_time()
        said = complaint(reader, folder)
        if time.process_time() - started_s > SLOW_CPU_S:
            said = said or "slow"
        if said:
            yield Finding(reader.name, done, said, data)


def wrong_values(whole: bytes) -> Iterator[tuple[str, bytes]]:
    """Every value of a JSON file in turn left out or of another kind, with what was done."""
    kinds: list[object] = ["left out", None, [], {}, "x", -1, 10**400, float("nan"), [[0]]]
    for instead in kinds:
        count = 0
        while True:
            value, place = json.loads(whole), iter(range(count, -1, -1))
            if not _replaced(value, place, instead):
                break
            yield f"value {count}: {instead!r:.20}", json.dumps(value).encode()
            count += 1


def _replaced(value: Any, place: Iterator[int], instead: object) -> bool:
    """Replace the value at which `place` counts to 0, depth first; whether it was reached."""
    if not isinstance(value, dict | list):
        return False
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        if next(place) == 0:
            if instead == "left out":
                del value[key]
            else:
                value[key] = instead
            return True
        if _replaced(value[key], place, instead):
            return True
    return False


def complaint(reader: Reader, folder: Path) -> str:
    """What is wrong with the way the reader answers; empty where nothing is."""
    with Answer() as answer:
        reader.read(folder)
    error = answer.error
    if error is None or isinstance(error, OSError):
        return ""
    is_ours = type(error).__module__.startswith("c2fpl.") and "\n" not in str(error)
    return "" if is_ours else f"{type(error).__name__}: {error}"


class Answer:
    """Keeps whatever error ends its block."""

    error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self.error = error
        return isinstance(error, Exception)
