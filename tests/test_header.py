"""The header of a video, read without decoding it."""

import subprocess
import sys
from pathlib import Path

from c2fpl.extractors.decoding.header import read_header, why_not_decord
from damaged import decoded
from synthetic import Synthetic


def test_header_is_read_without_decoding(tmp_path: Path) -> None:
    header = read_header(Synthetic("constant rate.mp4").write(tmp_path))
    assert (header.container, header.codec, header.num_frames) == ("mov", "h264", 40)
    assert (header.width_pixels, header.height_pixels, header.frame_rate) == (128, 96, 25.0)
    assert why_not_decord(header) == ""


def test_a_count_that_was_never_filled_in_is_none(tmp_path: Path) -> None:
    """As in an AVI written to a pipe or by a recorder that lost its power; decord aborts at it."""
    path = Synthetic("open.avi").write(tmp_path)
    data = bytearray(path.read_bytes())
    place = data.index(b"strh") + 40  # the length of the stream
    assert int.from_bytes(data[place : place + 4], "little") == 40
    data[place : place + 4] = b"\xff\xff\xff\x3f"
    path.write_bytes(data)
    assert read_header(path).num_frames is None
    numbers, report = decoded(path)
    assert (numbers, report.loss) == (list(range(40)), "")


def test_importing_the_decoder_imports_neither_torch_nor_decord() -> None:
    code = (
        "import sys, c2fpl.extractors.decoder_pool, c2fpl.extractors.decoder_child; "
        "print(sorted({'torch', 'decord'} & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
