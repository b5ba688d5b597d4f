"""Faulty decoders in children: killed, replaced by PyAV, gone with their parent."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing import Pipe
from pathlib import Path

import psutil
import pytest

from c2fpl.extractors import decoder_pool
from c2fpl.extractors.decoder_child import DecodeOrder, Failed, Ready
from c2fpl.extractors.decoder_messages import (
    Decoded,
    Message,
    Restarted,
    SegmentFrames,
    Undecodable,
)
from c2fpl.extractors.decoder_pool import DecoderPool
from c2fpl.extractors.settings import DecodingSettings
from decoder_children import (
    CRASHES,
    FAKE_DECORD,
    HANGS,
    HANGS_HOLDING_THE_LOCK,
    PATIENCE_S,
    SEGMENTS_BEFORE_FATE,
    SIDE,
    all_messages,
    assert_whole,
    children,
)
from synthetic import Synthetic


@pytest.fixture
def fake_decord(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "fake"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    yield folder / "decord.py"
    assert children() == []


@pytest.mark.parametrize("fate", [HANGS, HANGS_HOLDING_THE_LOCK])
def test_a_hanging_decoder_is_killed_and_the_video_done_by_pyav(
    fate: str, five_videos: list[Path], fake_decord: Path
) -> None:
    fake_decord.write_text(FAKE_DECORD.format(fate=fate))
    messages: list[Message] = []
    with DecoderPool(DecodingSettings(), SIDE, stall_timeout_s=PATIENCE_S) as decoders:
        for message in decoders.decode([("key", five_videos[0])]):
            messages.append(message)
            # the limit applies to what comes after this message: to nothing but the hang
            is_last = len(messages) == SEGMENTS_BEFORE_FATE
            decoders.stall_timeout_s = 0.1 if is_last else PATIENCE_S
    restarts = [message for message in messages if isinstance(message, Restarted)]
    assert messages.index(restarts[0]) == SEGMENTS_BEFORE_FATE
    reason = "decoder made no progress for 0.1 s and was killed"
    assert [restart.reason for restart in restarts] == [reason]
    assert_whole(messages, 200)
    end = messages[-1]
    assert isinstance(end, Decoded)
    assert (end.report.decoder, end.report.fallback) == ("pyav", reason)


class TalkativeOrMute:
    """Stands for a child: one sends 50 messages and an end at once, the other nothing ever."""

    def __init__(self, *_settings: object) -> None:
        self.connection, self._far_end = Pipe()
        self.videos_decoded = self.resident_bytes = 0

    def send(self, order: DecodeOrder) -> None:
        assert order.avoid_decord == ""
        talks = order.path.name == "talks"
        for message in [Ready()] * 50 + [Failed("enough")] if talks else []:
            self._far_end.send(message)

    def receive(self) -> object:
        return self.connection.recv()

    def end(self) -> str:
        self._far_end.close()
        return "killed"


def test_a_mute_child_is_given_up_while_another_one_talks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_pool, "START_TIMEOUT_S", 0.0)
    monkeypatch.setattr(decoder_pool, "DecoderProcess", TalkativeOrMute)
    decoders = DecoderPool(DecodingSettings(decoder="pyav"), SIDE, workers=2, stall_timeout_s=0.0)
    names = ["talks", "is mute"]
    ends = [message.key for message in decoders.decode((name, Path(name)) for name in names)]
    assert ends == ["is mute", "talks"]


def test_a_decoder_that_does_not_start_is_said_to_have_had_the_time_it_had(
    five_videos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_pool, "START_TIMEOUT_S", 0.02)
    messages = all_messages(five_videos[:1], stall_timeout_s=0.01)[five_videos[0]]
    restart, end = messages
    assert isinstance(restart, Restarted)
    assert restart.reason == "decoder did not start within 0.02 s and was killed"
    assert isinstance(end, Undecodable)
    assert end.reason.startswith("twice, decoder did not start within 0.02 s and was killed;")


def test_a_crashing_decoder_is_replaced_by_pyav(five_videos: list[Path], fake_decord: Path) -> None:
    fake_decord.write_text(FAKE_DECORD.format(fate=CRASHES))
    messages = all_messages([five_videos[0], five_videos[2]], workers=1)
    restart = next(m for m in messages[five_videos[0]] if isinstance(m, Restarted))
    assert restart.reason == "decoder process died (signal SIGSEGV)"
    assert_whole(messages[five_videos[0]], 200)
    assert_whole(messages[five_videos[2]], 17)


def test_without_decord_every_file_goes_to_pyav(five_videos: list[Path], fake_decord: Path) -> None:
    fake_decord.write_text("raise ModuleNotFoundError(name='decord')")
    for path, messages in all_messages(five_videos).items():
        report = messages[-1]
        assert isinstance(report, Decoded)
        assert report.report.decoder == "pyav"
        assert "not installed" not in report.report.fallback, path
    wanted = all_messages(five_videos[:1], settings=DecodingSettings(decoder="decord"))
    (refused,) = wanted[five_videos[0]]
    assert isinstance(refused, Undecodable)
    assert refused.reason.startswith("decord is not installed")
    assert refused.reason.endswith("--decoder auto reads such files with PyAV")


def test_where_decord_alone_is_wanted_a_crash_fails_the_video(
    five_videos: list[Path], fake_decord: Path
) -> None:
    fake_decord.write_text(FAKE_DECORD.format(fate=CRASHES))
    settings = DecodingSettings(decoder="decord")
    end = all_messages(five_videos[:1], settings=settings)[five_videos[0]][-1]
    assert isinstance(end, Undecodable)
    assert end.reason.startswith("decoder process died (signal SIGSEGV)")


def test_an_error_nobody_foresaw_costs_one_video(
    five_videos: list[Path], fake_decord: Path
) -> None:
    fake_decord.write_text(FAKE_DECORD.format(fate="raise KeyError('odd\\nthing')"))
    messages = all_messages([five_videos[0], five_videos[2]], workers=1)
    end = messages[five_videos[0]][-1]
    assert isinstance(end, Undecodable)
    assert end.reason.startswith("decoder error, KeyError: ")
    assert "\n" not in end.reason
    assert_whole(messages[five_videos[2]], 17)


def test_a_killed_child_is_replaced_once_then_the_video_fails(tmp_path: Path) -> None:
    path = Synthetic("long.mkv", frames=400).write(tmp_path)
    ends: list[Message] = []
    with DecoderPool(DecodingSettings(), SIDE, workers=1) as decoders:
        for message in decoders.decode([("key", path)]):
            if isinstance(message, SegmentFrames):
                for child in children():
                    child.kill()
            else:
                ends.append(message)
    assert [type(message) for message in ends] == [Restarted, Undecodable]
    assert isinstance(ends[1], Undecodable)
    assert ends[1].reason.startswith("twice, decoder process died (signal SIGKILL)")


PARENT = """
import sys
from pathlib import Path
import psutil
from c2fpl.extractors.decoder_pool import DecoderPool
from c2fpl.extractors.settings import DecodingSettings
decoders = DecoderPool(DecodingSettings(), 48, workers=2)
messages = decoders.decode(enumerate([Path(sys.argv[1]), Path(sys.argv[1])]))
for _ in range(int(sys.argv[2])):
    next(messages)
print(*(child.pid for child in psutil.Process().children()), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("fate", ["", HANGS_HOLDING_THE_LOCK])
def test_children_die_with_a_killed_parent(
    fate: str, five_videos: list[Path], fake_decord: Path
) -> None:
    if fate:
        fake_decord.write_text(FAKE_DECORD.format(fate=fate))
    shared_memory = set(Path("/dev/shm").iterdir())
    messages = 2 * SEGMENTS_BEFORE_FATE if fate else 2
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, five_videos[0], str(messages)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        orphans = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        assert len(orphans) == 2
        parent.send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(orphans, timeout=PATIENCE_S)
    assert alive == []
    assert set(Path("/dev/shm").iterdir()) <= shared_memory
