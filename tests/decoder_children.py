"""What tests of decoder children share: a run of them, its checks, and a fake faulty `decord`."""

from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from c2fpl.extractors.decoder_messages import Decoded, Message, Restarted, SegmentFrames
from c2fpl.extractors.decoder_pool import DecoderPool
from c2fpl.extractors.segments import SegmentPlan
from c2fpl.extractors.settings import DecodingSettings, Tail
from synthetic import numbers_of

SIDE = 48
PATIENCE_S = 600.0
"""Limit for a test that would fail: long enough for any machine under any load."""
SEGMENTS_BEFORE_FATE = 6
"""The fake meets its fate in its second window of 100 frames, after the segments of the first."""

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
    def get_frame_timestamp(self, frames): return numpy.zeros((len(frames), 2), numpy.float32)
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


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "decoder_child" in command(child)]


def command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


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
    with DecoderPool(
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
