"""Frames that a damaged video lacks: counted where the file tells how many, else named."""

from pathlib import Path

import av
import pytest

from c2fpl.errors import BadVideo
from c2fpl.extractors.decoding.header import read_header
from c2fpl.extractors.decoding.video import check_lost
from c2fpl.extractors.settings import DecodingSettings
from damaged import decoded, keep, refusal, remuxed, with_index_first
from synthetic import Synthetic

pytestmark = pytest.mark.usefixtures("decoder_errors_counted")


@pytest.mark.decord
def test_an_mp4_cut_at_60_percent_says_how_many_frames_are_lost(tmp_path: Path) -> None:
    path = with_index_first(Synthetic("whole.mp4", frames=200).write(tmp_path))
    keep(path, 0.6)
    assert "of 200 frames are lost" in refusal(path)
    numbers, report = decoded(path, DecodingSettings(max_lost=0.6))
    assert 80 < len(numbers) < 140
    assert numbers == list(range(len(numbers)))
    assert report.num_frames_lost == 200 - len(numbers)
    assert (report.decoder, report.num_frames_header) == ("pyav", 200)
    assert report.fallback.startswith("decord ")


@pytest.mark.parametrize("name", ["cut.avi", "cut.mkv"])
def test_the_lost_end_of_other_containers_is_counted(name: str, tmp_path: Path) -> None:
    path = keep(Synthetic(name, frames=200).write(tmp_path), 0.6)
    numbers, report = decoded(path, DecodingSettings(max_lost=1))
    assert 80 < len(numbers) < 140
    assert report.num_frames_lost == pytest.approx(200 - len(numbers), abs=2)


def test_a_recording_that_starts_between_key_frames_accounts_for_all(tmp_path: Path) -> None:
    path = Synthetic("stream.ts", frames=100, gop=20, options={"bf": "0"}).write(tmp_path)
    data = path.read_bytes()
    with av.open(str(path)) as container:
        starts = [packet.pos for packet in container.demux(video=0) if packet.size]
    path.write_bytes(data[starts[5] :])
    numbers, report = decoded(path, DecodingSettings(max_lost=0.5))
    assert numbers[-80:] == list(range(20, 100))
    assert len(numbers) + report.num_frames_lost == 95


def test_frames_missing_inside_a_transport_stream_are_counted_by_its_times(tmp_path: Path) -> None:
    path = Synthetic("hole.ts", frames=100, gop=1).write(tmp_path)
    data = path.read_bytes()
    with av.open(str(path)) as container:
        starts = [packet.pos or 0 for packet in container.demux(video=0) if packet.size]
    path.write_bytes(data[: starts[40] + 100] + data[starts[45] + 100 :])
    numbers, report = decoded(path)
    assert numbers[:40] == list(range(40))
    assert numbers[-54:] == list(range(46, 100))
    assert len(numbers) + report.num_frames_lost == 100
    assert "packet" in report.damage
    assert "of 100 frames are lost (5.0%), over --max-lost 0.01" in refusal(path, max_lost=0.01)


def test_a_transport_stream_cut_inside_a_packet_is_named_damaged(tmp_path: Path) -> None:
    path = keep(Synthetic("cut.ts", frames=100).write(tmp_path), 0.6)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 188 * 188 + 50])
    numbers, report = decoded(path)
    assert len(numbers) < 100
    assert report.num_frames_lost == 0
    assert report.damage.startswith("cut off inside a packet")
    assert report.loss.endswith("frames may be missing uncounted")


def test_a_transport_stream_cut_between_frames_is_a_whole_shorter_one(tmp_path: Path) -> None:
    path = Synthetic("shorter.ts", frames=100, options={"bf": "0"}).write(tmp_path)
    with av.open(str(path)) as container:
        starts = [packet.pos or 0 for packet in container.demux(video=0) if packet.size]
    path.write_bytes(path.read_bytes()[: starts[60]])
    numbers, report = decoded(path)
    assert numbers == list(range(60))
    assert report.loss == ""


@pytest.mark.decord
def test_bytes_put_into_an_mp4_are_damage_that_decord_is_not_trusted_with(tmp_path: Path) -> None:
    path = with_index_first(Synthetic("whole.mp4").write(tmp_path))
    data = path.read_bytes()
    path.write_bytes(data[:-300] + data[-311:])
    numbers, report = decoded(path, DecodingSettings(max_lost=1))
    assert len(numbers) + report.num_frames_lost == 40
    assert report.fallback.startswith("foreign bytes follow the frames")
    assert report.damage.startswith("decoder errors: ")


@pytest.mark.parametrize("index_first", [False, True])
@pytest.mark.parametrize(
    "trailer", [bytes(5000), b"the text of a camera\n" * 40, b"\x0a\x10insv" + bytes(range(256))]
)
def test_foreign_bytes_after_an_mp4_lose_nothing(
    trailer: bytes, index_first: bool, tmp_path: Path
) -> None:
    path = Synthetic("whole.mp4").write(tmp_path)
    path = with_index_first(path) if index_first else path
    path.write_bytes(path.read_bytes() + trailer)
    numbers, report = decoded(path)
    assert (numbers, report.loss) == (list(range(40)), "")


def test_a_clock_that_starts_late_loses_nothing(tmp_path: Path) -> None:
    for name in ("late.mkv", "late.ts", "late.flv", "late.mp4", "late.webm"):
        codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
        path = Synthetic(name, codec=codec, start_s=5000).write(tmp_path)
        numbers, report = decoded(path)
        assert (numbers, report.loss) == (list(range(40)), ""), name


def test_the_header_of_a_longer_asset_loses_nothing(tmp_path: Path) -> None:
    """As in a DASH segment, whose header gives the duration of all segments together."""
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    path = tmp_path / "segment.mp4"
    whole = Synthetic("whole.mp4").write(tmp_path)
    remuxed(whole, path, options)
    data = bytearray(path.read_bytes())
    for box, at in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        place = data.index(box) + at
        data[place : place + 4] = (3600 * 12_800).to_bytes(4, "big")
    path.write_bytes(data)
    with av.open(str(path)) as container:
        assert (container.duration or 0) > 1e9
    numbers, report = decoded(path)
    assert (numbers, report.loss) == (list(range(40)), "")


def test_empty_entries_of_an_avi_lose_nothing_and_its_lost_end_is_counted(tmp_path: Path) -> None:
    path = Synthetic("b.avi", frames=100, options={"bf": "0"}).write(tmp_path)
    doubled = tmp_path / "doubled.avi"
    with av.open(str(path)) as source, av.open(str(doubled), "w") as target:
        copy = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                assert packet.dts is not None
                packet.pts = packet.dts = 2 * packet.dts
                packet.stream = copy
                target.mux(packet)
    assert read_header(doubled).num_frames == 199
    numbers, report = decoded(doubled)
    assert (numbers, report.loss) == (list(range(100)), "")
    numbers, report = decoded(keep(doubled, 0.5), DecodingSettings(max_lost=1))
    assert report.damage.startswith("broken packets: 1; cut off: ")
    assert report.num_frames_lost == pytest.approx(100 - len(numbers), abs=2)


def test_a_few_frames_cut_off_a_matroska_file_are_counted(tmp_path: Path) -> None:
    path = Synthetic("end.mkv", frames=100, gop=1).write(tmp_path)
    with av.open(str(path)) as container:
        places = [packet.pos or 0 for packet in container.demux(video=0) if packet.size]
    path.write_bytes(path.read_bytes()[: places[95]])
    numbers, report = decoded(path)
    assert numbers == list(range(95))
    assert report.num_frames_lost == 5
    assert report.damage.startswith("cut off: ")


def test_one_destroyed_packet_costs_its_frames_and_is_counted(tmp_path: Path) -> None:
    path = Synthetic("hole.mp4", frames=100, gop=10, codec="mpeg4").write(tmp_path)
    with av.open(str(path)) as container:
        packets = [(p.pos or 0, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(path.read_bytes())
    start, size = packets[33]
    data[start : start + size] = bytes(size)
    path.write_bytes(data)
    numbers, report = decoded(path)
    assert numbers[:33] == list(range(33))
    assert numbers[-60:] == list(range(40, 100))
    assert len(numbers) + report.num_frames_lost == 100


def test_losing_more_than_the_limit_is_an_error() -> None:
    check_lost(90, 10, 0.1)
    with pytest.raises(BadVideo, match=r"11 of 100 frames are lost \(11.0%\), over --max"):
        check_lost(89, 11, 0.1)
    with pytest.raises(BadVideo, match="no frame could be decoded"):
        check_lost(0, 0, 1.0)
