"""Scores on disk and annotations -> metrics.json and a table, joined by name."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike
from rich.console import Console

from c2fpl.pipeline.count_table import CountTable
from c2fpl.pipeline.datasets import DatasetName
from c2fpl.pipeline.evaluate import Evaluation, evaluate, save_metrics
from c2fpl.pipeline.frame_runs import BadScores
from c2fpl.pipeline.metrics_table import class_table, metrics_table
from c2fpl.pipeline.npy_header import BadNpy
from c2fpl.pipeline.protocols import Counts, ProtocolName, WrongCount
from c2fpl.pipeline.score_join import UnmatchedVideos, fit_scores, join_scores


def save(folder: Path, name: str, scores: ArrayLike) -> Path:
    path = folder / f"{name}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.asarray(scores, np.float32))
    return path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Two annotated videos, one of them normal, and one that is not annotated."""
    save(tmp_path / "scores", "cam/a", [0.1, 0.2, 0.9, 0.8])
    save(tmp_path / "scores", "cam/b", [0.1, 0.6])
    save(tmp_path / "scores", "train/c", [0.7, 0.7])
    (tmp_path / "annotations.txt").write_text("a.mp4 2 4\nb.mp4\n")
    return tmp_path


def measured(
    folder: Path,
    dataset: DatasetName = "own",
    protocol: ProtocolName = "native",
    table: CountTable | None = None,
    allow_missing: bool = False,
) -> Evaluation:
    return evaluate(
        folder / "scores",
        dataset=dataset,
        annotations=folder / "annotations.txt",
        protocol=protocol,
        table=table,
        allow_missing=allow_missing,
    )


def test_own_videos_are_joined_by_name_whatever_their_folder(own: Path) -> None:
    found = measured(own)
    assert (found.metrics.videos, found.metrics.frames) == (2, 6)
    assert (found.metrics.auc, found.metrics.far) == (1.0, 0.5)
    assert any("1 scored videos are not in the test set" in note for note in found.notes)


def test_metrics_json_is_plain_and_says_what_it_is_of(own: Path) -> None:
    save_metrics(own / "metrics.json", measured(own))
    read = json.loads((own / "metrics.json").read_text())
    assert (read["dataset"], read["protocol"], read["auc"]) == ("own", "native", 1.0)
    assert read["classes"]["Anomaly"]["videos"] == 1
    assert read["interval95"]["auc"] == [1.0, 1.0]
    assert any("train/c" in note for note in read["notes"])


def test_a_video_without_scores_is_refused_by_name_unless_allowed(own: Path) -> None:
    (own / "scores" / "cam" / "b.npy").unlink()
    with pytest.raises(UnmatchedVideos, match=r"1 videos .* no scores: b; all their frames left"):
        measured(own)
    found = measured(own, allow_missing=True)
    assert found.metrics.videos == 1
    assert any("1 test videos without scores" in note and "b" in note for note in found.notes)


def test_missing_frames_are_counted_where_they_are_known(own: Path) -> None:
    (own / "scores" / "cam" / "b.npy").unlink()
    table = CountTable(own / "counts.csv", {"a": Counts(frames=4), "b": Counts(frames=1234)})
    with pytest.raises(UnmatchedVideos, match="1234 frames left out"):
        measured(own, table=table)


def test_doubled_scores_count_once_when_alike_and_are_refused_when_not(own: Path) -> None:
    save(own / "scores", "Normal_Videos_event/b", [0.1, 0.6])
    found = measured(own)
    assert found.metrics.frames == 6
    assert "b has 2 score files that are alike; counted once" in found.notes
    save(own / "scores", "Normal_Videos_event/b", [0.1, 0.7])
    with pytest.raises(UnmatchedVideos, match="b has two score files that differ"):
        measured(own)


def test_names_with_folders_tell_equal_file_names_apart(tmp_path: Path) -> None:
    save(tmp_path, "all/cam1/day", [0.1])
    save(tmp_path, "all/cam2/day.mp4", [0.2])
    joined = join_scores(tmp_path, ["cam1/day", "cam2/day"])
    assert joined.files["cam1/day"].parent.name == "cam1"
    assert joined.files["cam2/day"].parent.name == "cam2"
    absolute = join_scores(tmp_path / "all" / "cam1", ["archive/cam1/day"])
    assert absolute.missing == ()


def test_no_scores_and_foreign_scores_are_refused(own: Path) -> None:
    (own / "annotations.txt").write_text("elsewhere 1 2\n")
    with pytest.raises(UnmatchedVideos, match="has no scores of a video in"):
        measured(own, allow_missing=True)
    (own / "empty").mkdir()
    with pytest.raises(UnmatchedVideos, match="holds no scores"):
        join_scores(own / "empty", ["a"])


def test_score_files_that_are_no_scores_are_refused(own: Path) -> None:
    path = own / "scores" / "cam" / "a.npy"
    np.save(path, np.zeros((4, 2), np.float32))
    with pytest.raises(BadScores, match="one float for each frame"):
        measured(own)
    np.save(path, np.array(["x", None], object), allow_pickle=True)
    with pytest.raises(BadNpy, match="pickled objects"):
        measured(own)
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(BadNpy, match=r"no \.npy file"):
        measured(own)
    save(own / "scores", "cam/a", [0.1, np.nan, 0.2, 0.3])
    with pytest.raises(BadScores, match="a, frame 1"):
        measured(own)


def test_scores_are_fitted_by_less_than_a_segment() -> None:
    scores = np.array([0.1, 0.2], np.float32)
    assert fit_scores("v", scores, 4).tolist() == pytest.approx([0.1, 0.2, 0.2, 0.2])
    assert fit_scores("v", scores, 1).tolist() == pytest.approx([0.1])
    assert len(fit_scores("v", scores, 17)) == 17
    with pytest.raises(WrongCount, match="v has 2 scores and 18 frames"):
        fit_scores("v", scores, 18)
    assert len(fit_scores("v", scores, 18, decoded=3)) == 18
    with pytest.raises(WrongCount, match="v has 0 scores"):
        fit_scores("v", scores[:0], 4)


def test_a_count_that_does_not_fit_the_scores_names_the_video(own: Path) -> None:
    table = CountTable(own / "counts.csv", {"a": Counts(frames=400), "b": Counts(frames=2)})
    with pytest.raises(WrongCount, match="a has 4 scores and 400 frames"):
        measured(own, table=table)


UCF = "Abuse028_x264.mp4 Abuse 3 9 -1 -1\nNormal_Videos_003_x264.mp4 Normal -1 -1 -1 -1\n"


def test_ucf_protocols_round_the_video_and_repeat_its_last_score(tmp_path: Path) -> None:
    save(tmp_path / "scores", "Abuse/Abuse028_x264", np.linspace(0, 1, 20))
    save(tmp_path / "scores", "x/Normal_Videos_003_x264", np.zeros(32))
    (tmp_path / "annotations.txt").write_text(UCF)
    frames = {
        protocol: measured(tmp_path, "ucf-crime", protocol=protocol).metrics
        for protocol in ("native", "rtfm", "deepmil")
    }
    assert [metrics.frames for metrics in frames.values()] == [52, 64, 48]
    assert [metrics.anomalous_frames for metrics in frames.values()] == [6, 7, 6]
    assert [one.name for one in frames["native"].classes] == ["Abuse", "Normal"]


def test_scores_of_published_features_are_measured_by_their_segments(tmp_path: Path) -> None:
    name, quiet = "x__#1_label_G-0-0", "y__#1_label_A"
    save(tmp_path / "scores", name, np.linspace(0, 1, 32))
    save(tmp_path / "scores", quiet, np.zeros(16))
    (tmp_path / "annotations.txt").write_text(f"{name} 20 40\n")
    table = CountTable(tmp_path, {name: Counts(segments=2), quiet: Counts(segments=1)})
    found = measured(tmp_path, "xd-violence", protocol="xdviodet", table=table)
    assert (found.metrics.frames, found.metrics.anomalous_frames) == (48, 12)
    assert any("2 of the 800 official test videos" in note for note in found.notes)


def test_a_feature_file_with_one_segment_too_many_is_named(tmp_path: Path) -> None:
    (tmp_path / "annotations.txt").write_text(UCF)
    table = CountTable(
        tmp_path, {"Abuse028_x264": Counts(frames=20), "Normal_Videos_003_x264": Counts(frames=32)}
    )
    for segments, refused in ((2, False), (3, True), (1, True)):
        save(tmp_path / "scores", "Abuse028_x264", np.linspace(0, 1, 16 * segments))
        save(tmp_path / "scores", "Normal_Videos_003_x264", np.zeros(32))
        if refused:
            with pytest.raises(WrongCount, match=r"Abuse028_x264 has .* and 32 frames of ground"):
                measured(tmp_path, "ucf-crime", "rtfm", table)
        else:
            found = measured(tmp_path, "ucf-crime", "rtfm", table)
            assert found.metrics.frames == 64


def test_normal_xd_videos_are_those_scored_unless_there_are_too_many(tmp_path: Path) -> None:
    (tmp_path / "annotations.txt").write_text("x__#1_label_G-0-0 1 2\n")
    save(tmp_path / "scores", "x__#1_label_G-0-0", [0.1, 0.9])
    save(tmp_path / "scores", "y__#1_label_A", [0.1, 0.2])
    assert measured(tmp_path, "xd-violence").metrics.videos == 2
    for number in range(301):
        save(tmp_path / "scores", f"n{number}__#1_label_A", [0.1])
    with pytest.raises(UnmatchedVideos, match="has 302 normal videos and the test set 300"):
        measured(tmp_path, "xd-violence")


def test_shanghaitech_needs_its_test_list_and_the_length_of_the_mask(tmp_path: Path) -> None:
    masks = tmp_path / "test_frame_mask"
    masks.mkdir()
    np.save(masks / "01_0015.npy", np.array([0, 1, 1], np.uint8))
    np.save(masks / "01_0014.npy", np.array([1], np.uint8))
    for name in ("01_0015", "01_001", "01_0014"):
        save(tmp_path / "scores", name, [0.1, 0.2, 0.9])

    def measured_masks() -> Evaluation:
        return evaluate(tmp_path / "scores", dataset="shanghaitech", annotations=masks)

    with pytest.raises(UnmatchedVideos, match=r"lay SH_Test.txt beside"):
        measured_masks()
    (tmp_path / "SH_Test.txt").write_text("01_0015\n01_001")
    found = measured_masks()
    assert (found.metrics.frames, found.metrics.anomalous_frames) == (6, 2)
    save(tmp_path / "scores", "01_0015", np.zeros(99))
    with pytest.raises(WrongCount, match="01_0015 has 99 scores and 3 frames"):
        measured_masks()


def test_the_table_shows_published_figures_with_their_source(tmp_path: Path) -> None:
    save(tmp_path / "scores", "Abuse028_x264", np.linspace(0, 1, 20))
    save(tmp_path / "scores", "Normal_Videos_003_x264", np.zeros(32))
    (tmp_path / "annotations.txt").write_text(UCF)
    found = measured(tmp_path, "ucf-crime")
    console = Console(width=160, record=True, quiet=False, file=(tmp_path / "out").open("w"))
    console.print(metrics_table(found), class_table(found))
    text = console.export_text()
    assert "80.14 ± 0.31" in text and "supplementary C" in text
    assert "AP (trapezoid)" in text and "Abuse" in text


def test_perfect_scores_of_the_whole_ucf_test_set(shared_data: Path, tmp_path: Path) -> None:
    from c2fpl.pipeline.annotations import read_annotations
    from c2fpl.pipeline.count_table import read_count_table
    from c2fpl.pipeline.protocols import rtfm

    folder = shared_data / "annotations" / "ucf-crime"
    annotations = folder / "Temporal_Anomaly_Annotation_for_Testing_Videos.txt"
    table = read_count_table(folder / "ucf_test.csv", "T_i3d2048_rtfm")
    videos = read_annotations(annotations, "ucf-crime").videos
    for name, counts in table.counts.items():
        save(tmp_path, f"{videos[name].classes[0]}/{name}", rtfm(videos[name], counts))
    found = evaluate(
        tmp_path,
        dataset="ucf-crime",
        annotations=annotations,
        protocol="rtfm",
        table=table,
        bootstrap_replicates=20,
    )
    assert (found.metrics.frames, found.metrics.anomalous_frames) == (1114144, 84343)
    assert (found.metrics.auc, found.metrics.ap, found.metrics.far) == (1.0, 1.0, 0.0)
    assert len(found.metrics.classes) == 14
    assert found.notes == ()


def test_ped2_is_measured_from_its_own_annotations(shared_data: Path, tmp_path: Path) -> None:
    for number in range(1, 13):
        save(tmp_path, f"Test/Test{number:03}", np.linspace(0, 1, 180))
    for number in range(1, 17):
        save(tmp_path, f"Train/Train{number:03}", np.zeros(120))
    found = evaluate(tmp_path, dataset="own", annotations=shared_data / "ped2" / "annotations.txt")
    assert found.metrics.videos == 12
    assert any("16 scored videos are not in the test set" in note for note in found.notes)
