"""Scores of two detectors never stand together: what an earlier one left is out, and it is said."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from c2fpl.errors import BadScores
from c2fpl.pipeline.evaluation.join import join_scores
from c2fpl.pipeline.files.run_files import RunFiles, load_table
from c2fpl.pipeline.steps import score_videos
from c2fpl.pipeline.steps.score_index import INDEX_HEADER, score_files
from c2fpl.pipeline.steps.scored_videos import scored_videos
from command_line import c2fpl
from killing import write_short_videos

pytestmark = pytest.mark.usefixtures("without_plots")
QUICK = (
    *("--backbone", "flow", "--crops", "1", "--device", "cpu"),
    *("--epochs", "1", "--epoch-steps", "1"),
)


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    return write_short_videos(tmp_path / "videos", 3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over two videos."""
    folder = tmp_path_factory.mktemp("trained")
    write_short_videos(folder / "videos", 2)
    assert c2fpl("run", folder / "videos", "-o", folder / "run", *QUICK, "--quiet") == 0
    return folder / "run"


def names_in(files: RunFiles) -> list[str]:
    return [video.name for video in scored_videos(files)]


def test_a_table_of_scores_is_never_of_another_detector_than_its_array(
    videos: Path, tmp_path: Path
) -> None:
    run = ("run", videos, "-o", tmp_path / "run", *QUICK, "--quiet")
    assert c2fpl(*run, "--format", "npy,csv") == 0
    first = (tmp_path / "run/scores/v00.csv").read_bytes()
    assert c2fpl(*run, "--seed", "3") == 0
    assert not (tmp_path / "run/scores/v00.csv").exists()
    assert c2fpl(*run, "--seed", "3", "--format", "npy,csv") == 0
    assert (tmp_path / "run/scores/v00.csv").read_bytes() != first
    for path in (tmp_path / "run/scores").glob("*.npy"):
        rows = load_table(path.with_suffix(".csv"))
        np.testing.assert_allclose([float(row["score"]) for row in rows], np.load(path), atol=6e-7)


def test_a_video_that_is_no_longer_there_is_left_out_of_all_results(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = RunFiles(tmp_path / "run")
    run = ("run", videos, "-o", files.root, *QUICK)
    assert c2fpl(*run) == 0
    assert names_in(files) == ["v00", "v01", "v02"]
    (videos / "v01.mp4").unlink()
    capsys.readouterr()
    assert c2fpl(*run) == 0
    said = capsys.readouterr().err
    assert "2 videos to be scored again" in said
    assert said.count("1 .npy file left out, not written by the last scoring: v01") == 1
    assert names_in(files) == ["v00", "v02"]
    assert "v01" not in files.events.read_text()
    assert (files.scores / "v01.npy").exists()
    joined = join_scores(files.scores, ["v00", "v01", "v02"])
    assert joined.missing == ("v01",)
    assert any("left out" in note for note in joined.notes)


def test_new_videos_of_the_same_detector_stand_beside_the_old_ones(
    trained: Path, tmp_path: Path
) -> None:
    new = write_short_videos(tmp_path / "videos", 4)
    shutil.copytree(trained / "scores", tmp_path / "scores")
    score = ("score", "--detector", trained / "detector.pt", "-o", tmp_path / "scores", "--quiet")
    assert c2fpl(*score, new / "v03.mp4") == 0
    assert c2fpl(*score, new / "v02.mp4") == 0
    files = RunFiles(tmp_path / "scores", holds="scores")
    assert names_in(files) == ["v00", "v01", "v02", "v03"]
    joined = join_scores(tmp_path / "scores", ["v02", "v03"])
    assert joined.missing == ()
    assert joined.notes == ()


def test_other_options_put_the_old_scores_out(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained / "scores", tmp_path / "scores")
    new = write_short_videos(tmp_path / "videos", 3) / "v02.mp4"
    score = ("score", new, "--detector", trained / "detector.pt", "-o", tmp_path / "scores")
    assert c2fpl(*score, "--quiet", "--calibration", "1") == 0
    assert names_in(RunFiles(tmp_path / "scores", holds="scores")) == ["v02"]


def test_a_first_scoring_that_was_stopped_counts_for_nothing(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ("run", trained.parent / "videos", "-o", tmp_path, *QUICK, "--quiet")
    write, left = score_videos._score_one, iter([True])

    def full_at_the_second(*arguments: object) -> None:
        if not next(left, False):
            raise OSError(28, "No space left on device")
        write(*arguments)  # type: ignore[arg-type]  # handed through as they came

    with monkeypatch.context() as patched:
        patched.setattr(score_videos, "_score_one", full_at_the_second)
        assert c2fpl(*run) == 2
    assert (tmp_path / "scores/v00.npy").exists()
    with pytest.raises(BadScores, match=r"1 \.npy file left out"):
        scored_videos(RunFiles(tmp_path))
    assert c2fpl(*run) == 0
    assert names_in(RunFiles(tmp_path)) == ["v00", "v01"]


def test_arrays_beside_videos_do_not_make_a_folder_one_of_features(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained.parent / "videos", tmp_path, dirs_exist_ok=True)
    np.save(tmp_path / "mask.npy", np.zeros(20, np.uint8))
    detector = ("--detector", trained / "detector.pt", "--device", "cpu")
    for _ in range(2):  # the second time its own scores and features lie there as well
        assert c2fpl("score", tmp_path, "-o", tmp_path, *detector) == 0
        made = (tmp_path / "v01.npy").read_bytes()
        assert made == (trained / "scores/v01.npy").read_bytes()
        assert "not written by the last scoring: mask (" in capsys.readouterr().err


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Two arrays, one of them in a sub-folder, made by whoever."""
    (tmp_path / "cam").mkdir()
    for name in ("a", "cam/b"):
        np.save(tmp_path / f"{name}.npy", np.zeros(5, np.float32))
    return tmp_path


def test_every_array_of_a_folder_without_index_counts(plain: Path) -> None:
    found = score_files(plain)
    assert list(found.counted) == ["a", "cam/b"]
    assert (found.left_out, found.remark) == ((), "")


def test_features_below_the_scores_are_no_scores_left_out(plain: Path) -> None:
    index = RunFiles(plain, holds="scores").score_index
    index.write_text(",".join(INDEX_HEADER) + "\na" + "," * (len(INDEX_HEADER) - 1) + "\n")
    (plain / "cam" / "b.json").write_text("{}")
    found = score_files(plain)
    assert list(found.counted) == ["a"]
    assert found.left_out == ()
