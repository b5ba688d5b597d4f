"""Decoder children: videos whole and in order, bounded, recycled, nothing left behind."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from c2fpl.extractors import decoder_pool
from c2fpl.extractors.decoder_messages import Message, Restarted, SegmentFrames, Undecodable
from c2fpl.extractors.decoder_pool import DecoderPool
from c2fpl.extractors.decoder_process import DecoderProcess, is_segment
from c2fpl.extractors.settings import DecodingSettings
from decoder_children import (
    PATIENCE_S,
    SIDE,
    all_messages,
    assert_whole,
    children,
    kept,
)
from synthetic import Synthetic


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[DecoderProcess]:
    """All children that are started."""
    found: list[DecoderProcess] = []

    class Counted(DecoderProcess):
        def __init__(self, *settings: Any) -> None:
            super().__init__(*settings)
            found.append(self)

    monkeypatch.setattr(decoder_pool, "DecoderProcess", Counted)
    return found


@pytest.mark.parametrize("workers", [1, 3])
def test_each_video_comes_whole_and_in_order(five_videos: list[Path], workers: int) -> None:
    messages = all_messages(five_videos, workers=workers)
    for path, frame_count in zip(five_videos, [200, 1, 17, 32, 100], strict=True):
        assert_whole(messages[path], frame_count)


def test_segments_are_owned_by_the_receiver(five_videos: list[Path]) -> None:
    for message in all_messages(five_videos[:1])[five_videos[0]][:-1]:
        assert isinstance(message, SegmentFrames)
        assert message.frames.shape == (16, SIDE, 64, 3)
        assert message.frames.dtype == np.uint8
        assert message.frames.flags.c_contiguous
        assert message.frames.flags.owndata


def test_lent_frames_are_those_of_the_decoder_until_the_next_step(five_videos: list[Path]) -> None:
    owned = kept(all_messages(five_videos[:1])[five_videos[0]])
    found = []
    with DecoderPool(DecodingSettings(), SIDE) as decoders:
        for message in decoders.lend([(0, five_videos[0])]):
            if isinstance(message, SegmentFrames):
                assert not message.frames.flags.owndata
                found.append(message.frames.copy())
    np.testing.assert_array_equal(np.stack(found), np.stack(owned))


def test_a_lent_frame_may_outlive_the_decoders(five_videos: list[Path]) -> None:
    before = open_files()
    with DecoderPool(DecodingSettings(), SIDE) as decoders:
        messages = decoders.lend([(0, five_videos[0])])
        message = next(messages)
        assert isinstance(message, SegmentFrames)
        expected = message.frames.copy()
        messages.close()
    np.testing.assert_array_equal(message.frames, expected)
    del message
    assert open_files() == before


@pytest.mark.parametrize(
    ("shape", "is_one"),
    [
        ((16, 240, 320, 3), True),
        ((16, 32, 256, 3), True),
        ((16, 31, 256, 3), False),
        ((16, 0, 256, 3), False),
        ((17, 240, 320, 3), False),
        ((16, 240, 320), False),
        ((16, 240, 320, 4), False),
        ((16, "240", 320, 3), False),
    ],
)
def test_a_message_can_only_hold_a_segment_of_usual_frames(
    shape: tuple[Any, ...], is_one: bool
) -> None:
    """A child that a hostile file controls could make a GPU allocate all its memory otherwise."""
    assert is_segment(shape) == is_one


@pytest.mark.decord
def test_segments_start_again_when_decord_gives_up_midway(tmp_path: Path) -> None:
    groups = {"x264-params": "open-gop=1:keyint=50:min-keyint=50:bframes=3:b-adapt=0:scenecut=0"}
    path = Synthetic("open groups.mp4", frames=200, options=groups).write(tmp_path)
    messages = all_messages([path])[path]
    assert isinstance(messages[0], SegmentFrames)
    assert sum(isinstance(message, Restarted) for message in messages) == 1
    assert_whole(messages, 200)


def test_dropped_tails_and_too_short_videos(five_videos: list[Path]) -> None:
    messages = all_messages(five_videos, tail="drop")
    assert [len(kept(messages[path])) for path in five_videos] == [12, 0, 1, 2, 6]
    too_short = messages[five_videos[1]][-1]
    assert isinstance(too_short, Undecodable)
    assert too_short.reason.startswith("1 frames are fewer than one segment of 16")


def test_a_bad_file_costs_only_itself_and_prints_nothing(
    five_videos: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text, cut = tmp_path / "text.mp4", tmp_path / "cut.mp4"
    text.write_text("no video\n" * 100)
    cut.write_bytes(five_videos[0].read_bytes()[:-2000])
    messages = all_messages([text, five_videos[0], cut, five_videos[4]])
    for path in (text, cut):
        assert isinstance(messages[path][-1], Undecodable)
    assert_whole(messages[five_videos[0]], 200)
    assert_whole(messages[five_videos[4]], 100)
    assert capfd.readouterr() == ("", "")


def test_a_slow_consumer_is_no_stall(tmp_path: Path, started: list[DecoderProcess]) -> None:
    """The time of a child is over while the consumer holds the slot that the child waits for."""
    path = Synthetic("two segments.mkv", frames=32).write(tmp_path)
    messages: list[Message] = []
    with DecoderPool(DecodingSettings(), SIDE, stall_timeout_s=PATIENCE_S) as decoders:
        for message in decoders.decode([("key", path)]):
            messages.append(message)
            if len(messages) == 1:
                started[0].connection.poll(None)  # the second message is there
            decoders.stall_timeout_s = 0.0 if len(messages) == 1 else PATIENCE_S
    assert len(started) == 1
    assert_whole(messages, 32)


def test_a_consumer_that_stops_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    paths = [Synthetic(f"{n}.mkv", frames=400).write(tmp_path) for n in range(2)]
    before = open_files()
    with DecoderPool(DecodingSettings(), SIDE, workers=2) as decoders:
        messages = decoders.decode(enumerate(paths))
        next(messages)
        assert len(children()) == 2
        messages.close()
        assert children() == []
    assert open_files() == before


def test_children_serve_many_videos_and_are_recycled(
    five_videos: list[Path], started: list[DecoderProcess]
) -> None:
    all_messages(five_videos, workers=1)
    assert len(started) == 1
    all_messages(five_videos, workers=1, recycle_after_videos=2)
    assert len(started) == 1 + 3


def test_a_bloated_child_is_replaced(five_videos: list[Path]) -> None:
    seen: set[int] = set()
    with DecoderPool(DecodingSettings(), SIDE, recycle_above_bytes=1) as decoders:
        for message in decoders.decode(enumerate(five_videos[1:4])):
            if isinstance(message, SegmentFrames):
                seen |= {child.pid for child in children()}
    assert len(seen) == 3


def test_children_have_no_torch(five_videos: list[Path]) -> None:
    with DecoderPool(DecodingSettings(), SIDE) as decoders:
        messages = decoders.decode(enumerate(five_videos[:1]))
        next(messages)
        mapped = Path(f"/proc/{children()[0].pid}/maps").read_text()
        messages.close()
    assert "libavcodec" in mapped
    assert "torch" not in mapped


def test_no_videos_need_no_children() -> None:
    with DecoderPool(DecodingSettings(), SIDE) as decoders:
        assert list(decoders.decode([])) == []
        assert children() == []


def test_no_workers_are_refused() -> None:
    with pytest.raises(ValueError, match="0 decoding workers; at least 1 is needed"):
        DecoderPool(DecodingSettings(), SIDE, workers=0)
