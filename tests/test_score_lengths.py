"""Scores, counts and intervals of different lengths: refused by name, never cut in silence."""

from pathlib import Path

import numpy as np
import pytest

from c2fpl.errors import BadAnnotation
from c2fpl.pipeline.evaluation.evaluate import evaluate
from c2fpl.pipeline.evaluation.truth_inputs import TruthInputs
from c2fpl.pipeline.truth.protocols import Counts
from c2fpl.pipeline.truth.score_lengths import ScoreUnit
from command_line import c2fpl, refused
from scored_folder import measured, save

SEGMENTS = ScoreUnit("segment")
PARTS = ScoreUnit("part")


@pytest.fixture
def fights(tmp_path: Path) -> Path:
    """One video of 421 frames and a normal one of 80."""
    save(tmp_path / "scores", "Fighting_1", np.linspace(0, 1, 421))
    save(tmp_path / "scores", "quiet", np.zeros(80))
    return tmp_path


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ("500 600", "from frame 500 to 600, which starts beyond its 421 frames (from its scores)"),
        ("421 421", "starts beyond its 421 frames"),
        ("100 437", "from frame 100 to 437, which ends beyond its 421 frames (from its scores)"),
        ("0 9 1000 1001", "from frame 1000 to 1001, which starts beyond"),
    ],
)
def test_an_interval_beyond_the_scores_is_refused_by_name_with_both_lengths(
    fights: Path, interval: str, words: str
) -> None:
    (fights / "annotations.txt").write_text(f"Fighting_1 {interval}\nquiet\n")
    with pytest.raises(BadAnnotation, match=r"^Fighting_1 is annotated") as caught:
        measured(fights)
    assert words in str(caught.value)


def test_an_end_of_two_frames_beyond_is_clipped_and_a_later_one_named(fights: Path) -> None:
    (fights / "annotations.txt").write_text("Fighting_1 400 423\nquiet\n")
    found = measured(fights)
    assert found.metrics.anomalous_frames == 21
    assert not any("clipped" in note for note in found.notes)
    (fights / "annotations.txt").write_text("Fighting_1 400 436\nquiet\n")
    found = measured(fights)
    assert found.metrics.anomalous_frames == 21
    clipped = "intervals that end beyond their video are clipped: Fighting_1 by 15 frames"
    assert clipped in found.notes


def test_scores_of_segments_are_refused_until_they_are_called_so(tmp_path: Path) -> None:
    save(tmp_path / "scores", "a", [0.1, 0.2, 0.9, 0.3])  # 60 frames
    save(tmp_path / "scores", "b", [0.1, 0.1])
    (tmp_path / "annotations.txt").write_text("a 32 48\nb\n")
    with pytest.raises(
        BadAnnotation, match=r"its 4 frames \(from its scores\).*--scores-per segment"
    ):
        measured(tmp_path)
    table = {"a": Counts(frames=60), "b": Counts(frames=32)}
    with pytest.raises(BadAnnotation, match=r"a has 4 scores and 60 frames.*--scores-per segment"):
        measured(tmp_path, table=table)
    whole = measured(tmp_path, unit=SEGMENTS).metrics
    assert (whole.frames, whole.anomalous_frames, whole.auc) == (96, 16, 1.0)
    known = measured(tmp_path, table=table, unit=SEGMENTS).metrics
    assert (known.frames, known.anomalous_frames, known.auc) == (92, 16, 1.0)


def test_segments_may_have_another_length(tmp_path: Path) -> None:
    save(tmp_path / "scores", "a", [0.1, 0.9])
    (tmp_path / "annotations.txt").write_text("a 64 128\n")
    found = measured(tmp_path, unit=ScoreUnit("segment", 64))
    assert (found.metrics.frames, found.metrics.auc) == (128, 1.0)
    table = {"a": Counts(frames=900)}
    with pytest.raises(
        BadAnnotation, match="a has 2 scores for segments of 64 frames, 128 in total"
    ):
        measured(tmp_path, table=table, unit=ScoreUnit("segment", 64))


def test_scores_of_32_parts_need_frame_counts_and_are_spread_over_them(tmp_path: Path) -> None:
    save(tmp_path / "scores", "a", np.arange(32) >= 16)
    (tmp_path / "annotations.txt").write_text("a 512 1024\n")
    with pytest.raises(
        BadAnnotation, match=r"its 32 frames \(from its scores\).*--scores-per part"
    ):
        measured(tmp_path)
    with pytest.raises(BadAnnotation, match="a has 32 scores, one per equal part, but no frame"):
        measured(tmp_path, unit=PARTS)
    table = {"a": Counts(frames=1024)}
    found = measured(tmp_path, table=table, unit=PARTS).metrics
    assert found.frames == 1024
    assert found.auc is not None
    assert found.auc > 0.98


def test_frames_that_the_annotation_counts_are_held_against_the_scores(tmp_path: Path) -> None:
    save(tmp_path / "scores", "Abuse028_x264", np.zeros(88))
    (tmp_path / "annotations.txt").write_text("Abuse/Abuse028_x264.mp4 1412 Abuse 3 9 -1 -1\n")
    with pytest.raises(BadAnnotation, match="Abuse028_x264 has 88 scores and 1412 frames"):
        measured(tmp_path, "ucf-crime")


def test_the_command_line_takes_the_unit_of_the_scores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "scores", "a", [0.1, 0.9])
    (tmp_path / "annotations.txt").write_text("a 16 32\n")
    given = ("evaluate", tmp_path / "scores", "--annotations", tmp_path / "annotations.txt")
    assert "--scores-per segment" in refused(capsys, *given)
    assert c2fpl(*given, "--scores-per", "segment") == 0
    assert "must be at least 1" in refused(capsys, *given, "--frames-per-segment", "0")


def test_one_video_of_another_set_is_named(shared_data: Path, tmp_path: Path) -> None:
    """Real annotations, scores of the right length but for one video."""
    folder = shared_data / "annotations" / "ucf-crime"
    annotations = folder / "Test_Annotation.ekosman.txt"
    for row in annotations.read_text().splitlines():
        name, frames = row.split()[:2]
        count = int(frames) // 16 if "Fighting003" in name else int(frames)
        save(tmp_path, name.split("/")[-1].removesuffix(".mp4"), np.zeros(count))
    with pytest.raises(BadAnnotation, match=r"^Fighting003_x264 has 193 scores and 3102 frames"):
        evaluate(
            tmp_path,
            TruthInputs(dataset="ucf-crime", annotations=annotations),
            bootstrap_replicates=0,
        )
