"""Single frames and headers read in a child process: a bad file costs only itself."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from c2fpl.extractors.decoder_messages import (
    FrameMessage,
    FrameRead,
    FramesEnd,
    HeaderRead,
    Undecodable,
)
from c2fpl.extractors.decoder_pool import DecoderPool
from c2fpl.extractors.decoding.frame_reader import FrameRequest
from c2fpl.extractors.settings import DecodingSettings
from damaged import decoded
from decoder_children import children
from synthetic import Synthetic, numbers_of


def messages_of(requests: Sequence[FrameRequest]) -> list[FrameMessage]:
    with DecoderPool(DecodingSettings(), 32) as decoders:
        return list(decoders.read(enumerate(requests)))


def test_a_child_reads_for_the_parent_and_one_bad_file_costs_only_itself(tmp_path: Path) -> None:
    path = Synthetic("a.mp4", width=320, height=240).write(tmp_path)
    text = tmp_path / "b.mp4"
    text.write_text("no video")
    times = decoded(path)[1].times
    good, bad = (FrameRequest(each, ((5, 9),), times) for each in (path, text))
    messages = messages_of([good, bad, good])
    for key in (0, 2):
        own = [message for message in messages if message.key == key]
        frames = [message.frame for message in own if isinstance(message, FrameRead)]
        assert numbers_of(frame.pixels for frame in frames) == [5, 6, 7, 8]
        assert [frame.time_s for frame in frames] == pytest.approx(np.arange(5, 9) / 25)
        assert isinstance(own[-1], FramesEnd)
    (failed,) = [message for message in messages if message.key == 1]
    assert isinstance(failed, Undecodable)
    assert "not a readable video" in failed.reason


def test_a_child_that_dies_costs_its_video_alone(tmp_path: Path) -> None:
    path = Synthetic("a.mp4", frames=300).write(tmp_path)
    times = decoded(path)[1].times
    ends: list[FrameMessage] = []
    with DecoderPool(DecodingSettings(), 32) as decoders:
        requests = [FrameRequest(path, ((0, 300),), times) for _ in range(2)]
        for message in decoders.read(enumerate(requests)):
            if isinstance(message, FrameRead):
                if message.key == 0 and message.frame.frame == 5:
                    (child,) = children()
                    child.kill()
            else:
                ends.append(message)
    died, whole = ends
    assert isinstance(died, Undecodable)
    assert "decoder process died (signal SIGKILL)" in died.reason
    assert isinstance(whole, FramesEnd)


def test_headers_are_read_in_a_child(tmp_path: Path) -> None:
    path = Synthetic("a.mp4").write(tmp_path)
    with DecoderPool(DecodingSettings(), 32) as decoders:
        found = {m.key: m for m in decoders.headers([("a", path), ("b", tmp_path / "gone")])}
    assert isinstance(found["a"], HeaderRead)
    assert found["a"].header.num_frames == 40
    assert isinstance(found["b"], Undecodable)
