"""Files appear whole or not at all, under names that stay inside their folder."""

from pathlib import Path

import numpy as np
import pytest

from c2fpl.errors import BadFile
from c2fpl.pipeline.files.atomic import PART_PREFIX, whole_file
from c2fpl.pipeline.files.lock import remove_parts
from c2fpl.pipeline.files.run_files import (
    RunFiles,
    beside,
    fingerprint,
    load_json,
    load_table,
    save_array,
    save_json,
    save_table,
)

NAMES = ["plain", "two words", "a#b=c@d", "ünï/çødé", "Thelma...Louise.1991", "x'\"<b>&", "-o"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_keeps_its_dots_and_gets_the_suffix(tmp_path: Path, name: str) -> None:
    path = beside(tmp_path, name, ".npy")
    save_array(path, np.arange(3))
    assert path.relative_to(tmp_path).as_posix() == name + ".npy"
    assert np.load(path).tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "", "."])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="leaves its folder"):
        beside(tmp_path, name, ".npy")


def test_a_write_that_fails_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    save_json(path, {"x": 1})
    with pytest.raises(RuntimeError, match="stop"), whole_file(path) as file:
        file.write(b"half")
        raise RuntimeError("stop")
    assert load_json(path) == {"x": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_json_writes_nan_as_a_string_and_other_kinds_are_refused(tmp_path: Path) -> None:
    save_json(tmp_path / "a.json", {"x": float("nan"), "y": [float("-inf"), 1.5]})
    assert load_json(tmp_path / "a.json") == {"x": "nan", "y": ["-inf", 1.5]}
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(BadFile, match=r"list\.json holds a list"):
        load_json(tmp_path / "list.json")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(BadFile, match="is not JSON"):
        load_json(tmp_path / "deep.json")


def test_a_table_gives_back_commas_quotes_and_line_ends(tmp_path: Path) -> None:
    rows = [("a,b", 'say "x"'), ("line\nend", "ü")]
    save_table(tmp_path / "t.csv", ("one", "two"), rows)
    assert [(r["one"], r["two"]) for r in load_table(tmp_path / "t.csv")] == rows


def test_the_fingerprint_ignores_order_and_sees_every_value() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


def test_one_step_alone_lies_in_the_folder_itself(tmp_path: Path) -> None:
    assert RunFiles(tmp_path).features == tmp_path / "features"
    assert RunFiles(tmp_path, holds="features").features == tmp_path
    assert RunFiles(tmp_path, holds="scores").scores == tmp_path
    assert RunFiles(tmp_path, holds="scores").features == tmp_path / "features"


def test_parts_of_a_killed_run_are_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / f"{PART_PREFIX}abc-1").write_text("half")
    (tmp_path / "sub" / "whole.npy").write_text("x")
    remove_parts(tmp_path)
    assert [p.name for p in (tmp_path / "sub").iterdir()] == ["whole.npy"]
