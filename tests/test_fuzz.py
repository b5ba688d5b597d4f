"""Damaged files of every kind that is read: taken, or refused in one line; never anything else."""

from pathlib import Path

import pytest

from fuzzed_readers import readers
from fuzzing import Reader, complaint, findings, wrong_values

MUTATIONS = 60
NAMES = (
    *(
        "npy",
        "features",
        "record",
        "scores",
        "labels",
        "failures",
        "counts",
        "provenance",
        "index",
        "events",
        "list",
        "detector",
        "config",
    ),
    *("annotations of own", "annotations of ucf-crime", "annotations of xd-violence"),
)


@pytest.fixture(scope="module")
def by_name(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reader]:
    return {reader.name: reader for reader in readers(tmp_path_factory.mktemp("whole"))}


def test_every_reader_has_its_test(by_name: dict[str, Reader]) -> None:
    assert set(by_name) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_damaged_files_are_taken_or_refused_in_one_line(
    by_name: dict[str, Reader], name: str, tmp_path: Path
) -> None:
    found = list(findings(by_name[name], tmp_path, MUTATIONS, seed=3))
    assert [(finding.done, finding.said, finding.data) for finding in found] == []


@pytest.mark.parametrize("name", ["provenance", "record", "events"])
def test_values_of_another_kind_are_taken_or_refused_in_one_line(
    by_name: dict[str, Reader], name: str, tmp_path: Path
) -> None:
    reader = by_name[name]
    path = tmp_path / reader.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    found = []
    for done, data in wrong_values(reader.whole[0]):
        path.write_bytes(data)
        if said := complaint(reader, tmp_path):
            found.append((done, said, data))
    assert found == []


@pytest.mark.parametrize("error", [KeyError("x"), ValueError("not ours"), RecursionError()])
def test_an_error_that_is_not_ours_is_a_finding(error: Exception, tmp_path: Path) -> None:
    def read(folder: Path) -> None:
        raise error

    assert complaint(Reader("broken", "x", [b"x"], read), tmp_path)
