"""A user's gt.npy as truth: where its length fits, compared with the intervals."""

from pathlib import Path

import numpy as np
import pytest

from c2fpl.errors import BadAnnotation
from c2fpl.pipeline.evaluation.evaluate import Evaluation, evaluate
from c2fpl.pipeline.evaluation.truth_inputs import TruthInputs
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.protocols import ProtocolName
from command_line import c2fpl
from official_truth import FILES, build
from scored_folder import save

UCF = "Abuse028_x264 Abuse 3 9 -1 -1\nNormal_Videos_003_x264 Normal -1 -1 -1 -1\n"


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """Two videos of 20 and 32 frames, their intervals, counts and scores."""
    save(tmp_path / "scores", "Abuse028_x264", np.linspace(0, 1, 20))
    save(tmp_path / "scores", "Normal_Videos_003_x264", np.zeros(32))
    (tmp_path / "own.txt").write_text(UCF)
    (tmp_path / "counts.csv").write_text(
        "video,n_frames\nAbuse028_x264,20\nNormal_Videos_003_x264,32\n"
    )
    return tmp_path


def vector(folder: Path, frames: int, *anomalous: int) -> Path:
    truth = np.zeros(frames)
    truth[list(anomalous)] = 1
    np.save(folder / "gt.npy", truth)
    return folder / "gt.npy"


def measured(folder: Path, gt: Path, protocol: ProtocolName = "native") -> Evaluation:
    return evaluate(
        folder / "scores",
        TruthInputs(
            dataset="ucf-crime",
            annotations=folder / "own.txt",
            protocol=protocol,
            frame_counts=folder / "counts.csv",
            ground_truth=gt,
        ),
    )


def test_a_vector_is_the_truth_and_what_differs_from_the_intervals_is_named(pair: Path) -> None:
    found = measured(pair, vector(pair, 52, *range(3, 9)))
    assert "gt.npy equals the intervals in every frame" in found.notes
    found = measured(pair, vector(pair, 52, *range(3, 11)))
    assert found.metrics.anomalous_frames == 8
    differs = (
        "gt.npy is used as ground truth; it differs from the intervals in 2 frames: Abuse028_x264 2"
    )
    assert differs in found.notes


def test_a_vector_of_another_length_names_the_protocol_that_it_fits(pair: Path) -> None:
    with pytest.raises(BadAnnotation, match=r"64 frames, .* native have 52: give --protocol rtfm"):
        measured(pair, vector(pair, 64, 3))
    assert measured(pair, vector(pair, 64, 3), "rtfm").metrics.anomalous_frames == 1
    with pytest.raises(BadAnnotation, match="it belongs to a different list of videos"):
        measured(pair, vector(pair, 99, 3))


def test_a_vector_in_another_order_is_refused_by_the_names_of_videos(pair: Path) -> None:
    with pytest.raises(BadAnnotation, match=r"ones: Abuse028_x264, Normal_Videos_003_x264: it has"):
        measured(pair, vector(pair, 52, 40))


def test_a_vector_alone_stands_as_annotations_with_the_table(pair: Path) -> None:
    gt = vector(pair, 52, *range(3, 9))
    given = ("evaluate", pair / "scores", "--annotations", gt, "--dataset", "ucf-crime")
    assert c2fpl(*given, "--frame-counts", pair / "counts.csv") == 0
    with pytest.raises(BadAnnotation, match="is a vector of many videos: give --frame-counts"):
        evaluate(pair / "scores", TruthInputs(dataset="ucf-crime", annotations=gt))


@pytest.mark.parametrize(
    ("dataset", "protocol", "column"),
    [
        ("ucf-crime", "rtfm", "T_i3d2048_rtfm"),
        ("ucf-crime", "deepmil", "T_i3d1024_deepmil"),
        ("shanghaitech", "shanghaitech-rtfm", "T_rtfm"),
    ],
)
def test_a_published_vector_equals_the_intervals_of_its_protocol(
    shared_data: Path, tmp_path: Path, dataset: DatasetName, protocol: ProtocolName, column: str
) -> None:
    folder = shared_data / "annotations" / dataset
    truth = build(folder, dataset, protocol, column)
    np.save(tmp_path / "gt.npy", truth.frames)
    parts = np.split(truth.frames, np.cumsum(truth.frame_counts)[:-1])
    for name, part in zip(truth.names, parts, strict=True):
        save(tmp_path / "scores", name, part)
    found = evaluate(
        tmp_path / "scores",
        TruthInputs(
            dataset=dataset,
            annotations=folder / FILES[dataset][0],
            protocol=protocol,
            frame_counts=folder / FILES[dataset][1],
            segments_column=column,
            ground_truth=tmp_path / "gt.npy",
        ),
        bootstrap_replicates=0,
    )
    assert "gt.npy equals the intervals in every frame" in found.notes
    assert found.metrics.auc == 1.0
