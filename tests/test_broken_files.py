"""What transport streams and Matroska files tell of their own damage, without any decoding."""

from pathlib import Path

import av
import numpy as np
import pytest

from c2fpl.extractors.damage.broken_files import broken_parts
from c2fpl.extractors.damage.chunks import chunk_faults
from c2fpl.extractors.damage.matroska import matroska_faults
from c2fpl.extractors.damage.mp4_boxes import mp4_faults
from c2fpl.extractors.damage.transport_stream import TransportFaults, transport_faults
from synthetic import Synthetic

PID = 256


def packet(
    counter: int,
    *,
    begins: bool = False,
    marked: bool = False,
    announced: bool = False,
    pid: int = PID,
    fill: int | None = None,
) -> bytes:
    """One packet of 188 bytes with an adaptation field of two bytes and a payload."""
    second = marked << 7 | begins << 6 | pid >> 8
    head = bytes([0x47, second, pid & 0xFF, 0x30 | counter % 16, 1, announced << 7])
    return head + bytes([counter % 251 if fill is None else fill]) * 182


def faults_of(tmp_path: Path, *parts: bytes) -> TransportFaults:
    path = tmp_path / "made.ts"
    path.write_bytes(b"".join(parts))
    return transport_faults(path, PID)


def packets(start: int, end: int) -> bytes:
    return b"".join(packet(counter) for counter in range(start, end))


def test_a_whole_stream_has_no_faults(tmp_path: Path) -> None:
    assert faults_of(tmp_path, packets(0, 40)) == TransportFaults()
    assert broken_parts(tmp_path / "made.ts", "mpegts", PID, times_jump=True) == []


def test_a_lost_packet_is_a_jump_of_the_counter(tmp_path: Path) -> None:
    assert faults_of(tmp_path, packets(0, 9), packets(10, 40)) == TransportFaults(counter_jumps=1)


def test_counters_of_other_streams_do_not_count(tmp_path: Path) -> None:
    others = (packet(1, pid=257), packet(7, pid=257), packet(0, pid=0x1FFF))
    assert faults_of(tmp_path, packets(0, 9), *others, packets(9, 40)) == TransportFaults()


def test_a_packet_sent_twice_is_no_jump_but_15_lost_ones_are(tmp_path: Path) -> None:
    assert faults_of(tmp_path, packets(0, 9), packets(8, 40)) == TransportFaults()
    assert faults_of(tmp_path, packets(0, 9), packets(24, 40)) == TransportFaults(counter_jumps=1)


def test_a_jump_that_the_stream_announces_is_no_fault(tmp_path: Path) -> None:
    joint = packet(3, announced=True)
    assert faults_of(tmp_path, packets(0, 9), joint, packets(4, 40)) == TransportFaults()


def test_a_jump_between_two_frames_is_damage_only_where_the_time_jumps_too(tmp_path: Path) -> None:
    joined = faults_of(tmp_path, packets(0, 9), packet(3, begins=True), packets(4, 40))
    assert joined == TransportFaults(joints=1)
    path = tmp_path / "made.ts"
    assert broken_parts(path, "mpegts", PID, times_jump=False) == []
    said = broken_parts(path, "mpegts", PID, times_jump=True)
    assert said == ["jumps of counter and time: 1"]


def test_lost_bytes_are_a_lost_border_and_the_rest_is_read_on(tmp_path: Path) -> None:
    found = faults_of(tmp_path, packets(0, 9), packet(9)[:100], packets(10, 30), packets(31, 40))
    assert found == TransportFaults(borders_lost=1, counter_jumps=2)


def test_packets_marked_as_broken_are_counted(tmp_path: Path) -> None:
    parts = packets(0, 9), packet(9, marked=True), packets(10, 40)
    assert faults_of(tmp_path, *parts) == TransportFaults(marked=1)


def test_an_end_inside_a_packet_is_a_cut(tmp_path: Path) -> None:
    found = faults_of(tmp_path, packets(0, 40)[:-1])
    assert found == TransportFaults(cut_short=True)
    assert found.broken() == ["cut off inside a packet"]


def test_zeros_after_the_last_packet_are_space_reserved_but_not_those_inside_it(
    tmp_path: Path,
) -> None:
    assert faults_of(tmp_path, packets(0, 40), bytes(1000)) == TransportFaults()
    found = faults_of(tmp_path, packets(0, 40)[:-1], bytes(1000))
    assert found == TransportFaults(cut_short=True)


@pytest.mark.parametrize(("before", "after"), [(4, 0), (0, 16)])
def test_packets_with_time_stamps_or_parity_are_read(
    before: int, after: int, tmp_path: Path
) -> None:
    spaced = [bytes(before) + packet(counter) + bytes(after) for counter in range(40)]
    assert faults_of(tmp_path, *spaced) == TransportFaults()
    assert faults_of(tmp_path, *spaced[:9], *spaced[10:]) == TransportFaults(counter_jumps=1)


def test_the_counter_is_followed_from_chunk_to_chunk(tmp_path: Path) -> None:
    assert faults_of(tmp_path, packets(0, 12_000)) == TransportFaults()
    found = faults_of(tmp_path, packets(0, 11_000), packets(11_001, 12_000)[:-7])
    assert found == TransportFaults(counter_jumps=1, cut_short=True)


@pytest.mark.parametrize("size", [1, 187, 188, 1000])
def test_what_is_no_stream_at_all_ends(size: int, tmp_path: Path) -> None:
    noise = np.random.default_rng(size).integers(0, 0x40, size, np.uint8)
    assert faults_of(tmp_path, noise.tobytes()).broken() != []


@pytest.fixture(scope="module")
def matroska(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Synthetic("whole.mkv", frames=60).write(tmp_path_factory.mktemp("matroska"))


def changed(matroska: Path, data: bytes) -> list[str]:
    path = matroska.with_name("changed.mkv")
    path.write_bytes(data)
    return matroska_faults(path)


def test_a_whole_matroska_file_has_no_faults(matroska: Path) -> None:
    assert matroska_faults(matroska) == []


@pytest.mark.parametrize("missing", [1, 100, 1500])
def test_a_cut_matroska_file_says_how_many_bytes_it_lacks(matroska: Path, missing: int) -> None:
    data = matroska.read_bytes()
    said = changed(matroska, data[:-missing])
    assert len(said) == 1
    assert said[0].startswith("cut off: ")
    assert said[0].endswith(" bytes are missing")


def test_one_wrong_byte_of_a_frame_is_a_wrong_checksum(matroska: Path) -> None:
    data = bytearray(matroska.read_bytes())
    with av.open(str(matroska)) as container:
        frames = [(frame.pos or 0) + frame.size for frame in container.demux(video=0) if frame.size]
    data[frames[30]] ^= 0xFF
    assert changed(matroska, bytes(data)) == ["wrong checksums: 1"]


def test_bytes_too_many_or_too_few_are_no_element(matroska: Path) -> None:
    data = matroska.read_bytes()
    middle = len(data) // 2
    for damaged in (data[:middle] + data[middle - 50 :], data[:middle] + data[middle + 50 :]):
        said = changed(matroska, damaged)
        assert any(
            word in said[0] for word in ("invalid Matroska element", "longer than its cluster")
        )


def test_a_live_recording_without_sizes_is_whole_until_it_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "live.webm"
    whole = Synthetic("source.webm", codec="libvpx-vp9").write(tmp_path)
    with (
        av.open(str(whole)) as source,
        av.open(str(path), "w", options={"live": "1", "cluster_time_limit": "300"}) as target,
    ):
        copy = target.add_stream_from_template(source.streams.video[0])
        for each in source.demux(video=0):
            if each.dts is not None:
                each.stream = copy
                target.mux(each)
    data = path.read_bytes()
    for good in (data, data + data):
        assert changed(path, good) == []
    assert changed(path, data[:-5]) == ["cut off: 5 bytes are missing"]


def box(kind: bytes, content: bytes, *, in_64_bits: bool = False) -> bytes:
    if in_64_bits:
        return (1).to_bytes(4, "big") + kind + (16 + len(content)).to_bytes(8, "big") + content
    return (8 + len(content)).to_bytes(4, "big") + kind + content


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([box(b"ftyp", b"isom"), box(b"mdat", bytes(90), in_64_bits=True)], []),
        ([box(b"ftyp", b"isom"), bytes(4) + b"mdat" + bytes(90)], []),
        ([box(b"ftyp", b"isom"), box(b"mdat", bytes(90)), bytes(512)], []),
        ([box(b"mdat", bytes(90)), b"\xff" * 20], ["invalid mp4 box at byte 98"]),
        ([box(b"mdat", bytes(90)), b"\0\0\0\7free"], ["invalid mp4 box at byte 98"]),
        ([box(b"mdat", bytes(90)), box(b"moov", b""), b"\xff" * 20], []),
        ([box(b"mdat", bytes(90)), box(b"moov", b""), b"hand-made trailer"], []),
        ([box(b"moov", b"mvex"), box(b"moof", b""), box(b"moov", b"mvex")], []),
        ([box(b"ftyp", b"isom"), box(b"mdat", bytes(90))[:-7]], ["cut off: 7 bytes are missing"]),
    ],
)
def test_boxes_of_an_mp4_fill_the_file(parts: list[bytes], said: list[str], tmp_path: Path) -> None:
    path = tmp_path / "boxes.mp4"
    path.write_bytes(b"".join(parts))
    assert mp4_faults(path) == said


CODECS = {".mpg": "mpeg2video", ".mxf": "mpeg2video", ".ogv": "libvpx", ".asf": "mpeg4"}
DEMUXERS = {".mpg": "mpeg", ".ogv": "ogg"}


@pytest.mark.parametrize("suffix", [".avi", ".asf", ".flv", ".mxf", ".ogv", ".mpg"])
def test_a_row_of_chunks_is_whole_until_it_is_cut(suffix: str, tmp_path: Path) -> None:
    path = Synthetic(f"row{suffix}", codec=CODECS.get(suffix, "libx264")).write(tmp_path)
    data, demuxer = path.read_bytes(), DEMUXERS.get(suffix, suffix[1:])
    for good in (data, data + bytes(3000), data + b"and some text"):
        path.write_bytes(good)
        assert chunk_faults(path, demuxer) == []
    for kept in (len(data) * 3 // 5, len(data) - 5):
        path.write_bytes(data[:kept])
        said = chunk_faults(path, demuxer)
        assert len(said) == 1
        assert said[0].startswith("cut off: ")


@pytest.mark.parametrize("demuxer", ["avi", "asf", "flv", "mxf", "ogg", "mpeg"])
def test_what_is_no_row_of_chunks_ends(demuxer: str, tmp_path: Path) -> None:
    path = tmp_path / "noise"
    for size in (1, 30, 5000):
        path.write_bytes(np.random.default_rng(size).integers(0x80, 0xC0, size, np.uint8).tobytes())
        assert chunk_faults(path, demuxer) == []


def test_a_size_that_a_live_recorder_left_open_is_no_cut(tmp_path: Path) -> None:
    path = Synthetic("live.avi").write(tmp_path)
    data = bytearray(path.read_bytes())
    place = data.index(b"movi") - 4
    for size in (bytes(4), b"\xff" * 4):
        data[place : place + 4] = size
        path.write_bytes(data[:-700])
        assert chunk_faults(path, "avi") == []
