"""What a decoder process sends is data: known message classes, never code."""

import os
import pickle
from fractions import Fraction
from multiprocessing import Pipe
from pathlib import Path

import numpy as np
import pytest

from c2fpl.extractors.confinement.messages import ForeignMessage, receive
from c2fpl.extractors.decoder_child import Failed
from c2fpl.extractors.decoding.frame_reader import NumberedFrame
from c2fpl.extractors.decoding.presentation_times import PresentationTimes


class Attack:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.path}",)


def sent(content: bytes) -> object:
    here, there = Pipe()
    there.send_bytes(content)
    return receive(here)


@pytest.mark.parametrize("protocol", range(4, pickle.HIGHEST_PROTOCOL + 1))
def test_messages_and_their_arrays_arrive(protocol: int) -> None:
    times = PresentationTimes(2, 25.0, seconds=np.array([0.0, 0.04]))
    frame = NumberedFrame(3, 0.12, np.zeros((2, 2, 3), np.uint8), Fraction(4, 3))
    for message in (Failed("no frames"), times, frame, np.float64(1.5)):
        arrived = sent(pickle.dumps(message, protocol))
        assert type(arrived) is type(message)
        assert pickle.dumps(arrived) == pickle.dumps(message)


def test_a_pickle_that_calls_a_function_is_refused_and_calls_nothing(tmp_path: Path) -> None:
    with pytest.raises(ForeignMessage, match=r"posix\.system"):
        sent(pickle.dumps(Attack(tmp_path / "owned")))
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a pickle",
        pickle.dumps(Failed("cut"))[:-9],
        pickle.dumps(Path("elsewhere")),
        b"\x80\x04\x8c\x1ec2fpl.extractors.decoder_child\x8c\rFailed.__init\x93.",
    ],
)
def test_anything_else_counts_as_a_dead_child(content: bytes) -> None:
    with pytest.raises(EOFError):
        sent(content)
