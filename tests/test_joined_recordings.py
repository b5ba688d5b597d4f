"""Several recordings in one file: all are read, or the one that is not is named."""

from pathlib import Path

import pytest

from c2fpl.extractors.settings import DecodingSettings
from damaged import decoded, remuxed
from synthetic import Synthetic

pytestmark = pytest.mark.usefixtures("decoder_errors_counted")


@pytest.mark.parametrize(
    "name", ["other.mp4", "other.avi", "other.mkv", "other.flv", "other.mpg", "other.ts"]
)
def test_a_recording_appended_to_an_mp4_is_not_read_and_named(name: str, tmp_path: Path) -> None:
    path = Synthetic("whole.mp4").write(tmp_path)
    codec = "mpeg2video" if name.endswith("mpg") else "libx264"
    other = Synthetic(name, codec=codec, frames=60).write(tmp_path)
    path.write_bytes(path.read_bytes() + other.read_bytes())
    numbers, report = decoded(path)
    assert numbers == list(range(40))
    assert report.damage.startswith("another recording (")
    assert report.damage.endswith(", not read")


@pytest.mark.parametrize("suffix", [".mkv", ".avi", ".ts", ".flv", ".asf"])
def test_zeros_after_a_recording_lose_nothing(suffix: str, tmp_path: Path) -> None:
    """As in files of a fixed size, which recorders reserve."""
    codec = "mpeg4" if suffix == ".asf" else "libx264"
    path = Synthetic(f"filled{suffix}", codec=codec).write(tmp_path)
    path.write_bytes(path.read_bytes() + bytes(70_000))
    numbers, report = decoded(path)
    assert (numbers, report.loss) == (list(range(40)), "")


@pytest.mark.parametrize("suffix", [".avi", ".mkv", ".webm", ".mpg", ".flv", ".asf"])
def test_two_recordings_joined_are_both_read_or_the_second_is_named(
    suffix: str, tmp_path: Path
) -> None:
    codec = {".webm": "libvpx-vp9", ".mpg": "mpeg2video", ".asf": "mpeg4"}.get(suffix, "libx264")
    path = Synthetic(f"joined{suffix}", codec=codec).write(tmp_path)
    path.write_bytes(path.read_bytes() * 2)
    numbers, report = decoded(path)
    if numbers == [*range(40)] * 2:
        assert report.loss == ""
    else:
        assert numbers == list(range(40))
        assert report.damage.startswith("another recording begins at byte ")


def with_own_headers(tmp_path: Path, *, clock_goes_on: bool) -> Path:
    """Three fragmented mp4 in one file, as recordings whose CMAF segments all have a header."""
    whole = Synthetic("part.mp4", options={"bf": "0"}).write(tmp_path)
    data = remuxed(whole, tmp_path / "fragmented.mp4", {"movflags": "cmaf"}).read_bytes()
    data = data[: data.index(b"mfra") - 4]
    ticks = 40 * 512 if clock_goes_on else 0
    path = tmp_path / "all.mp4"
    path.write_bytes(b"".join(later(data, number * ticks) for number in range(3)))
    return path


def later(data: bytes, ticks: int) -> bytes:
    """The fragments with times so much later."""
    head = b"tfdt\1\0\0\0"
    first, *rest = data.split(head)
    moved = [(int.from_bytes(part[:8], "big") + ticks).to_bytes(8, "big") for part in rest]
    return head.join([first, *(time + part[8:] for time, part in zip(moved, rest, strict=True))])


def test_fragments_that_come_with_their_own_headers_are_all_read(tmp_path: Path) -> None:
    numbers, report = decoded(with_own_headers(tmp_path, clock_goes_on=True))
    assert (numbers, report.loss) == ([*range(40)] * 3, "")


def test_fragments_that_are_not_shown_as_their_clock_starts_again_are_lost(tmp_path: Path) -> None:
    numbers, report = decoded(with_own_headers(tmp_path, clock_goes_on=False))
    assert 0 < report.num_frames_lost == 120 - len(numbers)


def test_fragments_behind_an_index_of_others_are_named(tmp_path: Path) -> None:
    source = Synthetic("source.mp4").write(tmp_path)
    path = remuxed(source, tmp_path / "two.mp4", {"movflags": "frag_keyframe+empty_moov"})
    path.write_bytes(path.read_bytes() * 2)
    numbers, report = decoded(path, DecodingSettings(max_lost=1))
    assert len(numbers) < 80
    assert report.damage.startswith("another recording (mp4) with its index at byte ")


def test_recordings_joined_where_the_time_goes_on_lack_nothing(tmp_path: Path) -> None:
    no_b = {"bf": "0"}
    first = Synthetic("first.ts", options=no_b).write(tmp_path).read_bytes()
    second = Synthetic("second.ts", options=no_b, start_s=40 / 25).write(tmp_path).read_bytes()
    later = Synthetic("later.ts", options=no_b, start_s=44 / 25).write(tmp_path).read_bytes()
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first + second)
    numbers, report = decoded(joined)
    assert (len(numbers), report.loss) == (80, "")
    joined.write_bytes(first + later)
    numbers, report = decoded(joined)
    assert (len(numbers), report.num_frames_lost) == (80, 4)
    assert report.damage == "jumps of counter and time: 1"
