"""Lists in text files: the same names whatever encoding, quoting and comments they come with."""

from pathlib import Path

import pytest

from c2fpl.errors import BadFile
from c2fpl.pipeline.files.lists import read_list

NAMES = ["v/a.mp4", "v/c d.mp4", "v/Überfall #2.mp4"]


def listed(path: Path, data: bytes | str) -> list[str]:
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return [entry.text for entry in read_list(path)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "\n\n"])
def test_encoding_and_line_ends_do_not_matter(
    tmp_path: Path, encoding: str, end: str, last: str
) -> None:
    assert listed(tmp_path / "x.txt", (end.join(NAMES) + last).encode(encoding)) == NAMES


def test_a_byte_order_mark_of_big_endian_is_known(tmp_path: Path) -> None:
    data = b"\xfe\xff" + "\r\n".join(NAMES).encode("utf-16-be")
    assert listed(tmp_path / "x.txt", data) == NAMES


def test_bytes_that_are_no_utf8_come_back_as_they_are(tmp_path: Path) -> None:
    (name,) = listed(tmp_path / "x.txt", b"caf\xe9.mp4\n")
    assert name.encode("utf-8", "surrogateescape") == b"caf\xe9.mp4"


def test_quotes_around_a_line_go_and_quotes_inside_stay(tmp_path: Path) -> None:
    text = "\"v/a.mp4\"\n  'v/c d.mp4'  \nit's.mp4\n'a' and 'b'\n"
    assert listed(tmp_path / "x.txt", text) == ["v/a.mp4", "v/c d.mp4", "it's.mp4", "'a' and 'b'"]


def test_comments_and_blank_lines_are_skipped_but_no_file(tmp_path: Path) -> None:
    (tmp_path / "#1.mp4").touch()
    text = "# a comment\n\n#another\n   \n#1.mp4\na.mp4\n"
    assert listed(tmp_path / "x.txt", text) == ["#1.mp4", "a.mp4"]


def test_a_line_keeps_its_number(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("# one\n\na.mp4\nb.mp4\n")
    assert [entry.number for entry in read_list(tmp_path / "x.txt")] == [3, 4]


def test_a_concat_list_of_ffmpeg_names_its_files(tmp_path: Path) -> None:
    text = (
        "ffconcat version 1.0\n# made by a script\nfile 'v/a.mp4'\nduration 3.5\n"
        "file 'it'\\''s.mp4'\nfile plain.mp4\nfile v/c\\ d.mp4\nfile file:b.mp4\n"
    )
    names = ["v/a.mp4", "it's.mp4", "plain.mp4", "v/c d.mp4", "b.mp4"]
    assert listed(tmp_path / "x.txt", text) == names


def test_files_that_are_named_file_are_no_concat_list(tmp_path: Path) -> None:
    (tmp_path / "file 1.mp4").touch()
    assert listed(tmp_path / "x.txt", "file 1.mp4\n") == ["file 1.mp4"]
    assert listed(tmp_path / "x.txt", "a.mp4\nfile 2.mp4\n") == ["a.mp4", "file 2.mp4"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"file 'a.mp4'\ninpoint 3.0\n", "line 2: 'inpoint 3.0' selects part of a file"),
        (b"file 'a.mp4\n", "line 1: .* has an unclosed quote"),
        (b"\x00\x00\x00 ftypisom\x00\x00", "is not text"),
        (b"\xff\xfea", "is not text"),
    ],
)
def test_what_is_no_list_is_refused_in_one_line(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(BadFile, match=reason):
        listed(tmp_path / "x.txt", data)


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="No such file"):
        read_list(tmp_path / "x.txt")
