"""Files that are no videos, or no longer whole: a clear line or a stated loss, never silence."""

import os
import random
import struct
from pathlib import Path

import av
import numpy as np
import pytest

from c2fpl.errors import BadVideo
from c2fpl.extractors.decoding import header as video_header
from c2fpl.extractors.decoding.decord_frames import DecordGaveUp, key_windows
from damaged import decoded, keep, refusal
from synthetic import Synthetic


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert refusal(tmp_path / "empty.mp4").startswith("the file is empty (0 bytes)")


def test_a_text_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("not a video\n" * 500)
    assert refusal(path).startswith("not a readable video")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone.mp4").startswith("No such file or directory; the file must")


def test_a_file_without_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Synthetic("locked.mp4", frames=2).write(tmp_path)

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)  # root, who runs tests in containers, may read all
    assert refusal(path).startswith("Permission denied; the file must exist and be readable")


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_regular_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "odd.mp4"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    assert refusal(path).startswith("not a regular file")


def test_an_audio_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audio.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        silence = np.zeros((1, 1024), np.float32)
        frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux([*stream.encode(frame), *stream.encode()])
    assert refusal(path) == "no video stream inside (only audio); give a video file"


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.6,\npart.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile part.ts\n",
    ],
)
def test_a_playlist_is_not_followed(text: str, tmp_path: Path) -> None:
    Synthetic("part.ts").write(tmp_path)
    (tmp_path / "list.mp4").write_text(text)
    assert refusal(tmp_path / "list.mp4").startswith("not a readable video")


def test_a_codec_nobody_knows_is_refused(tmp_path: Path) -> None:
    path = Synthetic("odd codec.mp4").write(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    assert "codec" in refusal(path)


@pytest.mark.parametrize("suffix", ["avi", "mkv", "mp4"])
def test_gigantic_frames_are_refused_before_memory_is_taken(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(BadVideo, match=r"frames of 30000x30000 pixels; the limit is 33177600"):
        video_header.check_frame_size(30_000, 30_000)
    path = Synthetic(f"bomb.{suffix}", codec="mjpeg", pix_fmt="yuvj420p", frames=3).write(tmp_path)
    size = struct.pack(">HH", 96, 128)
    data = path.read_bytes()
    assert size in data
    path.write_bytes(data.replace(size, struct.pack(">HH", 30_000, 30_000)))
    refusal(path)


def test_a_header_over_the_limit_names_the_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_header, "MAX_FRAME_PIXELS", 10_000)
    path = Synthetic("large.mp4").write(tmp_path)
    assert refusal(path) == (
        "frames of 128x96 pixels; the limit is 10000 pixels (8K), downscale the video first"
    )


def test_a_ribbon_is_refused(tmp_path: Path) -> None:
    path = Synthetic("ribbon.mp4", width=640, height=64).write(tmp_path)
    assert refusal(path) == (
        "frames of 640x64 pixels; the largest aspect ratio is 8 to 1, crop the video first"
    )


def test_an_mp4_cut_before_its_index_is_refused(tmp_path: Path) -> None:
    assert refusal(keep(Synthetic("cut.mp4").write(tmp_path), 0.6)).startswith("not a readable")


def test_mutated_videos_end_in_frames_or_one_line(tmp_path: Path) -> None:
    random_bytes = random.Random(0)
    sources = [Synthetic(f"a.{suffix}").write(tmp_path) for suffix in ("mp4", "mkv", "avi", "ts")]
    endings = {"frames": 0, "line": 0}
    for index in range(60):
        data = bytearray(sources[index % 4].read_bytes())
        for _ in range(random_bytes.choice([1, 10, 100])):
            data[random_bytes.randrange(len(data))] = random_bytes.randrange(256)
        path = tmp_path / f"mutated{index}"
        path.write_bytes(data[: random_bytes.choice([len(data), len(data) // 2])])
        try:
            numbers, report = decoded(path)
        except BadVideo as error:
            assert "\n" not in str(error)
            endings["line"] += 1
        else:
            assert len(numbers) == report.num_frames_decoded > 0
            endings["frames"] += 1
    assert min(endings.values()) > 5


def test_windows_of_decord_start_at_key_frames_and_are_bounded() -> None:
    keys = [0, 50, 100, 150, 400]
    assert key_windows(keys, 420, joined_frames=128, max_frames=250) == [
        (0, 100),
        (100, 150),
        (150, 400),
        (400, 420),
    ]
    with pytest.raises(DecordGaveUp, match="250 frames without a key frame, more than the 249"):
        key_windows(keys, 420, joined_frames=128, max_frames=249)


def test_one_window_may_hold_the_whole_video() -> None:
    assert key_windows([0], 5, joined_frames=128, max_frames=128) == [(0, 5)]
    assert key_windows([], 5, joined_frames=128, max_frames=128) == [(0, 5)]
