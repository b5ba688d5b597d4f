"""Scores on disk and annotations of own videos -> metrics.json, joined by name."""

import json
from pathlib import Path

import numpy as np
import pytest

from c2fpl.errors import BadAnnotation, BadFile, BadScores
from c2fpl.pipeline.evaluation.join import join_scores
from c2fpl.pipeline.files.run_files import save_json
from c2fpl.pipeline.truth.protocols import Counts
from c2fpl.pipeline.truth.score_lengths import fit_scores
from command_line import c2fpl
from plain_metrics import plain_figures
from scored_folder import measured, save


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Two annotated videos, one of them normal, and one that is not annotated."""
    save(tmp_path / "scores", "cam/a", [0.1, 0.2, 0.9, 0.8])
    save(tmp_path / "scores", "cam/b", [0.1, 0.6])
    save(tmp_path / "scores", "train/c", [0.7, 0.7])
    (tmp_path / "annotations.txt").write_text("a.mp4 2 4\nb.mp4\n")
    return tmp_path


def test_own_videos_are_joined_by_name_whatever_their_folder(own: Path) -> None:
    found = measured(own)
    assert (found.metrics.videos, found.metrics.frames) == (2, 6)
    assert (found.metrics.auc, found.metrics.far) == (1.0, 0.5)
    assert any("1 scored video not in the test set" in note for note in found.notes)


def test_metrics_json_is_plain_and_says_what_it_is_of(own: Path) -> None:
    save_json(own / "metrics.json", measured(own).as_json())
    read = json.loads((own / "metrics.json").read_text())
    assert (read["dataset"], read["protocol"], read["auc"]) == ("own", "native", 1.0)
    assert read["classes"]["Anomaly"]["videos"] == 1
    assert read["interval95"]["auc"] == [1.0, 1.0]
    assert any("train/c" in note for note in read["notes"])


def test_a_video_without_scores_is_refused_by_name_unless_allowed(own: Path) -> None:
    (own / "scores" / "cam" / "b.npy").unlink()
    with pytest.raises(
        BadAnnotation, match=r"no scores for b of the test set; all their frames left"
    ):
        measured(own)
    found = measured(own, allow_missing=True)
    assert found.metrics.videos == 1
    assert any("1 test video without scores" in note and "b" in note for note in found.notes)


def test_missing_frames_are_counted_where_they_are_known(own: Path) -> None:
    (own / "scores" / "cam" / "b.npy").unlink()
    table = {"a": Counts(frames=4), "b": Counts(frames=1234)}
    with pytest.raises(BadAnnotation, match="1234 frames left out"):
        measured(own, table=table)


def test_doubled_scores_count_once_when_alike_and_are_refused_when_not(own: Path) -> None:
    save(own / "scores", "Normal_Videos_event/b", [0.1, 0.6])
    found = measured(own)
    assert found.metrics.frames == 6
    assert "b has 2 identical score files, counted once" in found.notes
    save(own / "scores", "Normal_Videos_event/b", [0.1, 0.7])
    with pytest.raises(BadAnnotation, match="b has two score files that differ"):
        measured(own)


def test_names_with_folders_tell_equal_file_names_apart(tmp_path: Path) -> None:
    save(tmp_path, "all/cam1/day", [0.1])
    save(tmp_path, "all/cam2/day.mp4", [0.2])
    joined = join_scores(tmp_path, ["cam1/day", "cam2/day"])
    assert joined.files["cam1/day"].parent.name == "cam1"
    assert joined.files["cam2/day"].parent.name == "cam2"
    flat = join_scores(tmp_path / "all" / "cam1", ["archive/cam1/day"])
    assert flat.missing == ()
    assert flat.notes == ("joined by file name only, without folders: archive/cam1/day",)


@pytest.mark.parametrize(
    ("wanted", "there", "joined"),
    [
        ("cam1/day2", "cam2/day2", False),
        ("site/cam1/day2", "cam1/day2", True),
        ("site/cam1/day2", "site/cam2/day2", False),
        ("site/cam1/day2", "other/cam1/day2", False),
        ("cam1/day2", "all/site/cam1/day2", True),
        ("day2", "cam2/day2", True),
        ("cam1/day2", "xcam1/day2", False),
    ],
)
def test_scores_of_another_folder_are_never_taken(
    tmp_path: Path, wanted: str, there: str, joined: bool
) -> None:
    save(tmp_path, there, [0.1])
    found = join_scores(tmp_path, [wanted, "else"])
    assert (wanted in found.files) == joined
    assert found.missing == (("else",) if joined else (wanted, "else"))
    assert found.extra == (() if joined else (there,))


def test_the_missing_camera_is_named_in_the_refusal(tmp_path: Path) -> None:
    save(tmp_path / "scores", "cam2/day2", [0.1, 0.2])
    save(tmp_path / "scores", "cam2/day3", [0.1, 0.2])
    (tmp_path / "annotations.txt").write_text("cam1/day2 0 1\ncam2/day3\n")
    with pytest.raises(BadAnnotation, match="no scores for cam1/day2"):
        measured(tmp_path)


def test_no_scores_and_foreign_scores_are_refused(own: Path) -> None:
    (own / "annotations.txt").write_text("elsewhere 1 2\n")
    with pytest.raises(BadAnnotation, match="has no scores of a video in"):
        measured(own, allow_missing=True)
    (own / "empty").mkdir()
    with pytest.raises(BadAnnotation, match=r"has no scores \(.npy\)"):
        join_scores(own / "empty", ["a"])


def test_score_files_that_are_no_scores_are_refused(own: Path) -> None:
    path = own / "scores" / "cam" / "a.npy"
    np.save(path, np.zeros((4, 2), np.float32))
    with pytest.raises(BadScores, match="one float per frame"):
        measured(own)
    np.save(path, np.array(["x", None], object), allow_pickle=True)
    with pytest.raises(BadFile, match="pickled objects"):
        measured(own)
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(BadFile, match=r"is not a \.npy file"):
        measured(own)
    save(own / "scores", "cam/a", [0.1, np.nan, 0.2, 0.3])
    with pytest.raises(BadScores, match="a, frame 1"):
        measured(own)


def test_scores_are_fitted_by_less_than_a_segment() -> None:
    scores = np.array([0.1, 0.2], np.float32)
    assert fit_scores("v", scores, 4).tolist() == pytest.approx([0.1, 0.2, 0.2, 0.2])
    assert fit_scores("v", scores, 1).tolist() == pytest.approx([0.1])
    assert len(fit_scores("v", scores, 17)) == 17
    with pytest.raises(BadAnnotation, match="v has 2 scores and 18 frames"):
        fit_scores("v", scores, 18)
    assert len(fit_scores("v", scores, 18, decoded=3)) == 18
    with pytest.raises(BadAnnotation, match="v has 0 scores"):
        fit_scores("v", scores[:0], 4)


def test_frames_at_another_rate_than_the_files_are_said(own: Path) -> None:
    for name, source in (("cam/a", 3), ("cam/b", 2)):
        record = own / "features" / f"{name}.json"
        record.parent.mkdir(parents=True, exist_ok=True)
        decoded = len(np.load(own / "scores" / f"{name}.npy"))
        record.write_text(f'{{"num_frames_source": {source}, "num_frames_decoded": {decoded}}}')
    (said,) = [note for note in measured(own).notes if "frame rate" in note]
    assert said.startswith("scored at another frame rate than that of the video")
    assert said.endswith(": a")


def test_false_alarms_are_counted_over_the_recorded_time(own: Path) -> None:
    """Two normal frames at 5 a second and two at 2: 1.4 s. 30 where a record is missing."""
    for name, rate in (("cam/a", 5), ("cam/b", 2)):
        record = own / "features" / f"{name}.json"
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(f'{{"times": "constant", "seekable": true, "frame_rate": {rate}}}')
    assert "at 2.85714 frames per second" in measured(own).notes[-1]
    (own / "features" / "cam" / "b.json").unlink()
    assert "at 30 frames per second" in measured(own).notes[-1]


def test_a_count_that_does_not_fit_the_scores_names_the_video(own: Path) -> None:
    table = {"a": Counts(frames=400), "b": Counts(frames=2)}
    with pytest.raises(BadAnnotation, match="a has 4 scores and 400 frames"):
        measured(own, table=table)


@pytest.mark.parametrize("decimals", [1, 7])
def test_metrics_json_is_what_scikit_learn_makes_of_the_score_files(
    tmp_path: Path, decimals: int
) -> None:
    """Through the command line, from a table in seconds; with one decimal most scores are tied."""
    rng = np.random.default_rng(decimals)
    events = {f"cam{n % 2}/v{n}": (n, n + 2) if n % 3 else None for n in range(9)}
    rows, truth, anomalous = ["video,start_s,end_s"], {}, {}
    for name, event in events.items():
        frames = int(rng.integers(120, 300))
        start, end = event or (0, 0)
        rows.append(f"{name}.mp4,{start},{end}" if event else f"{name}.mp4,,")
        truth[name] = (np.arange(frames) >= 10 * start) & (np.arange(frames) < 10 * end)
        anomalous[name] = np.full(frames, event is not None)
        scores = rng.random(frames) * 0.7 + 0.3 * truth[name]
        save(tmp_path / "scores", name, scores.round(decimals))
    (tmp_path / "own.csv").write_text("\n".join(rows))
    given = ("--annotations", tmp_path / "own.csv", "--frame-rate", "10")
    assert c2fpl("evaluate", tmp_path / "scores", *given) == 0
    pooled = np.concatenate([np.load(tmp_path / "scores" / f"{name}.npy") for name in events])
    expected = plain_figures(
        np.concatenate([truth[name] for name in events]).astype(float),
        pooled,
        np.concatenate([anomalous[name] for name in events]),
    )
    found = json.loads((tmp_path / "scores/metrics.json").read_text())
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert found["frames"] == len(pooled)
