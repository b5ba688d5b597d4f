"""Damage done to files on purpose, from a seed: flipped bytes, cuts, splices, foreign headers."""

import random
from collections.abc import Callable, Sequence

Mutation = Callable[[random.Random, bytes, bytes], bytes]
"""(dice, the file, another file of the kind) to a damaged file."""

HEADER_BYTES = 512


def flipped(dice: random.Random, data: bytes, other: bytes) -> bytes:
    """A few bytes anywhere get other values."""
    damaged = bytearray(data)
    for _ in range(dice.choice((1, 8, 64))):
        damaged[dice.randrange(len(damaged))] = dice.randrange(256)
    return bytes(damaged)


def cut(dice: random.Random, data: bytes, other: bytes) -> bytes:
    """The end is missing."""
    return data[: dice.randrange(len(data))]


def hollow(dice: random.Random, data: bytes, other: bytes) -> bytes:
    """A stretch in the middle is missing, or zeros stand in its place."""
    start = dice.randrange(len(data))
    end = min(len(data), start + dice.randrange(1, max(2, len(data) // 4)))
    return data[:start] + bytes(end - start) * dice.choice((0, 1)) + data[end:]


def spliced(dice: random.Random, data: bytes, other: bytes) -> bytes:
    """It begins as one file and ends as the other."""
    return data[: dice.randrange(len(data))] + other[dice.randrange(len(other)) :]


def foreign_header(dice: random.Random, data: bytes, other: bytes) -> bytes:
    """The first bytes are the other file's."""
    count = dice.randrange(8, HEADER_BYTES)
    return other[:count] + data[count:]


def extreme_number(dice: random.Random, data: bytes, other: bytes) -> bytes:
    """Four bytes become a length that is not there: 0, -1, or the largest."""
    place = dice.randrange(max(1, len(data) - 4))
    number = dice.choice((bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x00\x00\x00\x01"))
    return data[:place] + number + data[place + 4 :]


def repeated(dice: random.Random, data: bytes, other: bytes) -> bytes:
    """A stretch stands there twice."""
    start = dice.randrange(len(data))
    end = min(len(data), start + dice.randrange(1, 4096))
    return data[:end] + data[start:]


MUTATIONS: Sequence[Mutation] = (
    *(flipped, cut, hollow, spliced, foreign_header, extreme_number, repeated),
)


def mutated(dice: random.Random, data: bytes, others: Sequence[bytes]) -> tuple[bytes, str]:
    """One damaged copy and the names of what was done to it: one or two mutations."""
    done = [dice.choice(MUTATIONS) for _ in range(dice.choice((1, 1, 2)))]
    for mutation in done:
        data = mutation(dice, data or b"\0", dice.choice(others) or b"\0")
    return data, "+".join(mutation.__name__ for mutation in done)
