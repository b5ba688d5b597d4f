"""Scores of the named data sets -> metrics and a table: their protocols, lists and figures."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from c2fpl.errors import BadAnnotation
from c2fpl.pipeline.evaluation.evaluate import Evaluation, evaluate
from c2fpl.pipeline.evaluation.tables import class_table, metrics_table
from c2fpl.pipeline.evaluation.truth_inputs import TruthInputs
from c2fpl.pipeline.truth.annotations import read_annotations
from c2fpl.pipeline.truth.frame_counts import read_count_table
from c2fpl.pipeline.truth.protocols import Counts, rtfm
from scored_folder import measured, save

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
    table = {name: Counts(segments=2), quiet: Counts(segments=1)}
    found = measured(tmp_path, "xd-violence", protocol="xdviodet", table=table)
    assert (found.metrics.frames, found.metrics.anomalous_frames) == (48, 12)
    assert any("2 of the 800 official test videos" in note for note in found.notes)


def test_a_feature_file_with_one_segment_too_many_is_named(tmp_path: Path) -> None:
    (tmp_path / "annotations.txt").write_text(UCF)
    table = {"Abuse028_x264": Counts(frames=20), "Normal_Videos_003_x264": Counts(frames=32)}
    for segments, refused in ((2, False), (3, True), (1, True)):
        save(tmp_path / "scores", "Abuse028_x264", np.linspace(0, 1, 16 * segments))
        save(tmp_path / "scores", "Normal_Videos_003_x264", np.zeros(32))
        if refused:
            with pytest.raises(
                BadAnnotation, match=r"Abuse028_x264 has .* and 32 frames of ground"
            ):
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
    with pytest.raises(BadAnnotation, match="has 302 normal videos, but the test set has 300"):
        measured(tmp_path, "xd-violence")


def test_shanghaitech_needs_its_test_list_and_the_length_of_the_mask(tmp_path: Path) -> None:
    masks = tmp_path / "test_frame_mask"
    masks.mkdir()
    np.save(masks / "01_0015.npy", np.array([0, 1, 1], np.uint8))
    np.save(masks / "01_0014.npy", np.array([1], np.uint8))
    for name in ("01_0015", "01_001", "01_0014"):
        save(tmp_path / "scores", name, [0.1, 0.2, 0.9])

    def measured_masks() -> Evaluation:
        return evaluate(tmp_path / "scores", TruthInputs(dataset="shanghaitech", annotations=masks))

    with pytest.raises(BadAnnotation, match=r"put SH_Test.txt next to"):
        measured_masks()
    (tmp_path / "SH_Test.txt").write_text("01_0015\n01_001")
    found = measured_masks()
    assert (found.metrics.frames, found.metrics.anomalous_frames) == (6, 2)
    save(tmp_path / "scores", "01_0015", np.zeros(99))
    with pytest.raises(BadAnnotation, match="01_0015 has 99 scores and 3 frames"):
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
    folder = shared_data / "annotations" / "ucf-crime"
    annotations = folder / "Temporal_Anomaly_Annotation_for_Testing_Videos.txt"
    table = read_count_table(folder / "ucf_test.csv", "T_i3d2048_rtfm")
    videos = read_annotations(annotations, "ucf-crime").videos
    for name, counts in table.counts.items():
        save(tmp_path, f"{videos[name].classes[0]}/{name}", rtfm(videos[name], counts))
    found = evaluate(
        tmp_path,
        TruthInputs(
            dataset="ucf-crime",
            annotations=annotations,
            protocol="rtfm",
            frame_counts=folder / "ucf_test.csv",
            segments_column="T_i3d2048_rtfm",
        ),
        bootstrap_replicates=20,
    )
    assert (found.metrics.frames, found.metrics.anomalous_frames) == (1114144, 84343)
    assert (found.metrics.auc, found.metrics.ap, found.metrics.far) == (1.0, 1.0, 0.0)
    assert len(found.metrics.classes) == 14
    read, hours = found.notes
    assert read.endswith("read as rows of ucf-crime: 156 intervals of 290 videos")
    assert hours.startswith("false alarms")


def test_ped2_is_measured_from_its_own_annotations(shared_data: Path, tmp_path: Path) -> None:
    for number in range(1, 13):
        save(tmp_path, f"Test/Test{number:03}", np.linspace(0, 1, 180))
    for number in range(1, 17):
        save(tmp_path, f"Train/Train{number:03}", np.zeros(120))
    found = evaluate(
        tmp_path, TruthInputs(dataset="own", annotations=shared_data / "ped2" / "annotations.txt")
    )
    assert found.metrics.videos == 12
    assert any("16 scored videos not in the test set" in note for note in found.notes)
