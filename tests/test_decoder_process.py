"""Decoder children: watched, replaced, bounded, gone with their parent.

A stuck or crashing decoder is a fake `decord` that the children find before the real one.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from c2fpl.extractors import decoder_process
from c2fpl.extractors.child_process import ChildProcess
from c2fpl.extractors.decoder_process import (
    Decoded,
    Message,
    Restarted,
    SegmentFrames,
    Undecodable,
    WatchedDecoders,
)
from c2fpl.extractors.segments import SegmentPlan
from c2fpl.extractors.settings import DecodingSettings, Tail
from synthetic import Synthetic, numbers_of

SIDE = 48
STALL_S = 4.0
"""Long enough for a loaded machine to decode a few frames, short enough for a test."""

FAKE_DECORD = """
import ctypes, os, signal, numpy

class logging:
    QUIET = 0
    set_level = staticmethod(lambda level: None)

class DECORDError(Exception): pass
class DECORDLimitReachedError(Exception): pass

class Frame:
    def asnumpy(self):
        return numpy.zeros((96, 128, 3), numpy.uint8)

class VideoReader:
    def __init__(self, uri, num_threads, fault_tol): self.frames = 0
    def __len__(self): return 200
    def get_key_indices(self): return [0, 100]
    def seek_accurate(self, frame): pass
    def seek(self, frame): pass
    def next(self):
        self.frames += 1
        if self.frames > 150:
            {fate}
        return Frame()
"""
HANGS = "import threading; threading.Event().wait()"
HANGS_HOLDING_THE_LOCK = "ctypes.PyDLL(None).pause()"
CRASHES = "os.kill(os.getpid(), signal.SIGSEGV)"


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five videos of 200, 1, 17, 32 and 100 frames, of both decoders."""
    folder = tmp_path_factory.mktemp("videos")
    names = {"a.mp4": 200, "b.mp4": 1, "c.ts": 17, "d.avi": 32, "e.mkv": 100}
    return [Synthetic(name, frames=frames).write(folder) for name, frames in names.items()]


@pytest.fixture
def fake_decord(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "fake"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    yield folder / "decord.py"
    assert children() == []


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "decoder_child" in command(child)]


def command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def all_messages(
    paths: list[Path],
    *,
    settings: DecodingSettings | None = None,
    workers: int = 2,
    tail: Tail = "loop",
    stall_timeout_s: float = 60,
    recycle_after_videos: int = 100,
) -> dict[Path, list[Message]]:
    messages: dict[Path, list[Message]] = {path: [] for path in paths}
    with WatchedDecoders(
        settings or DecodingSettings(),
        SIDE,
        workers=workers,
        tail=tail,
        stall_timeout_s=stall_timeout_s,
        recycle_after_videos=recycle_after_videos,
    ) as decoders:
        for message in decoders.decode(enumerate(paths)):
            assert isinstance(message.key, int)
            messages[paths[message.key]].append(message)
    assert children() == []
    return messages


def kept(messages: list[Message]) -> list[NDArray[np.uint8]]:
    """The segments that stand at the end, checked to be in order."""
    segments: list[NDArray[np.uint8]] = []
    for message in messages[:-1]:
        if isinstance(message, Restarted):
            segments.clear()
        else:
            assert isinstance(message, SegmentFrames)
            assert message.segment == len(segments)
            segments.append(message.frames)
    return segments


def assert_whole(messages: list[Message], frame_count: int) -> None:
    end = messages[-1]
    assert isinstance(end, Decoded)
    assert end.report.num_frames_decoded == frame_count
    plan = SegmentPlan(frame_count)
    segments = kept(messages)
    assert len(segments) == plan.segment_count
    for index, segment in enumerate(segments):
        assert numbers_of(segment) == plan.frames_of(index).tolist()


@pytest.mark.parametrize("workers", [1, 3])
def test_each_video_comes_whole_and_in_order(videos: list[Path], workers: int) -> None:
    messages = all_messages(videos, workers=workers)
    for path, frame_count in zip(videos, [200, 1, 17, 32, 100], strict=True):
        assert_whole(messages[path], frame_count)


def test_segments_are_owned_by_the_receiver(videos: list[Path]) -> None:
    for message in all_messages(videos[:1])[videos[0]][:-1]:
        assert isinstance(message, SegmentFrames)
        assert message.frames.shape == (16, SIDE, 64, 3)
        assert message.frames.dtype == np.uint8
        assert message.frames.flags.c_contiguous
        assert message.frames.flags.owndata


def test_segments_start_again_when_decord_gives_up_midway(tmp_path: Path) -> None:
    groups = {"x264-params": "open-gop=1:keyint=50:min-keyint=50:bframes=3:b-adapt=0:scenecut=0"}
    path = Synthetic("open groups.mp4", frames=200, options=groups).write(tmp_path)
    messages = all_messages([path])[path]
    assert isinstance(messages[0], SegmentFrames)
    assert sum(isinstance(message, Restarted) for message in messages) == 1
    assert_whole(messages, 200)


def test_dropped_tails_and_too_short_videos(videos: list[Path]) -> None:
    messages = all_messages(videos, tail="drop")
    assert [len(kept(messages[path])) for path in videos] == [12, 0, 1, 2, 6]
    too_short = messages[videos[1]][-1]
    assert isinstance(too_short, Undecodable)
    assert too_short.reason.startswith("1 frames are fewer than one segment of 16")


def test_a_bad_file_costs_only_itself_and_prints_nothing(
    videos: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text, cut = tmp_path / "text.mp4", tmp_path / "cut.mp4"
    text.write_text("no video\n" * 100)
    cut.write_bytes(videos[0].read_bytes()[:-2000])
    messages = all_messages([text, videos[0], cut, videos[4]])
    for path in (text, cut):
        assert isinstance(messages[path][-1], Undecodable)
    assert_whole(messages[videos[0]], 200)
    assert_whole(messages[videos[4]], 100)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("fate", [HANGS, HANGS_HOLDING_THE_LOCK])
def test_a_hanging_decoder_is_killed_and_the_video_done_by_pyav(
    fate: str, videos: list[Path], fake_decord: Path
) -> None:
    fake_decord.write_text(FAKE_DECORD.format(fate=fate))
    started_s = time.monotonic()
    messages = all_messages(videos[:1], stall_timeout_s=STALL_S)[videos[0]]
    assert time.monotonic() - started_s < decoder_process.START_TIMEOUT_S / 2
    assert isinstance(messages[0], SegmentFrames)
    restarts = [message for message in messages if isinstance(message, Restarted)]
    reason = f"decoder made no progress for {STALL_S:g} s and was killed"
    assert [restart.reason for restart in restarts] == [reason]
    assert_whole(messages, 200)
    end = messages[-1]
    assert isinstance(end, Decoded)
    assert (end.report.decoder, end.report.fallback) == ("pyav", reason)


def test_a_crashing_decoder_is_replaced_by_pyav(videos: list[Path], fake_decord: Path) -> None:
    fake_decord.write_text(FAKE_DECORD.format(fate=CRASHES))
    messages = all_messages([videos[0], videos[2]], workers=1)
    restart = next(m for m in messages[videos[0]] if isinstance(m, Restarted))
    assert restart.reason == "decoder process died (signal SIGSEGV)"
    assert_whole(messages[videos[0]], 200)
    assert_whole(messages[videos[2]], 17)


def test_where_decord_alone_is_wanted_a_crash_fails_the_video(
    videos: list[Path], fake_decord: Path
) -> None:
    fake_decord.write_text(FAKE_DECORD.format(fate=CRASHES))
    settings = DecodingSettings(decoder="decord")
    end = all_messages(videos[:1], settings=settings)[videos[0]][-1]
    assert isinstance(end, Undecodable)
    assert end.reason.startswith("decoder process died (signal SIGSEGV)")


def test_an_error_nobody_foresaw_costs_one_video(videos: list[Path], fake_decord: Path) -> None:
    fake_decord.write_text(FAKE_DECORD.format(fate="raise KeyError('odd\\nthing')"))
    messages = all_messages([videos[0], videos[2]], workers=1)
    end = messages[videos[0]][-1]
    assert isinstance(end, Undecodable)
    assert end.reason.startswith("decoder error, KeyError: ")
    assert "\n" not in end.reason
    assert_whole(messages[videos[2]], 17)


def test_a_killed_child_is_replaced_once_then_the_video_fails(tmp_path: Path) -> None:
    path = Synthetic("long.mkv", frames=400).write(tmp_path)
    ends: list[Message] = []
    with WatchedDecoders(DecodingSettings(), SIDE, workers=1) as decoders:
        for message in decoders.decode([("key", path)]):
            if isinstance(message, SegmentFrames):
                for child in children():
                    child.kill()
            else:
                ends.append(message)
    assert [type(message) for message in ends] == [Restarted, Undecodable]
    assert isinstance(ends[1], Undecodable)
    assert ends[1].reason.startswith("twice, decoder process died (signal SIGKILL)")


def test_a_slow_consumer_is_no_stall(tmp_path: Path) -> None:
    path = Synthetic("long.mkv", frames=160).write(tmp_path)
    messages: list[Message] = []
    with WatchedDecoders(DecodingSettings(), SIDE, stall_timeout_s=STALL_S) as decoders:
        for message in decoders.decode([("key", path)]):
            if len(messages) == 1:
                threading.Event().wait(STALL_S * 1.1)
            messages.append(message)
    assert_whole(messages, 160)


def test_a_consumer_that_stops_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    paths = [Synthetic(f"{n}.mkv", frames=400).write(tmp_path) for n in range(2)]
    before = open_files()
    with WatchedDecoders(DecodingSettings(), SIDE, workers=2) as decoders:
        messages = decoders.decode(enumerate(paths))
        next(messages)
        assert len(children()) == 2
        messages.close()
        assert children() == []
    assert open_files() == before


def test_children_serve_many_videos_and_are_recycled(
    videos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[ChildProcess] = []

    class Counted(ChildProcess):
        def __init__(self, settings: DecodingSettings, tail: Tail, short_side_pixels: int) -> None:
            super().__init__(settings, tail, short_side_pixels)
            started.append(self)

    monkeypatch.setattr(decoder_process, "ChildProcess", Counted)
    all_messages(videos, workers=1)
    assert len(started) == 1
    all_messages(videos, workers=1, recycle_after_videos=2)
    assert len(started) == 1 + 3


def test_a_bloated_child_is_replaced(videos: list[Path]) -> None:
    seen: set[int] = set()
    with WatchedDecoders(DecodingSettings(), SIDE, recycle_above_bytes=1) as decoders:
        for message in decoders.decode(enumerate(videos[1:4])):
            if isinstance(message, SegmentFrames):
                seen |= {child.pid for child in children()}
    assert len(seen) == 3


def test_children_have_no_torch(videos: list[Path]) -> None:
    with WatchedDecoders(DecodingSettings(), SIDE) as decoders:
        messages = decoders.decode(enumerate(videos[:1]))
        next(messages)
        mapped = Path(f"/proc/{children()[0].pid}/maps").read_text()
        messages.close()
    assert "decord" in mapped
    assert "torch" not in mapped


PARENT = """
import sys
from pathlib import Path
import psutil
from c2fpl.extractors.decoder_process import WatchedDecoders
from c2fpl.extractors.settings import DecodingSettings
decoders = WatchedDecoders(DecodingSettings(), 48, workers=2)
messages = decoders.decode(enumerate([Path(sys.argv[1]), Path(sys.argv[1])]))
for _ in range(int(sys.argv[2])):
    next(messages)
print(*(child.pid for child in psutil.Process().children()), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("fate", ["", HANGS_HOLDING_THE_LOCK])
def test_children_die_with_a_killed_parent(
    fate: str, videos: list[Path], fake_decord: Path
) -> None:
    if fate:
        fake_decord.write_text(FAKE_DECORD.format(fate=fate))
    shared_memory = set(Path("/dev/shm").iterdir())
    # the fake hangs in its second window of 100 frames, when 6 segments of the first are out
    messages = 2 * 6 if fate else 2
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, videos[0], str(messages)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        orphans = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        assert len(orphans) == 2
        parent.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(orphans, timeout=20)
    assert alive == []
    assert set(Path("/dev/shm").iterdir()) <= shared_memory


def test_no_videos_need_no_children() -> None:
    with WatchedDecoders(DecodingSettings(), SIDE) as decoders:
        assert list(decoders.decode([])) == []
        assert children() == []


def test_no_workers_are_refused() -> None:
    with pytest.raises(ValueError, match="0 decoding workers; at least 1 is needed"):
        WatchedDecoders(DecodingSettings(), SIDE, workers=0)
